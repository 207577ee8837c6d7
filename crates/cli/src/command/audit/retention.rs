//! `interlock audit retention` and `interlock audit prune`: what must be kept, what is due, and what leaves the store.

use interlock_runtime::erasure::Stage;
use interlock_runtime::retention::{Period, Standing, day_start};

use super::erase::failure;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, PruneOptions, RetentionCommand};
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    command: RetentionCommand,
) -> Result<Exit, Failure> {
    let engine = installation.engine_or(match command {
        RetentionCommand::List => "GET /api/v1/retention",
        RetentionCommand::Expire { .. } => "POST /api/v1/retention/expire",
    })?;
    let by = installation.person(&engine).await?;
    match command {
        RetentionCommand::List => {
            let periods = engine.retention_periods(&by, &mut |_| ()).await;
            let periods = periods.map_err(failure)?;
            let classes: Vec<_> = engine.retention().classes().collect();
            if common.json {
                print::json(&serde_json::json!({ "classes": classes, "periods": periods }))?;
                return Ok(Exit::Done);
            }
            for class in classes {
                let max = class
                    .max_months
                    .map_or_else(|| "for ever".to_owned(), |max| format!("to {max}"));
                print::line(&format!(
                    "{:<24} {} {max} full months ({})",
                    class.name,
                    class.min_months,
                    print::harmless(&class.basis)
                ));
            }
            show(&periods);
            Ok(Exit::Done)
        }
        RetentionCommand::Expire { dry_run: true } => {
            let periods = engine.retention_periods(&by, &mut |_| ()).await;
            let mut periods = periods.map_err(failure)?;
            periods.retain(|period| period.standing == Standing::Due);
            report(common, &periods, "nothing is due")
        }
        RetentionCommand::Expire { dry_run: false } => {
            let mut progress = |stage| {
                if let (Stage::Proving(entries), false) = (stage, common.json) {
                    print::aside(&format!("tried what {entries} entries name: nothing opens"));
                }
            };
            let expired = engine.expire(&by, &mut progress).await.map_err(failure)?;
            report(common, &expired, "nothing was due")
        }
    }
}

fn report(common: &Common, periods: &[Period], nothing: &str) -> Result<Exit, Failure> {
    if common.json {
        print::json(&periods)?;
    } else if periods.is_empty() {
        print::line(nothing);
    } else {
        show(periods);
    }
    Ok(Exit::Done)
}

fn show(periods: &[Period]) {
    for period in periods {
        let standing = match period.standing {
            Standing::Required => "must be kept",
            Standing::Kept => "may be kept",
            Standing::Held => "past its maximum, held",
            Standing::Due => "due",
            Standing::Expired => "expired",
            Standing::Unclaimed => "kept: no such class is configured",
        };
        let held = if period.held_by.is_empty() {
            String::new()
        } else {
            format!("  {}", period.held_by.join(" "))
        };
        print::line(&format!(
            "{}/{}  {:>8} payloads  {standing}{held}",
            print::harmless(&period.class),
            print::harmless(&period.month),
            period.payloads
        ));
    }
}

pub(super) async fn prune(
    common: &Common,
    installation: &Installation,
    options: PruneOptions,
) -> Result<Exit, Failure> {
    let before = day_start(&options.before).ok_or_else(|| {
        let text = print::harmless(&options.before);
        Failure::usage(
            format!("failed to read day `{text}`"),
            "--before YYYY-MM-DD",
        )
    })?;
    let engine = installation.engine()?;
    let by = installation.person(&engine).await?;
    let minimum = if options.dry_run {
        engine.preview_pruning(before, &by).await
    } else {
        engine.prune_log(before, &options.reason, &by).await
    };
    let minimum = minimum.map_err(failure)?;
    if common.json {
        print::json(
            &serde_json::json!({ "minimum": minimum, "pruned": !options.dry_run && minimum.is_some() }),
        )?;
    } else {
        match minimum {
            None => print::line("there is nothing to prune: 256 published entries are the least"),
            Some(minimum) if options.dry_run => {
                print::line(&format!("entries below {minimum} would be removed"));
            }
            Some(minimum) => print::line(&format!("entries below {minimum} are removed")),
        }
    }
    Ok(Exit::Done)
}
