//! Tiles and bundles: which a tree has, compared with `tlog_tiles`; growth in steps; what is refused.

use interlock_journal::leaf_hash;
use interlock_journal::tile::{
    BundleId, TileFault, TileId, Tiles, WIDTH, bundles_of, decode_bundle, edge_of, encode_bundle,
    needed_for_consistency, needed_for_inclusion, needed_for_root, tiles_changed, tiles_of,
};
use interlock_journal::tree::{
    Frontier, NodeSource, SIZE_MAX, consistency_proof, inclusion_proof, root_at, verify_inclusion,
};
use proptest::prelude::*;

use crate::written::{ORIGIN, Written, entry};

fn tile(level: u8, index: u64, width: u16) -> TileId {
    TileId {
        level,
        index,
        width,
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    for (id, path) in [
        (tile(0, 0, 256), "tile/0/000"),
        (tile(0, 273, 112), "tile/0/273.p/112"),
        (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(1, 1000, 1), "tile/1/x001/000.p/1"),
        (tile(7, 0, 127), "tile/7/000.p/127"),
        (
            tile(0, (SIZE_MAX >> 8) - 1, 256),
            "tile/0/x036/x028/x797/x018/x963/966",
        ),
    ] {
        assert_eq!(id.path(), path);
        assert_eq!(TileId::parse_path(path), Ok(id));
    }
    let bundle = BundleId {
        index: 1_234_067,
        width: 5,
    };
    assert_eq!(bundle.path(), "tile/entries/x001/x234/067.p/5");
    assert_eq!(BundleId::parse_path(&bundle.path()), Ok(bundle));
}

#[test]
fn a_path_has_one_spelling() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/x001/02",
        "tile/00/001",
        "tile/+1/001",
        "tile/-1/001",
        "tile/8/000",
        "tile/63/000",
        "tile/256/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/65537",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/1/",
        "/tile/0/000",
        "tile/0/000 ",
        "tile/0/..",
        "tile/0/+00",
        "tile/7/000",
        "tile/7/001",
        "tile/7/000.p/128",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/\u{663}00",
        "tile/data/000",
        "tile/0/000\0",
    ] {
        TileId::parse_path(path).unwrap_err();
        BundleId::parse_path(&path.replace("tile/0/", "tile/entries/")).unwrap_err();
    }
    let long = format!("tile/0/{}000", "x000/".repeat(100_000));
    let Err(TileFault::Path(said)) = TileId::parse_path(&long) else {
        panic!("a long path was read");
    };
    assert!(said.len() <= 64);
}

/// The path in `tlog_tiles`, whose paths also name the tile's height and call bundles data.
fn other(tile: tlog_tiles::Tile) -> String {
    let path = tile.path();
    format!("tile/{}", path.strip_prefix("tile/8/").unwrap())
}

proptest! {
    #[test]
    fn tiles_of_a_growing_tree_are_those_of_tlog_tiles(old in 0u64..200_000, grown in 0u64..200_000) {
        let new = old + grown;
        let mut ours: Vec<_> = tiles_changed(old, new).map(|tile| tile.path()).collect();
        // It goes on to levels that such a tree has no hash of.
        let mut theirs: Vec<_> = tlog_tiles::Tile::new_tiles(8, old, new)
            .into_iter()
            .map(other)
            .collect();
        ours.sort();
        theirs.sort();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn paths_of_tiles_are_read_back(size in 1..=SIZE_MAX, level in 0..8u8) {
        for id in edge_of(size).filter(|id| id.level == level) {
            prop_assert_eq!(TileId::parse_path(&id.path()), Ok(id));
        }
    }

    #[test]
    fn what_is_read_as_a_path_prints_as_it_was(path in "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,7}x?[0-9]{1,4}(\\.p/[0-9]{1,4})?") {
        if let Ok(id) = TileId::parse_path(&path) {
            prop_assert_eq!(id.path(), path);
        } else if let Ok(id) = BundleId::parse_path(&path) {
            prop_assert_eq!(id.path(), path);
        }
    }

    #[test]
    fn bundles_are_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256)) {
        let bytes = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        let read = decode_bundle(&bytes, entries.len() as u16).unwrap();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn any_bytes_as_a_bundle_end(bytes in prop::collection::vec(any::<u8>(), 0..600), width in any::<u16>()) {
        if let Ok(entries) = decode_bundle(&bytes, width) {
            prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
        }
    }
}

