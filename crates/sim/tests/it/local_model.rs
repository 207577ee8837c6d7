//! The whole road with a real small model and real evidence: lines of this machine's own package manager's log. The
//! model is often wrong; nothing here asks it to be clever, only that nothing invalid passed and nobody was bypassed.

use std::path::Path;
use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_core::run::{Event, Outcome as Ended, Phase};
use interlock_runtime::clock::{Clock, SystemClock};
use interlock_runtime::config::Config;
use interlock_runtime::model::Models;
use interlock_runtime::{Engine, Recorded};
use interlock_sim::example;
use interlock_sim::installation::{Failure, Installation};
use interlock_sim::road::Road;
use serde_json::{Value, json};

use crate::{Outcome, ledger};

mod evidence;

/// Where `scripts/test` says that the model answers.
const ADDRESS: &str = "INTERLOCK_LOCAL_MODEL";
/// Runs, each over lines of its own.
const RUNS: usize = 3;
/// Few enough for a context of 4096 tokens, and for one thread's patience.
const LINES: usize = 4;

#[tokio::test]
#[ignore = "needs the local model"]
async fn a_real_local_model_over_real_evidence_passes_nothing_invalid() -> Outcome {
    let address = std::env::var(ADDRESS).map_err(|_| {
        format!("{ADDRESS} says where the model answers: ./scripts/test --only model")
    })?;
    let Some(slices) = evidence::slices(RUNS, LINES) else {
        println!("skipped: no package manager's log can be read on this machine");
        return Ok(());
    };
    let temp = tempfile::tempdir()?;
    let data = temp.path().join("data");
    let folder = temp.path().join("evidence");
    std::fs::create_dir(&folder)?;
    for (place, slice) in slices.iter().enumerate() {
        std::fs::write(
            folder.join(format!("{}.json", case_id(place))),
            slice.to_string(),
        )?;
    }
    let road = road(&data, &folder, &address).await?;
    for (place, slice) in slices.iter().enumerate() {
        println!("{}", one(&road, &data, place, slice).await?);
    }
    Ok(())
}

fn case_id(place: usize) -> String {
    format!("CASE-{}", 9001 + place)
}

/// The example with its evidence in an operator's folder, its models behind the one endpoint, and shorter answers.
async fn road(data: &Path, folder: &Path, address: &str) -> Result<Road, Failure> {
    let mut files = example::files()?;
    example::replace(
        &mut files,
        "sources/case_logs.yaml",
        "\"data/cases/{case_id}.json\"",
        "\"${root.evidence}/{case_id}.json\"",
    )?;
    example::replace(
        &mut files,
        "workflows/summarise.yaml",
        "output_tokens_max: 1500",
        "output_tokens_max: 400",
    )?;
    let config = format!(
        r#"environment = "test"
[[endpoint]]
name = "local"
provider = "compatible"
base_url = "{address}/v1"
model = "smollm2-135m"
perimeter = "inside"
region = "local"
clearance = "restricted"
categories = ["any"]
allow_private = true
timeout_seconds = 120
[aliases]
writer = "local"
writer_backup = "local"
"#
    );
    let config = Config::parse(&config, "interlock.toml")?;
    let mut installation = Installation::open(data)?;
    installation
        .roots
        .insert("evidence".to_owned(), folder.to_owned());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let models = Models::from_config(
        &config,
        &installation.egress()?,
        &installation.secrets(),
        &clock,
    )?;
    let engine = installation.engine(
        installation.sqlite()?,
        Arc::new(models),
        installation.doors()?,
        (config.registry_endpoints(), config.aliases.clone()),
    )?;
    let road = Road::new(engine);
    road.deploy(&files).await?;
    Ok(road)
}

