//! The file guard: it goes forward only, from what its caller has read, in one process, and says when it is damaged.

use super::*;

fn tenant() -> TenantName {
    TenantName::parse("default").unwrap()
}

fn at(size: u64, root: u8) -> Guarded {
    Guarded {
        origin: "example.org/log".to_owned(),
        size,
        root: [root; 32],
        at: Timestamp::from_micros(size),
    }
}

/// Advances from one tree to another and says whether that was taken.
async fn check(from: Guarded, expected: Option<Guarded>, new: Guarded, taken: bool) {
    let dir = tempfile::tempdir().unwrap();
    let guard = FileGuard::open(dir.path(), &tenant()).unwrap();
    guard.advance(None, &from).await.unwrap();
    let done = guard.advance(expected.as_ref(), &new).await;
    assert_eq!(done.is_ok(), taken, "{new:?}: {done:?}");
    let held = if taken { new } else { from };
    assert_eq!(guard.last().await.unwrap(), Some(held));
}

#[tokio::test]
async fn it_goes_forward_only() {
    check(at(5, 1), Some(at(5, 1)), at(6, 2), true).await;
    check(at(5, 1), Some(at(5, 1)), at(5, 1), true).await;
    check(at(5, 1), Some(at(5, 1)), at(4, 2), false).await;
    check(at(5, 1), Some(at(5, 1)), at(5, 2), false).await;
    check(at(5, 1), Some(at(4, 1)), at(6, 2), false).await;
    check(at(5, 1), None, at(6, 2), false).await;
    let other = Guarded {
        origin: "example.org/other".to_owned(),
        ..at(6, 2)
    };
    check(at(5, 1), Some(at(5, 1)), other, false).await;
}

#[tokio::test]
async fn it_is_kept_and_held_by_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let guard = FileGuard::open(dir.path(), &tenant()).unwrap();
    assert!(guard.last().await.unwrap().is_none());
    assert!(matches!(
        FileGuard::open(dir.path(), &tenant()),
        Err(GuardFault::Locked)
    ));
    guard.advance(None, &at(9, 3)).await.unwrap();
    drop(guard);
    let again = FileGuard::open(dir.path(), &tenant()).unwrap();
    assert_eq!(again.last().await.unwrap(), Some(at(9, 3)));
    assert_eq!(
        FileGuard::look(dir.path(), &tenant()).unwrap(),
        Some(at(9, 3))
    );
    again.adopt(&at(2, 1)).await.unwrap();
    assert_eq!(again.last().await.unwrap(), Some(at(2, 1)));
}

#[tokio::test]
async fn any_changed_byte_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let file = path(dir.path(), &tenant());
    let guard = FileGuard::open(dir.path(), &tenant()).unwrap();
    guard.advance(None, &at(1234, 7)).await.unwrap();
    let good = std::fs::read(&file).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        let read = guard.last().await;
        assert!(
            matches!(read, Err(GuardFault::Damaged)),
            "{place}: {read:?}"
        );
    }
    for bad in [&good[..good.len() - 1], b"", &[&good[..], b"\n"].concat()] {
        std::fs::write(&file, bad).unwrap();
        assert!(matches!(guard.last().await, Err(GuardFault::Damaged)));
    }
}

#[tokio::test]
async fn what_was_left_beside_it_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let guard = FileGuard::open(dir.path(), &tenant()).unwrap();
    guard.advance(None, &at(1, 1)).await.unwrap();
    // A process that died before its rename.
    std::fs::write(path(dir.path(), &tenant()).with_extension("new"), b"half").unwrap();
    assert_eq!(guard.last().await.unwrap(), Some(at(1, 1)));
    guard.advance(Some(&at(1, 1)), &at(2, 2)).await.unwrap();
    assert_eq!(guard.last().await.unwrap(), Some(at(2, 2)));
}