#[test]
fn the_specification_s_tree_of_70_000_has_the_tiles_that_it_says() {
    let ids: Vec<_> = tiles_of(70_000).collect();
    let full = |level| {
        ids.iter()
            .filter(|id| id.level == level && id.width == 256)
            .count()
    };
    assert_eq!((full(0), full(1), full(2), ids.len()), (273, 1, 0, 277));
    let edge: Vec<_> = edge_of(70_000).collect();
    assert_eq!(edge, [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)]);
    assert_eq!(
        tiles_of(256).collect::<Vec<_>>(),
        [tile(0, 0, 256), tile(1, 0, 1)]
    );
    assert_eq!(edge_of(256).collect::<Vec<_>>(), [tile(1, 0, 1)]);
    assert_eq!(tiles_of(0).count() + bundles_of(0).count(), 0);
    assert_eq!(bundles_of(257).count(), 2);
    assert_eq!(tiles_changed(5, 5).count() + tiles_changed(6, 5).count(), 0);
}

#[test]
fn growth_in_steps_gives_the_tiles_of_growth_at_once() {
    let size = 66_100u64;
    let leaves: Vec<_> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let mut once = Tiles::new();
    let changed = once.extend(0, leaves.iter().copied()).unwrap();
    assert_eq!(changed, tiles_of(size).collect::<Vec<_>>());
    let mut steps = Tiles::new();
    let mut frontier = Frontier::new();
    let mut old = 0usize;
    for step in [0, 1, 254, 1, 1, 255, 256, 511, 3, 64_000, 500, 318] {
        let new = (old + step).min(leaves.len());
        for id in steps
            .extend(old as u64, leaves[old..new].iter().copied())
            .unwrap()
        {
            assert_eq!(steps.bytes(id).unwrap(), once.bytes(id).unwrap());
        }
        for leaf in &leaves[old..new] {
            frontier.push(*leaf);
        }
        old = new;
        // Growth from here needs the right edge and nothing else.
        steps.keep_edge(old as u64);
        assert!(steps.len() <= 8);
        assert_eq!(root_at(&steps, old as u64), Ok(frontier.root()));
    }
    assert_eq!(old as u64, size);
    let edge: Vec<_> = edge_of(size).collect();
    let mut read = Tiles::new();
    for id in &edge {
        read.insert(*id, once.bytes(*id).unwrap()).unwrap();
    }
    read.extend(size, [leaf_hash(b"more")]).unwrap();
    frontier.push(leaf_hash(b"more"));
    assert_eq!(root_at(&read, size + 1), Ok(frontier.root()));
}

#[test]
fn growth_from_another_edge_is_refused_and_changes_nothing() {
    let log = Written::of(ORIGIN, 1, 300);
    for old in [0, 1, 255, 256, 299, 301, 44, 556, 65_836] {
        let mut tiles = log.tiles.clone();
        let fault = tiles.extend(old, [leaf_hash(b"more")]).unwrap_err();
        assert!(matches!(fault, TileFault::Edge(_)), "{old}: {fault}");
        assert_eq!(tiles, log.tiles);
    }
    // A right edge of the asked size, with tiles of a larger tree beyond it.
    let mut tiles = Tiles::new();
    let beyond = log.tile(tile(0, 1, 44));
    tiles.insert(tile(0, 1, 44), beyond).unwrap();
    let fault = tiles.extend(0, [leaf_hash(b"more")]).unwrap_err();
    assert_eq!(fault, TileFault::Edge("tile/0/000.p/0".to_owned()));
}

#[test]
fn every_node_of_the_tiles_is_the_tree_s_own() {
    let log = Written::of(ORIGIN, 1, 1100);
    let leaves: Vec<_> = log.entries.iter().map(|entry| leaf_hash(entry)).collect();
    for level in 0..12u8 {
        for index in 0..1100u64 {
            let from = index << level;
            let to = from + (1 << level);
            let node = log.tiles.node(level, index);
            if to > 1100 {
                assert_eq!(node, None, "{level} {index}");
                continue;
            }
            let mut part = Frontier::new();
            for leaf in &leaves[from as usize..to as usize] {
                part.push(*leaf);
            }
            assert_eq!(node, Some(part.root()), "{level} {index}");
        }
    }
    assert_eq!(log.tiles.node(255, u64::MAX), None);
}

