//! The laws themselves: a good journal passes, and one from which any entry was taken, or in which any entry stands
//! twice, does not.

use interlock_core::run::{Event, Phase};
use interlock_sim::invariants::{Law, check_journal};
use serde_json::json;

use crate::{Outcome, World};

#[tokio::test]
async fn no_entry_can_be_taken_or_stand_twice() -> Outcome {
    let dir = tempfile::tempdir()?;
    let world = World::load("clean")?;
    let road = world.road(&dir.path().join("data"), World::memory()?)?;
    road.deploy(&world.files).await?;
    let run = road.start(&json!({"case_id": "CASE-1042"}), "one").await?;
    assert!(matches!(road.go_on(run).await?.phase, Phase::Ended { .. }));
    let (_, history) = road.check(run, world.bundle.tools()).await?;
    let events: Vec<Event> = history.into_iter().map(|entry| entry.event).collect();
    let last = events.len() - 1;
    for place in 0..events.len() {
        let kind = events[place].kind();
        let mut fewer = events.clone();
        fewer.remove(place);
        let checked = check_journal(run, &fewer, world.bundle.tools());
        // A whole beginning of a journal is a journal.
        assert_eq!(
            checked.is_ok(),
            place == last,
            "without entry {place}, {kind}"
        );
        let mut more = events.clone();
        more.insert(place, events[place].clone());
        let checked = check_journal(run, &more, world.bundle.tools());
        // Only a way that was taken may be taken again: no effect follows from it, and workflows may come to loop.
        let twice = checked.is_ok();
        assert_eq!(
            twice,
            kind == "branch.taken",
            "entry {place}, {kind}, twice"
        );
    }
    let started = events
        .iter()
        .find(|event| matches!(event, Event::ActStarted { .. }));
    let mut more = events.clone();
    more.push(started.cloned().ok_or("no act was started")?);
    let broken = check_journal(run, &more, world.bundle.tools()).unwrap_err();
    assert_eq!(broken.law, Law::Ended);
    Ok(())
}
