//! kill -9 at every event boundary of the example's run, then a restart: the same end and the same entries, and the
//! register applied one submission. Its twin without keys saw at most one, and otherwise the run is in doubt.

use interlock_core::run::{InboxKind, Outcome as Ended, Phase, State};
use interlock_runtime::Recorded;
use interlock_sim::example::Register;
use interlock_sim::road::settled;
use interlock_sim::store::Moment;

use crate::target::Target;
use crate::{Failure, Outcome};

mod full;
mod scene;

use scene::{Scene, watch};

/// More lives than a run needs when each of them makes one step.
const LIVES_MAX: usize = 40;

fn kinds(history: &[Recorded]) -> Vec<&'static str> {
    history.iter().map(|entry| entry.event.kind()).collect()
}

fn is_completed(state: &State) -> bool {
    matches!(
        state.phase,
        Phase::Ended {
            outcome: Ended::Completed
        }
    )
}

fn is_in_doubt(state: &State) -> bool {
    matches!(
        state.phase,
        Phase::Waiting {
            kind: InboxKind::InDoubt,
            ..
        }
    )
}

/// The run without a kill: its entries, and after which append each of them is durable.
struct Whole {
    kinds: Vec<&'static str>,
    /// Places of the last entries of the appends, in order.
    ends: Vec<u64>,
}

impl Whole {
    async fn run(register: Register) -> Result<Self, Failure> {
        let scene = Scene::new(register, Target::prompt()?)?;
        let life = scene.live(None)?;
        assert!(life.status.success(), "{:?}", life.lines);
        let (state, history) = scene.journal().await?;
        assert!(is_completed(&state), "{}", state.phase.name());
        assert_eq!(scene.target.seen().len(), 1);
        Ok(Self {
            kinds: kinds(&history),
            ends: life
                .acknowledged()
                .into_iter()
                .map(|(seq, _)| seq)
                .collect(),
        })
    }

    /// The number of the append that makes the entry of this kind durable.
    fn append_of(&self, kind: &str) -> Option<u64> {
        let place = self.kinds.iter().position(|found| *found == kind)? as u64;
        let n = self.ends.iter().position(|end| place <= *end)? as u64;
        Some(n + 1)
    }
}

/// Kills at one boundary, restarts, and checks what came of it. `doubtful`: whether the run must be in doubt.
async fn check(
    whole: &Whole,
    register: Register,
    n: u64,
    moment: Moment,
    doubtful: bool,
) -> Outcome {
    let what = format!(
        "{register:?}, killed {moment:?} append {n} of {}",
        whole.ends.len()
    );
    let scene = Scene::new(register, Target::prompt()?)?;
    let first = scene.live(Some((n, moment)))?;
    assert!(
        first.was_killed(),
        "{what}: {:?} {:?}",
        first.status,
        first.lines
    );
    let second = scene.live(None)?;
    assert!(second.status.success(), "{what}: {:?}", second.lines);
    let (state, history) = scene
        .journal()
        .await
        .map_err(|fault| format!("{what}: {fault}"))?;
    for life in [&first, &second] {
        for (seq, hash) in life.acknowledged() {
            let kept = history.iter().find(|entry| entry.seq == seq);
            let kept = kept.map(|entry| entry.hash.to_string());
            assert_eq!(kept, Some(hash), "{what}: entry {seq} was acknowledged");
        }
    }
    let seen = scene.target.seen();
    if doubtful {
        assert!(is_in_doubt(&state), "{what}: {}", state.phase.name());
        assert!(seen.len() <= 1, "{what}: {seen:?}");
        let mut wanted = whole.kinds.clone();
        let started = wanted.iter().position(|kind| *kind == "act.started");
        wanted.truncate(started.ok_or("no act was started")? + 1);
        wanted.push("inbox.opened");
        assert_eq!(settled(&kinds(&history)), wanted, "{what}");
    } else {
        assert!(is_completed(&state), "{what}: {}", state.phase.name());
        assert_eq!(settled(&kinds(&history)), whole.kinds, "{what}");
        assert_eq!(scene.target.applied(), 1, "{what}: {seen:?}");
    }
    scene
        .audit()
        .await
        .map_err(|fault| format!("{what}: {fault}"))?;
    // A grant goes out once, whatever becomes of it.
    let mut grants: Vec<_> = seen.iter().map(|one| one.grant.clone()).collect();
    grants.dedup();
    assert_eq!(grants.len(), seen.len(), "{what}");
    Ok(())
}

