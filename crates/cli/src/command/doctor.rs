//! `interlock doctor`: the installation held against a checklist.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_runtime::config::Provider;
use interlock_store::RunFilter;

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

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
    points.push((Mark::Good, "the key file is its owner's alone".to_owned()));
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
