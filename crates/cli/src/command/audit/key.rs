//! `interlock audit key`: the log's verifier key as auditors and witnesses take it, and its rotation. Never anything
//! of the signing key.

use interlock_runtime::Fault;
use interlock_runtime::log::LogRecord;

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) async fn show(
    common: &Common,
    installation: &Installation,
    format: Option<&str>,
) -> Result<Exit, Failure> {
    let store = installation.store_read_only()?;
    let record = LogRecord::read(store.as_ref(), &installation.config.tenant)
        .await
        .map_err(Fault::from)?;
    let record = record.ok_or_else(|| {
        Failure::usage(
            "failed to find the log's key: nothing was published yet",
            "the first run makes it: interlock run BUNDLE --input JSON",
        )
    })?;
    let keys: Vec<(String, u64)> = record
        .keys
        .iter()
        .map(|from| (from.key.to_string(), from.size))
        .collect();
    let now = keys.last().map(|(key, _)| key.clone()).unwrap_or_default();
    if common.json {
        let keys: Vec<_> = keys
            .iter()
            .map(|(key, size)| serde_json::json!({"key": key, "from_size": size}))
            .collect();
        print::json(&serde_json::json!({"origin": record.origin, "key": now, "keys": keys}))?;
    } else if format.is_some() {
        print::line(&now);
    } else {
        print::line(&format!("origin  {}", record.origin));
        print::line(&format!("key     {now}"));
        for (key, size) in keys.iter().rev().skip(1) {
            print::line(&format!("before  {key}  (from size {size})"));
        }
        print::aside(
            "hand the key to auditors by a road of its own: what comes with a log proves nothing about it",
        );
    }
    Ok(Exit::Done)
}

pub(super) async fn rotate(
    common: &Common,
    installation: &Installation,
    reason: &str,
) -> Result<Exit, Failure> {
    let engine = installation.engine()?;
    let person = installation.person(&engine).await?;
    let publisher = installation.publisher(&engine).await?;
    let rotated = publisher
        .rotate_key(Some(reason), Some(person.id()))
        .await?;
    let (before, after) = (rotated.before.to_string(), rotated.after.to_string());
    if common.json {
        print::json(
            &serde_json::json!({"before": before, "key": after, "handover_size": rotated.size}),
        )?;
    } else {
        print::line(&format!("key     {after}"));
        print::line(&format!("before  {before}"));
        print::line(&format!(
            "both have signed the checkpoint of size {}; auditors who know the one before can check it",
            rotated.size
        ));
    }
    Ok(Exit::Done)
}
