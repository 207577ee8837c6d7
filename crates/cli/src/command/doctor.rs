//! `interlock doctor`: the installation held against a checklist.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_runtime::clock::SystemClock;
use interlock_runtime::config::Provider;
use interlock_runtime::log::look;
use interlock_store::{RunFilter, Store};

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

/// Within which an entry is published: what the log promises.
const PUBLISHED_SECONDS: u64 = 1;

/// How a point stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Look,
    Bad,
}

pub(super) async fn run(common: &Common) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let mut points: Vec<(Mark, String)> = Vec::new();
    let mode = std::fs::metadata(&installation.dir)?.permissions().mode() & 0o777;
    points.push(if mode & 0o077 == 0 {
        (
            Mark::Good,
            format!("only you may enter {}", installation.dir.display()),
        )
    } else {
        (
            Mark::Bad,
            format!(
                "others may enter {} (mode {mode:o}): chmod 700 it",
                installation.dir.display()
            ),
        )
    });
    points.extend(keys(&installation).await);
    let kept = installation.secrets.list()?;
    for endpoint in installation.config.endpoints.values() {
        let name = &endpoint.facts.name;
        match (&endpoint.secret, &endpoint.provider) {
            (Some(secret), _) if !kept.contains(secret) => {
                points.push((
                    Mark::Look,
                    format!("endpoint {name} needs secret {secret}: interlock key set {secret}"),
                ));
            }
            (_, Provider::Scripted) => points.push((
                Mark::Look,
                format!("endpoint {name} is scripted: it is no model"),
            )),
            _ => points.push((Mark::Good, format!("endpoint {name} is configured"))),
        }
    }
    points.extend(people(&installation));
    match installation.store_read_only() {
        Ok(store) => {
            let page = store
                .runs(
                    &installation.config.tenant,
                    RunFilter::default(),
                    PAGE_ITEMS_MAX,
                )
                .await;
            points.push(match page {
                Ok(runs) => (
                    Mark::Good,
                    format!("the store can be read ({} recent runs)", runs.len()),
                ),
                Err(fault) => (Mark::Bad, format!("the store cannot be read: {fault}")),
            });
            points.push(log(&installation, store).await);
        }
        Err(failure) => points.push((Mark::Bad, failure.message)),
    }
    points.push(match installation.policies() {
        Ok(policies) if policies.sources.is_empty() => (
            Mark::Good,
            "the built-in base policies apply; the operator adds none".to_owned(),
        ),
        Ok(policies) => (
            Mark::Good,
            format!(
                "{} operator policy files add to the base",
                policies.sources.len()
            ),
        ),
        Err(failure) => (Mark::Bad, failure.message),
    });
    let bad = points.iter().any(|(mark, _)| *mark == Mark::Bad);
    if common.json {
        let points: Vec<_> = points
            .iter()
            .map(|(mark, text)| serde_json::json!({"state": word(*mark), "text": text}))
            .collect();
        print::json(&points)?;
    } else {
        for (mark, text) in &points {
            print::line(&format!("{:<5} {}", word(*mark), print::harmless(text)));
        }
    }
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

const fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "ok",
        Mark::Look => "look",
        Mark::Bad => "bad",
    }
}

/// Whether the log may be signed, and how far its publication is behind.
async fn log(installation: &Installation, store: Arc<dyn Store>) -> (Mark, String) {
    let place = installation.log_place();
    let looked = look(
        store,
        &installation.config.tenant,
        &place,
        Arc::new(SystemClock),
    )
    .await;
    let looked = match looked {
        Ok(looked) => looked,
        Err(fault) => return (Mark::Bad, format!("the log cannot be looked at: {fault}")),
    };
    if let Some(refusal) = looked.refusal {
        let text = format!(
            "the log is not signed: failed to {refusal}: {}",
            refusal.hint()
        );
        return (Mark::Bad, text);
    }
    let (lag, seconds) = (looked.lag, looked.lag.waiting_micros / 1_000_000);
    match looked.origin {
        None => (
            Mark::Good,
            "the log is opened and guarded with the first run".to_owned(),
        ),
        Some(_) if seconds > PUBLISHED_SECONDS => (
            Mark::Look,
            format!(
                "{} entries wait to be published, the oldest for {seconds} s: a server or any run publishes them",
                lag.waiting()
            ),
        ),
        Some(origin) => (
            Mark::Good,
            format!(
                "log {origin}: {} entries published, guard and key fit",
                lag.published
            ),
        ),
    }
}

/// Whether the key provider works, and what the data keys are under.
async fn keys(installation: &Installation) -> Vec<(Mark, String)> {
    let engine = installation
        .store_read_only()
        .and_then(|store| installation.engine_over(store));
    let status = match engine {
        Ok(engine) => engine.key_status().await.map_err(|fault| fault.to_string()),
        Err(failure) => Err(failure.message),
    };
    let status = match status {
        Ok(status) => status,
        Err(fault) => return vec![(Mark::Bad, format!("the keys cannot be looked at: {fault}"))],
    };
    let mut points = vec![match &status.fault {
        None => (
            Mark::Good,
            format!(
                "key provider {} wraps and opens keys",
                status.provider.as_str()
            ),
        ),
        Some(fault) => (Mark::Bad, format!("the key provider fails: {fault}")),
    }];
    if status.unfinished {
        let text = "a rotation or erasure of keys broke off: interlock key rotate finishes it";
        points.push((Mark::Bad, text.to_owned()));
    }
    points
}

/// Whether reviews can be decided at all.
fn people(installation: &Installation) -> Vec<(Mark, String)> {
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for person in &installation.config.people {
        for role in &person.roles {
            *holders.entry(role.to_string()).or_default() += 1;
        }
    }
    match installation.config.people.len() {
        0 => vec![(
            Mark::Bad,
            "nobody is named under [[people]]: no review can be decided".to_owned(),
        )],
        1 => vec![(
            Mark::Look,
            "one person only: who asks for a run may not approve it; name a second".to_owned(),
        )],
        count => vec![(
            Mark::Good,
            format!("{count} people hold {} roles", holders.len()),
        )],
    }
}