#[test]
fn proofs_need_no_more_than_the_tiles_said_to_be_needed() {
    let log = Written::of(ORIGIN, 1, 66_000);
    let size = log.size();
    let root = log.checkpoint().root;
    let only = |needed: std::collections::BTreeSet<TileId>| {
        assert!(needed.len() <= 6, "{needed:?}");
        let mut tiles = Tiles::new();
        for id in needed {
            tiles.insert(id, log.tile(id)).unwrap();
        }
        tiles
    };
    let tiles = only(needed_for_root(size).unwrap());
    assert_eq!(root_at(&tiles, size), Ok(root));
    for index in [0, 1, 255, 256, 65_535, 65_536, 65_999] {
        let tiles = only(needed_for_inclusion(index, size).unwrap());
        let proof = inclusion_proof(&tiles, index, size).unwrap();
        let leaf = leaf_hash(&log.entries[index as usize]);
        verify_inclusion(leaf, index, size, &proof, root).unwrap();
        let tiles = only(needed_for_consistency(index + 1, size).unwrap());
        consistency_proof(&tiles, index + 1, size).unwrap();
    }
    needed_for_inclusion(size, size).unwrap_err();
    needed_for_consistency(size + 1, size).unwrap_err();
}

/// What a log pruned to `minimum` still has.
fn pruned(log: &Written, minimum: u64) -> Tiles {
    let mut tiles = Tiles::new();
    for id in tiles_of(log.size()).filter(|id| !id.is_below(minimum)) {
        tiles.insert(id, log.tile(id)).unwrap();
    }
    tiles
}

#[test]
fn a_pruned_log_still_proves_everything_from_its_minimum_on() {
    let log = Written::of(ORIGIN, 1, 66_000);
    for minimum in [
        0, 1, 255, 256, 257, 512, 700, 65_279, 65_280, 65_536, 65_792, 66_000,
    ] {
        let tiles = pruned(&log, minimum);
        let gone = tiles_of(log.size()).count() - tiles.len();
        assert_eq!(gone as u64, minimum / 256 + minimum / 65_536, "{minimum}");
        let bundles = bundles_of(log.size()).filter(|id| id.is_below(minimum));
        assert_eq!(bundles.count() as u64, minimum / 256);
        let places = [0, 1, 5, 255, 256, 300, 463].map(|after| minimum + after);
        for size in places.into_iter().filter(|size| *size <= log.size()) {
            let root = root_at(&tiles, size).unwrap();
            assert_eq!(root, root_at(&log.tiles, size).unwrap());
            let proof = consistency_proof(&tiles, size, log.size()).unwrap();
            assert_eq!(Ok(proof), consistency_proof(&log.tiles, size, log.size()));
            for index in places.into_iter().filter(|index| *index < size) {
                let proof = inclusion_proof(&tiles, index, size).unwrap();
                let leaf = leaf_hash(&log.entries[index as usize]);
                verify_inclusion(leaf, index, size, &proof, root).unwrap();
            }
        }
    }
    // What was pruned is really gone.
    let tiles = pruned(&log, 65_536);
    inclusion_proof(&tiles, 3, log.size()).unwrap_err();
    assert!(!tile(7, 0, 127).is_below(u64::MAX));
    assert!(!tile(0, u64::MAX, 256).is_below(u64::MAX));
}

#[test]
fn a_bundle_holds_1_to_256_entries_of_a_length_that_fits() {
    let entries: Vec<_> = (0..WIDTH + 1).map(entry).collect();
    let encode = |count: usize| encode_bundle(entries[..count].iter().map(Vec::as_slice));
    assert_eq!(encode(0), Err(TileFault::Width(0)));
    assert_eq!(encode(257), Err(TileFault::Width(257)));
    encode(256).unwrap();
    let long = vec![0u8; 65_536];
    assert_eq!(
        encode_bundle([long.as_slice()]),
        Err(TileFault::Entry(65_536))
    );
    let bytes = encode_bundle([&long[1..]]).unwrap();
    assert_eq!(decode_bundle(&bytes, 1).unwrap(), [&long[1..]]);
    for width in [0, 257, u16::MAX] {
        assert_eq!(
            decode_bundle(&bytes, width),
            Err(TileFault::Width(usize::from(width)))
        );
    }
}
