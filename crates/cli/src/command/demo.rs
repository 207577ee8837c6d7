//! `interlock demo`: the main job with three runs of the incident-summary example, in a fresh directory, with the
//! scripted model (or the real one), the real policies, log, grants and tools.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_bundle::{Bundle, TestCase};
use interlock_core::id::{EndpointName, EnvironmentName, RoleName};
use interlock_core::pipeline::identity::{Method, Principal};
use interlock_core::pipeline::policy::Verdict;
use interlock_core::run::{Event, Phase, Review, State};
use interlock_runtime::case::{scripted_endpoint, scripted_model};
use interlock_runtime::{Engine, StartRequest, say};
use interlock_store::Store;

use super::{audit, example, inbox, init, review};
use crate::door::{Installation, data_dir};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;
use crate::progress::Progress;

/// The cases shown, with what a person sees above each.
const SHOWN: [(&str, &str); 3] = [
    (
        "clean",
        "1 of 3  A clean case. The model writes; a person approves; the tool acts once.",
    ),
    (
        "injected",
        "2 of 3  A log line tells the model to mail the data out, and the model obeys.",
    ),
    ("outage", "3 of 3  No model answers."),
];

pub(super) async fn run(common: &Common, yes: bool, live: bool) -> Result<Exit, Failure> {
    if !yes && !print::is_interactive() {
        return Err(Failure::usage(
            "failed to ask for an approval: there is no terminal",
            "interlock demo --yes lets a marked demo reviewer approve",
        ));
    }
    let dir = directory(common, live)?;
    let installation = Installation::open_at(&dir)?;
    if installation.config.environment.as_str() != "dev" {
        return Err(Failure::usage(
            format!(
                "failed to show the demo in environment {}: its accounts belong into no other than dev",
                installation.config.environment
            ),
            "leave --data-dir out, or name one of environment dev",
        ));
    }
    if live {
        needs_secrets(&installation)?;
    }
    let bundle = example::incident_summary()?;
    print::line(&format!(
        "bundle    {}  version {}",
        bundle.name(),
        bundle.version()
    ));
    print::line(&format!("data      {}", dir.display()));
    print::line(if live {
        "model     the real one behind endpoint `claude`"
    } else {
        "model     scripted (replies kept in the bundle's tests)"
    });
    let store = installation.store()?;
    not_replaced(&installation, &bundle, &store).await?;
    let mut last = None;
    for (name, title) in SHOWN {
        let case = bundle
            .tests()
            .iter()
            .find(|case| case.name == name)
            .ok_or_else(|| {
                Failure::failed(format!("failed to find case `{name}` in the example"))
            })?;
        print::line(&format!("\n── {title}"));
        let real = live && name != "outage";
        if live && !real {
            print::line("   (scripted even here: the real model is up)");
        }
        let engine = engine(&installation, &bundle, case, real, Arc::clone(&store))?;
        last = Some(one(&installation, &engine, case, yes).await?);
    }
    let engine = installation.engine_over(Arc::clone(&store))?;
    installation.publisher(&engine).await?.publish_now().await?;
    finish(&installation, store, last, &dir).await
}

/// Policies are always those of a bundle's current version: the demo must not change them under somebody's runs.
async fn not_replaced(
    installation: &Installation,
    bundle: &Bundle,
    store: &Arc<dyn Store>,
) -> Result<(), Failure> {
    let engine = installation.engine_over(Arc::clone(store))?;
    let ours = bundle.version().to_string();
    let other = engine
        .deployed()
        .await?
        .into_iter()
        .any(|deployed| deployed.name == bundle.name().as_str() && deployed.version != ours);
    if other {
        return Err(Failure::usage(
            format!(
                "failed to show the demo: another version of {} is deployed there",
                bundle.name()
            ),
            "leave --data-dir out, or name a directory of its own",
        ));
    }
    Ok(())
}

/// A live demo without its credential would only show the fallbacks.
fn needs_secrets(installation: &Installation) -> Result<(), Failure> {
    let kept = installation.secrets.list()?;
    let needed = installation
        .config
        .endpoints
        .values()
        .filter_map(|endpoint| endpoint.secret.as_ref());
    for secret in needed {
        if !kept.contains(secret) {
            return Err(Failure::usage(
                format!("failed to ask the real model: secret {secret} is not kept"),
                format!("interlock key set {secret}"),
            ));
        }
    }
    Ok(())
}

/// A fresh directory, or the one that was asked for.
fn directory(common: &Common, live: bool) -> Result<PathBuf, Failure> {
    let environment =
        EnvironmentName::parse("dev").map_err(|fault| Failure::failed(fault.to_string()))?;
    match &common.data_dir {
        // The real model's credential is kept in an installation.
        None if live => {
            let dir = data_dir(common)?;
            if dir.join("interlock.toml").is_file() {
                Ok(dir)
            } else {
                Err(Failure::usage(
                    "failed to ask the real model: its credential is not kept",
                    "interlock key set anthropic",
                ))
            }
        }
        Some(dir) => {
            if !dir.join("interlock.toml").is_file() {
                init::make(dir, &environment)?;
            }
            Ok(dir.clone())
        }
        None => {
            let dir = tempfile::Builder::new()
                .prefix("interlock-demo-")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .tempdir()?
                .keep();
            init::make(&dir, &environment)?;
            Ok(dir)
        }
    }
}

fn engine(
    installation: &Installation,
    bundle: &Bundle,
    case: &TestCase,
    live: bool,
    store: Arc<dyn Store>,
) -> Result<Arc<Engine>, Failure> {
    if live {
        return installation.engine_over(store);
    }
    let endpoints = bundle
        .models()
        .iter()
        .filter_map(scripted_endpoint)
        .map(|endpoint| (endpoint.name.clone(), endpoint))
        .collect();
    let aliases = bundle
        .models()
        .iter()
        .filter_map(|alias| Some((alias.clone(), EndpointName::parse(alias.as_str()).ok()?)))
        .collect();
    let doors = installation.doors(installation.egress()?);
    installation.engine_with(
        store,
        Arc::new(scripted_model(case)),
        doors,
        endpoints,
        aliases,
    )
}

