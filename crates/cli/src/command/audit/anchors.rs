//! `interlock audit anchors`: where each anchor stands. `interlock audit anchor`: one round now, for those who run no
//! server or do not want to wait.

use interlock_runtime::anchor::{self, AnchorStatus, Anchors, Told};

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

/// Lists them. Fails where one is overdue or says something against the log, so that a script can ask.
pub(super) async fn list(common: &Common, installation: &Installation) -> Result<Exit, Failure> {
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let all = anchor::statuses(&engine).await?;
    let witnessed = anchor::witnessed(&engine, &installation.config.anchors).await?;
    let alarms = anchor::alarms(&engine).await?;
    if common.json {
        let kept: Vec<_> = alarms
            .iter()
            .map(|kept| serde_json::json!({"anchor": kept.anchor, "alarm": kept.alarm, "size": kept.size}))
            .collect();
        let witnessed = witnessed.map(|(size, quorum)| {
            serde_json::json!({"size": size, "witnesses": quorum.witnesses, "seen_by": quorum.seen_by})
        });
        print::json(&serde_json::json!({"anchors": all, "witnessed": witnessed, "alarms": kept}))?;
    } else {
        if all.is_empty() {
            print::line(
                "no anchor yet: [[anchor]] in interlock.toml, then `interlock serve` or `interlock audit anchor`",
            );
        }
        for status in &all {
            print::line(&line(status));
        }
        if let Some((size, quorum)) = witnessed {
            let names: Vec<&str> = quorum.witnesses.iter().map(String::as_str).collect();
            print::line(&format!(
                "witnessed: {size} entries, by {}",
                print::harmless(&names.join(", "))
            ));
        }
        for kept in &alarms {
            print::line(&format!(
                "evidence: {} said {} at size {}: {}",
                kept.anchor,
                kept.alarm.as_str(),
                kept.size,
                kept.alarm.says()
            ));
        }
    }
    let sound = all
        .iter()
        .all(|status| !status.overdue && status.alarm.is_none());
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

fn line(status: &AnchorStatus) -> String {
    let size = status
        .size
        .map_or_else(|| "never".to_owned(), |size| format!("{size} entries"));
    let state = match (status.alarm, status.overdue) {
        (Some(alarm), _) => format!("ALARM: {}", alarm.says()),
        (None, true) => format!("OVERDUE (limit {} s)", status.overdue_seconds),
        (None, false) => "ok".to_owned(),
    };
    let fault = match &status.fault {
        Some(fault) if status.alarm.is_none() => {
            format!("; last: {fault} ({} in a row)", status.failures)
        }
        _ => String::new(),
    };
    format!(
        "{:<16} {:<10} {:>14}  {:>8} s old  {state}{}{fault}",
        status.name,
        status.kind,
        size,
        status.age_seconds,
        if status.required { "; required" } else { "" },
    )
}

/// One round of one anchor, or of all.
pub(super) async fn round(
    common: &Common,
    installation: &Installation,
    name: Option<&str>,
) -> Result<Exit, Failure> {
    let config = &installation.config.anchors;
    let known = |name: &str| config.anchors.iter().any(|anchor| anchor.name == name);
    if config.anchors.is_empty() || name.is_some_and(|name| !known(name)) {
        return Err(Failure::usage(
            "failed to find the anchor: there is none of that name",
            "[[anchor]] in interlock.toml; docs/anchors.md says how",
        ));
    }
    let engine = installation.engine()?;
    installation.publisher(&engine).await?.publish_now().await?;
    let anchors = Anchors::open(
        engine,
        installation.egress()?,
        std::sync::Arc::clone(&installation.secrets),
        config.clone(),
    )
    .await?;
    let told = anchors
        .round(|anchor| name.is_none_or(|name| anchor.name == name))
        .await?;
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for (anchor, told) in &told {
        let says = match told {
            Told::Anchored { size } => format!("{size} entries"),
            Told::Failed(why) => format!("failed: {why}"),
            Told::Alarm(alarm) => format!("ALARM: {}", alarm.says()),
        };
        if !matches!(told, Told::Anchored { .. }) {
            exit = Exit::Failed;
        }
        if common.json {
            rows.push(
                serde_json::json!({"anchor": anchor, "anchored": exit == Exit::Done, "says": says}),
            );
        } else {
            print::line(&format!("{anchor:<16} {says}"));
        }
    }
    if common.json {
        print::json(&rows)?;
    }
    Ok(exit)
}
