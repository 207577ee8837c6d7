//! `interlock run`: start a run and drive it until it waits for people or ends.

use std::path::{Path, PathBuf};

use interlock_core::id::{BundleName, PrincipalId, WorkflowName};
use interlock_core::run::{Outcome, Phase, State};
use interlock_runtime::{Engine, StartRequest, say};

use super::input;
use crate::door::{Installation, load};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;
use crate::progress::Progress;

/// What was typed.
pub(super) struct Asked {
    pub(super) bundle: String,
    pub(super) input: String,
    pub(super) workflow: Option<String>,
    pub(super) api_key: Option<PathBuf>,
    pub(super) key: Option<String>,
}

pub(super) async fn run(common: &Common, asked: Asked) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let input = input::bytes(&asked.input, interlock_core::limits::INPUT_BYTES_MAX)?;
    if serde_json::from_slice::<serde_json::Value>(&input).is_err() {
        // Said here, where somebody typed it; the engine would journal it as an input that does not fit.
        input::value(&asked.input)?;
    }
    let workflow = asked
        .workflow
        .as_deref()
        .map(WorkflowName::parse)
        .transpose();
    let workflow = workflow.map_err(|fault| {
        Failure::usage(
            format!("failed to {fault}"),
            "interlock check BUNDLE lists them",
        )
    })?;
    let engine = installation.engine()?;
    // Who asks is known before a bundle is deployed for them: that is an entry already.
    let requester = match &asked.api_key {
        None => installation.person(&engine).await?,
        Some(file) => {
            let key = input::api_key(file)?;
            engine.by_api_key(&key).await.map_err(|fault| {
                Failure::from(fault).hint("interlock key api create SERVICE makes a key")
            })?
        }
    };
    let bundle = if Path::new(&asked.bundle).is_dir() {
        let bundle = load(Path::new(&asked.bundle), &installation.policies()?)?;
        let name = bundle.name().clone();
        // Whoever asks for the run, the folder is deployed by the person at the terminal.
        let person = installation.person(&engine).await?;
        engine.deploy(bundle, Some(&person)).await?;
        name
    } else {
        BundleName::parse(&asked.bundle).map_err(|_| {
            Failure::usage(
                format!(
                    "failed to find bundle `{}`: no such folder or name",
                    asked.bundle
                ),
                "interlock bundle list",
            )
        })?
    };
    let by = requester.id();
    // Before the first log of this installation is made, what was typed must name something.
    engine.current_bundle(&bundle).await?;
    installation.publish_beside(&engine).await?;
    installation.hold_to_anchors(&engine).await?;
    let progress = Progress::follow(&engine, !common.json);
    let answer = engine
        .start(StartRequest {
            bundle,
            workflow,
            requester,
            input,
            source: "cli",
            address: "terminal".to_owned(),
            key: asked.key,
        })
        .await?;
    if answer.replayed && !common.json {
        print::aside(&format!("this request has started {} before", answer.run));
    }
    let state = if answer.state.is_ended() {
        answer.state
    } else {
        engine.drive(answer.run).await?
    };
    progress.settle().await;
    report(common, &engine, &state, answer.denied.as_ref(), Some(by)).await
}

/// Says where a run is, and how the command ends. Its output is shown to the reader, where there is one.
pub(super) async fn report(
    common: &Common,
    engine: &Engine,
    state: &State,
    denied: Option<&interlock_core::pipeline::policy::Decision>,
    reader: Option<PrincipalId>,
) -> Result<Exit, Failure> {
    let view = engine.run_view(state.run, reader).await?;
    let exit = match &state.phase {
        _ if denied.is_some() => Exit::Denied,
        Phase::Ended { outcome } => match outcome {
            Outcome::Completed | Outcome::Degraded => Exit::Done,
            Outcome::Denied => Exit::Denied,
            Outcome::Rejected | Outcome::Failed | Outcome::Cancelled => Exit::Failed,
        },
        _ => Exit::Waiting,
    };
    if common.json {
        print::json(&serde_json::json!({"run": view, "denied": denied.map(say::verdict)}))?;
        return Ok(exit);
    }
    if let Some(decision) = denied {
        print::line(&format!(
            "denied: {} is {}",
            decision.action.as_str(),
            say::verdict(decision)
        ));
    }
    match &state.phase {
        Phase::Ended { outcome } => print::line(&format!("{} {}", view.run, outcome.as_str())),
        Phase::Reviewing { review, .. } => {
            print::line(&format!("{} waits for a review", view.run));
            print::line(&format!("next:  interlock review show {}", review.id));
        }
        Phase::Waiting { item, .. } => {
            print::line(&format!("{} waits for a person", view.run));
            print::line(&format!("next:  interlock inbox show {item}"));
        }
        other => print::line(&format!("{} is {}", view.run, other.name())),
    }
    if let Some(output) = &view.output {
        print::line(&print::value(output, "  "));
    }
    if matches!(exit, Exit::Denied | Exit::Failed) {
        print::line(&format!("why:  interlock audit show {}", view.run));
    }
    Ok(exit)
}