async fn one(
    installation: &Installation,
    engine: &Arc<Engine>,
    case: &TestCase,
    yes: bool,
) -> Result<State, Failure> {
    let bundle = example::incident_summary()?;
    let name = bundle.name().clone();
    let person = installation.person(engine).await?;
    engine.deploy(bundle, Some(&person)).await?;
    let requester = engine
        .service("demo-intake", case.principal.roles.clone(), Method::Demo)
        .await?;
    let progress = Progress::follow(engine, true);
    let answer = engine
        .start(StartRequest {
            bundle: name,
            workflow: Some(case.workflow.clone()),
            requester,
            input: case.input.to_string().into_bytes(),
            source: "demo",
            address: "terminal".to_owned(),
            key: None,
        })
        .await?;
    let mut state = if answer.state.is_ended() {
        answer.state
    } else {
        engine.drive(answer.run).await?
    };
    progress.settle().await;
    while let Phase::Reviewing { review, .. } = state.phase.clone() {
        match decide(installation, engine, &review, yes).await? {
            Some(decided) => state = decided,
            None => break,
        }
        progress.settle().await;
    }
    outcome(installation, engine, &state).await?;
    Ok(state)
}

/// Shows the review and takes the verdict of the person at the terminal, or of the demo reviewer.
async fn decide(
    installation: &Installation,
    engine: &Arc<Engine>,
    open: &Review,
    yes: bool,
) -> Result<Option<State>, Failure> {
    print::line("\n   A person must decide:");
    let reader = installation.person(engine).await?.id();
    review::show(&engine.review_view(open.id, Some(reader)).await?);
    let (person, approve, reason) = if yes {
        print::line("\n   !! --yes: the DEMO REVIEWER approves. No person has looked at this. !!");
        (
            demo_reviewer(engine, open).await?,
            true,
            Some("demo reviewer".to_owned()),
        )
    } else {
        let approve = loop {
            match print::ask("\n   approve exactly this? [y/n] ")?.as_str() {
                "y" | "yes" => break true,
                "n" | "no" => break false,
                _ => {}
            }
        };
        let mut reason = None;
        while !approve && reason.is_none() {
            reason = Some(print::ask("   why not? ")?).filter(|reason| !reason.is_empty());
        }
        (installation.person(engine).await?, approve, reason)
    };
    match engine
        .vote(open.id, person, open.digest, approve, reason)
        .await
    {
        Ok(answer) => Ok(Some(answer.state)),
        Err(fault) => {
            print::failure(&Failure::from(fault), false);
            Ok(None)
        }
    }
}

async fn demo_reviewer(engine: &Arc<Engine>, open: &Review) -> Result<Principal, Failure> {
    let roles = open
        .thresholds
        .iter()
        .map(|(role, _)| RoleName::clone(role))
        .collect();
    Ok(engine
        .local_person("demo-reviewer", roles, Method::Demo)
        .await?)
}

/// What became of the run, with the policy that refused it or the inbox item that waits.
async fn outcome(
    installation: &Installation,
    engine: &Arc<Engine>,
    state: &State,
) -> Result<(), Failure> {
    match &state.phase {
        Phase::Ended { outcome } => print::line(&format!("   outcome: {}", outcome.as_str())),
        Phase::Waiting { item, .. } => {
            print::line("   outcome: waits in the inbox for a person\n");
            let reader = installation.person(engine).await?.id();
            inbox::show(&engine.inbox_view(*item, reader).await?);
        }
        other => print::line(&format!("   the run is {}", other.name())),
    }
    for recorded in engine.history(state.run).await? {
        let Event::Decided { decision, .. } = &recorded.event else {
            continue;
        };
        if !matches!(decision.verdict, Verdict::Deny(_)) {
            continue;
        }
        print::line(&format!("   refused: {}", say::line(&recorded.event)));
        for id in &decision.determined_by {
            if let Some(text) = engine.policy_text(state, id).await? {
                print::line(&format!("   the policy:\n{}", indent(&text)));
            }
        }
    }
    Ok(())
}

fn indent(text: &str) -> String {
    print::harmless(text)
        .trim()
        .lines()
        .map(|line| format!("     {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

async fn finish(
    installation: &Installation,
    store: Arc<dyn Store>,
    last: Option<State>,
    dir: &Path,
) -> Result<Exit, Failure> {
    let engine = installation.engine_over(store)?;
    let verified = audit::runs::verify(&engine, None).await?;
    let place = dir.display();
    print::line("\n── What to try next");
    if let Some(state) = last {
        print::line(&format!(
            "   interlock audit show {} --data-dir {place}",
            state.run
        ));
    }
    print::line(&format!("   interlock runs list --data-dir {place}"));
    print::line(&format!("   interlock inbox list --data-dir {place}"));
    print::line("   interlock test examples/incident-summary");
    print::line("   interlock key set anthropic && interlock demo --live");
    print::line("");
    let whole =
        verified.broken.is_empty() && verified.altered.is_empty() && verified.missing.is_empty();
    for (run, seq, fault) in &verified.broken {
        print::line(&format!("tampered: {run} entry {seq}: {fault}"));
    }
    let word = if whole { "verified" } else { "NOT verified" };
    print::line(&format!(
        "{word}: {} runs, {} entries",
        verified.runs, verified.entries
    ));
    Ok(if whole { Exit::Done } else { Exit::Failed })
}
