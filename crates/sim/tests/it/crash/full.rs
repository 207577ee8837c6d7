//! A disk that is full: the worker may write no file beyond a size, smaller and larger ones in turn. What cannot be
//! journalled is not done: the register sees no submission whose act is not durable. With room again the run ends the
//! same, and the audit over its log finds nothing.

use std::process::{Command, Stdio};

use interlock_sim::example::Register;

use super::scene::{Life, Scene, watch};
use super::{Whole, is_completed, kinds};
use crate::target::Target;
use crate::{Failure, Outcome};

/// The sizes tried, in units of 512 bytes: from less than an empty database to more than a whole run.
const SIZES: [u64; 14] = [
    8, 64, 256, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 3072, 4096,
];
/// No file of a run is larger.
const ENOUGH: u64 = 65_536;

/// One life under a limit on the size of files. The shell sets it, for a signal that is ignored stays so across `exec`:
/// the write fails, and the process is not killed.
fn limited(scene: &Scene, units: u64) -> Result<Life, Failure> {
    let worker = scene.command(None);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\""])
        .arg(units.to_string())
        .arg(worker.get_program())
        .args(worker.get_args());
    watch(shell.stdout(Stdio::piped()).spawn()?)
}

#[tokio::test]
async fn attack_52_a_full_disk_lets_no_tool_run_and_loses_nothing() -> Outcome {
    let whole = Whole::run(Register::Keyed).await?;
    let (mut stopped, mut ended) = (0, 0);
    for units in SIZES.into_iter().chain([ENOUGH]) {
        let what = format!("files of at most {units} x 512 bytes");
        let scene = Scene::new(Register::Keyed, Target::prompt()?)?;
        let first = limited(&scene, units)?;
        assert!(first.status.code().is_some(), "{what}: {:?}", first.status);
        let submitted = scene.target.seen().len();
        if first.status.success() {
            ended += 1;
        } else {
            stopped += 1;
            let said = first.lines.last().ok_or("it said nothing")?;
            assert!(said.starts_with("failed to "), "{what}: {said}");
        }
        if submitted > 0 {
            // Its allowance was durable before it went out.
            let (_, history) = scene.journal().await?;
            let started = kinds(&history)
                .iter()
                .filter(|kind| **kind == "act.started")
                .count();
            assert!(submitted <= started, "{what}: {submitted} of {started}");
        }
        let second = scene.live(None)?;
        assert!(second.status.success(), "{what}: {:?}", second.lines);
        let (state, history) = scene.journal().await?;
        assert!(is_completed(&state), "{what}: {}", state.phase.name());
        assert_eq!(
            interlock_sim::road::settled(&kinds(&history)),
            whole.kinds,
            "{what}"
        );
        assert_eq!(scene.target.applied(), 1, "{what}");
        for (seq, hash) in first.acknowledged() {
            let kept = history.iter().find(|entry| entry.seq == seq);
            let kept = kept.map(|entry| entry.hash.to_string());
            assert_eq!(kept, Some(hash), "{what}: entry {seq} was acknowledged");
        }
        scene
            .audit()
            .await
            .map_err(|fault| format!("{what}: {fault}"))?;
    }
    assert!(stopped > 2 && ended > 0, "{stopped} stopped, {ended} ended");
    Ok(())
}