async fn check_every_boundary(register: Register) -> Outcome {
    let whole = Whole::run(register).await?;
    let started = whole.append_of("act.started").ok_or("no act was started")?;
    let mut doubted = 0;
    for n in 1..=whole.ends.len() as u64 {
        for moment in Moment::ALL {
            // Between the durable start and the durable end of an act nobody knows, unless it may be repeated.
            let unknown = matches!((n, moment), (n, Moment::After) if n == started)
                || matches!((n, moment), (n, Moment::Before) if n == started + 1);
            let doubtful = unknown && register == Register::Plain;
            doubted += u64::from(doubtful);
            check(&whole, register, n, moment, doubtful).await?;
        }
    }
    assert_eq!(doubted, if register == Register::Plain { 2 } else { 0 });
    Ok(())
}

#[tokio::test]
async fn attack_51_a_kill_at_every_boundary_leaves_one_submission_for_one_key() -> Outcome {
    check_every_boundary(Register::Keyed).await
}

#[tokio::test]
async fn a_kill_at_every_boundary_leaves_at_most_one_submission_without_keys() -> Outcome {
    check_every_boundary(Register::Plain).await
}

/// The kill comes while the register has the submission and has not answered.
async fn check_under_way(register: Register) -> Result<(Scene, State), Failure> {
    let mut scene = Scene::new(register, Target::silent()?)?;
    let mut child = scene.spawn(None)?;
    scene.target.wait();
    child.kill()?;
    let life = watch(child)?;
    assert!(life.was_killed(), "{:?}", life.lines);
    scene.target.answer();
    let second = scene.live(None)?;
    assert!(second.status.success(), "{:?}", second.lines);
    let (state, _) = scene.journal().await?;
    Ok((scene, state))
}

#[tokio::test]
async fn a_kill_during_the_call_is_repeated_under_the_same_key() -> Outcome {
    let (scene, state) = check_under_way(Register::Keyed).await?;
    assert!(is_completed(&state), "{}", state.phase.name());
    let seen = scene.target.seen();
    assert_eq!((seen.len(), scene.target.applied()), (2, 1), "{seen:?}");
    assert!(
        seen[0].body == seen[1].body && seen[0].grant != seen[1].grant,
        "{seen:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_kill_during_the_call_without_a_key_is_in_doubt() -> Outcome {
    let (scene, state) = check_under_way(Register::Plain).await?;
    assert!(is_in_doubt(&state), "{}", state.phase.name());
    assert_eq!(scene.target.seen().len(), 1);
    Ok(())
}

#[tokio::test]
async fn attack_58_a_run_whose_driver_is_killed_at_each_step_keeps_what_was_acknowledged() -> Outcome
{
    let whole = Whole::run(Register::Keyed).await?;
    let scene = Scene::new(Register::Keyed, Target::prompt()?)?;
    // A later life asks for the same run again, which appends nothing, takes it over, and makes one step.
    let (mut kill, mut acknowledged) = (1, Vec::new());
    for _ in 0..LIVES_MAX {
        let life = scene.live(Some((kill, Moment::After)))?;
        kill = 3;
        acknowledged.extend(life.acknowledged());
        if !life.was_killed() {
            assert!(life.status.success(), "{:?}", life.lines);
            break;
        }
    }
    let (state, history) = scene.journal().await?;
    assert!(is_completed(&state), "{}", state.phase.name());
    assert_eq!(settled(&kinds(&history)), whole.kinds);
    assert_eq!(scene.target.applied(), 1);
    for (seq, hash) in acknowledged {
        let kept = history.iter().find(|entry| entry.seq == seq);
        let kept = kept.map(|entry| entry.hash.to_string());
        assert_eq!(kept, Some(hash), "entry {seq} was acknowledged");
    }
    scene.audit().await
}
