//! What every store refuses of the log: publications, prunings, steps of the search index and searches.
//! As beside: the first function of each pair needs nothing stored, the second compares with what is stored.

use std::collections::BTreeSet;

use super::is_word;
use crate::fault::{PublishFault, StoreFault};
use crate::limits::{
    CHECKPOINT_BYTES_MAX, INDEX_ROWS_MAX, INDEX_TERMS_MAX, KEY_BYTES_MAX, PUBLICATION_TILES_MAX,
    SEARCH_EVENTS_MAX, SEARCH_TERMS_MAX, TILE_HASHES, TILE_LEVEL_MAX, WORD_BYTES_MAX,
};
use crate::log::{IndexRow, Publication, Published, SearchQuery, Term, TileRow};

const HASH_BYTES: u64 = 32;

/// Checks a publication against itself: every tile is one of the tree of its size, there once.
pub(crate) fn publication(publication: &Publication) -> Result<(), PublishFault> {
    let refused = |what| StoreFault::Refused {
        operation: "publish",
        what,
    };
    if publication.tiles.len() > PUBLICATION_TILES_MAX {
        return Err(refused("number of tiles").into());
    }
    let note = publication.published.checkpoint.len();
    if note == 0 || note > CHECKPOINT_BYTES_MAX {
        return Err(refused("checkpoint").into());
    }
    let mut seen = BTreeSet::new();
    for tile in &publication.tiles {
        if !seen.insert((tile.level, tile.index)) {
            return Err(PublishFault::Broken {
                what: "a tile is there twice",
            });
        }
        if !is_tile_of(tile, publication.published.size) {
            return Err(PublishFault::Broken {
                what: "a tile is none of a tree of this size",
            });
        }
    }
    Ok(())
}

fn is_tile_of(tile: &TileRow, size: u64) -> bool {
    if tile.level > TILE_LEVEL_MAX {
        return false;
    }
    let nodes = size >> (8 * u32::from(tile.level));
    let width = tile
        .index
        .checked_mul(TILE_HASHES)
        .map_or(0, |first| nodes.saturating_sub(first).min(TILE_HASHES));
    width > 0 && tile.bytes.len() as u64 == width * HASH_BYTES
}

/// Compares a publication with what is published and with the size of the log.
pub(crate) fn publish_guard(
    found: Option<&Published>,
    log_size: u64,
    publication: &Publication,
) -> Result<(), PublishFault> {
    let size = found.map(|found| found.size);
    if size != publication.expected {
        return Err(PublishFault::Conflict { found: size });
    }
    let next = &publication.published;
    let what = if next.size > log_size {
        "size is beyond the log"
    } else if found.is_some_and(|found| next.size < found.size) {
        "size is smaller than what is published"
    } else if found.is_some_and(|found| next.size == found.size && next.root != found.root) {
        "root of the published size is another"
    } else {
        return Ok(());
    };
    Err(PublishFault::Broken { what })
}

/// Compares a tile with the one that is there.
pub(crate) fn continues(found: &[u8], tile: &TileRow) -> Result<(), PublishFault> {
    if tile.bytes.starts_with(found) {
        Ok(())
    } else {
        Err(PublishFault::Broken {
            what: "a tile is no continuation of the one that is there",
        })
    }
}

/// Compares a new minimum with the one that is there and the size published.
pub(crate) fn prune(minimum: u64, found: u64, published: Option<u64>) -> Result<(), StoreFault> {
    let what = if !minimum.is_multiple_of(TILE_HASHES) {
        "minimum, no multiple of 256,"
    } else if minimum < found {
        "minimum, below the one that is there,"
    } else if minimum > published.unwrap_or(0) {
        "minimum, above what is published,"
    } else {
        return Ok(());
    };
    Err(refused_prune(what))
}

/// The refusal of a pruning.
pub(crate) const fn refused_prune(what: &'static str) -> StoreFault {
    StoreFault::Refused {
        operation: "prune",
        what,
    }
}

/// What a pruning is refused with when a run that goes on has entries below.
pub(crate) const UNENDED: &str = "minimum, above entries of a run that has not ended,";

const INDEX_PUT: &str = "index put";

/// Checks rows of the search index against their bounds.
pub(crate) fn index_rows(rows: &[IndexRow]) -> Result<(), StoreFault> {
    let what = if rows.len() > INDEX_ROWS_MAX {
        "number of rows"
    } else if rows.iter().any(|row| row.terms.len() > INDEX_TERMS_MAX) {
        "number of terms"
    } else if rows.iter().any(|row| !is_word(&row.event, WORD_BYTES_MAX)) {
        "event"
    } else if !rows.iter().all(|row| row.terms.iter().all(is_term)) {
        "term"
    } else {
        return Ok(());
    };
    Err(StoreFault::Refused {
        operation: INDEX_PUT,
        what,
    })
}

fn is_term((_, value): &(Term, String)) -> bool {
    !value.is_empty() && value.len() <= KEY_BYTES_MAX
}

/// Compares rows with where the index and the log are; whether there is anything to do.
pub(crate) fn index_guard(
    cursor: u64,
    minimum: u64,
    log_size: u64,
    upto: u64,
    rows: &[IndexRow],
) -> Result<bool, StoreFault> {
    if upto <= cursor {
        return Ok(false);
    }
    let wanted = cursor.max(minimum)..upto;
    let what = if upto > log_size {
        "end of the rows, beyond the log,"
    } else if !rows.iter().map(|row| row.index).eq(wanted) {
        "rows, not one for each entry from the cursor on,"
    } else {
        return Ok(true);
    };
    Err(StoreFault::Refused {
        operation: INDEX_PUT,
        what,
    })
}

/// Checks a search against its bounds.
pub(crate) fn query(query: &SearchQuery) -> Result<(), StoreFault> {
    let what = if query.terms.len() > SEARCH_TERMS_MAX {
        "number of terms"
    } else if query.events.len() > SEARCH_EVENTS_MAX {
        "number of events"
    } else if !query.terms.iter().all(is_term) {
        "term"
    } else if !query
        .events
        .iter()
        .all(|event| is_word(event, WORD_BYTES_MAX))
    {
        "event"
    } else {
        return Ok(());
    };
    Err(StoreFault::Refused {
        operation: "search",
        what,
    })
}

/// Checks how many tiles are asked for.
pub(crate) fn tiles(wanted: usize) -> Result<(), StoreFault> {
    if wanted <= PUBLICATION_TILES_MAX {
        return Ok(());
    }
    Err(StoreFault::Refused {
        operation: "tiles",
        what: "number of tiles",
    })
}