async fn one(road: &Road, data: &Path, place: usize, slice: &Value) -> Result<String, Failure> {
    let engine = road.engine();
    let before = ledger(data, "submissions.jsonl").len();
    let input = json!({"case_id": case_id(place)});
    let run = road.start(&input, &case_id(place)).await?;
    let state = engine.drive(run).await?;
    let history = engine.history(run).await?;
    let asked = count(&history, "model.replied");
    let failed = history.iter().filter_map(|entry| match &entry.event {
        Event::CallFailed { step, fault, .. } => Some(format!("{step}: {}", fault.as_str())),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    assert!(asked > 0, "the model said nothing: {failed:?}");
    let accepted = accepted(engine, run, &history).await?;
    let what = format!(
        "{}: {asked} replies, {} rejected, {} accepted, then {}",
        case_id(place),
        count(&history, "output.rejected"),
        accepted.len(),
        state.phase.name()
    );
    for output in &accepted {
        assert_eq!(faults(output, slice), Vec::<String>::new(), "{what}");
    }
    // Whatever the model said: until a person said yes, nothing was done.
    assert_eq!(count(&history, "act.started"), 0, "{what}");
    assert_eq!(ledger(data, "submissions.jsonl").len(), before, "{what}");
    match &state.phase {
        Phase::Reviewing { .. } => {
            assert_eq!(accepted.len(), 1, "{what}");
            let ended = road.go_on(run).await?;
            let completed = matches!(
                ended.phase,
                Phase::Ended {
                    outcome: Ended::Completed
                }
            );
            assert!(completed, "{what}, then {}", ended.phase.name());
            assert_eq!(
                ledger(data, "submissions.jsonl").len(),
                before + 1,
                "{what}"
            );
        }
        // It asked for the summary to be mailed to somebody, and policy said no.
        Phase::Ended {
            outcome: Ended::Denied,
        } => {
            assert!(
                accepted
                    .iter()
                    .any(|output| output.get("share_with").is_some()),
                "{what}"
            );
        }
        Phase::Waiting { .. } => assert!(accepted.is_empty(), "{what}"),
        other => return Err(format!("{what}: the run rests in {}", other.name()).into()),
    }
    assert_eq!(ledger(data, "outbox.jsonl").len(), 0, "{what}");
    let bundle = engine.current_bundle(&example::name()?).await?;
    road.check(run, bundle.bundle().tools()).await?;
    Ok(what)
}

fn count(history: &[Recorded], kind: &str) -> usize {
    let same = history.iter().filter(|entry| entry.event.kind() == kind);
    same.count()
}

/// What passed validation, opened.
async fn accepted(
    engine: &Engine,
    run: RunId,
    history: &[Recorded],
) -> Result<Vec<Value>, Failure> {
    let mut accepted = Vec::new();
    for entry in history {
        if let Event::OutputAccepted { .. } = &entry.event {
            for note in &entry.payloads {
                let content = engine.payload(run, note).await?;
                accepted.push(content.ok_or("a payload is gone")?);
            }
        }
    }
    Ok(accepted)
}

/// What is wrong with a summary, judged without the validation that let it pass.
fn faults(output: &Value, slice: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let text = |name: &str| output.get(name).and_then(Value::as_str);
    let length = |name: &str| text(name).map(|text| text.chars().count());
    let members = output.as_object().into_iter().flatten();
    let known = ["summary", "severity", "quotes", "rationale", "share_with"];
    for (name, _) in members {
        demand(known.contains(&name.as_str()), name);
    }
    demand(
        length("summary").is_some_and(|n| (20..=2000).contains(&n)),
        "summary",
    );
    demand(length("rationale").is_some_and(|n| n <= 1000), "rationale");
    let severity = text("severity").is_some_and(|text| ["low", "medium", "high"].contains(&text));
    demand(severity, "severity");
    let quotes = output.get("quotes").and_then(Value::as_array);
    demand(
        quotes.is_some_and(|quotes| (1..=20).contains(&quotes.len())),
        "quotes",
    );
    let lines: Vec<&str> = slice["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|line| ["at", "host", "text"].map(|name| line[name].as_str()))
        .flatten()
        .collect();
    for quote in quotes.into_iter().flatten() {
        let quote = quote
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let stands = !quote.trim().is_empty() && lines.iter().any(|line| line.contains(quote));
        demand(
            stands && quote.chars().count() >= 12,
            "a quote that stands nowhere in the evidence, or says next to nothing",
        );
    }
    faults
}
