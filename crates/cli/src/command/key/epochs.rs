//! `interlock key rotate|status|passphrase`: the key-encryption key and its epochs.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use interlock_core::time::Timestamp;
use interlock_runtime::administration::Office;
use interlock_runtime::config::ProviderConfig;
use interlock_runtime::keys::{
    EpochState, FileKeys, KeyStatus, ProviderKind, TurnProgress, credential,
};
use interlock_runtime::secret::Secret;
use interlock_store::SqliteStore;
use serde_json::json;

use crate::door::{Installation, config_at, data_dir, in_office};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

/// Keys between two lines of progress.
const TOLD_KEYS: u64 = 1000;

pub(super) async fn rotate(common: &Common, installation: &Installation) -> Result<Exit, Failure> {
    let engine = installation.engine_or("POST /api/v1/keys/rotate")?;
    let person = installation.person(&engine).await?;
    let quiet = common.json;
    let told = AtomicU64::new(0);
    let tell = |progress: TurnProgress| {
        let text = match progress {
            TurnProgress::Wrapped(keys) if keys < told.load(Ordering::Relaxed) + TOLD_KEYS => {
                return;
            }
            TurnProgress::Epoch(epoch) => format!("epoch {epoch} is there"),
            TurnProgress::Wrapped(keys) => {
                told.store(keys, Ordering::Relaxed);
                format!("{keys} keys wrapped anew")
            }
            TurnProgress::Destroyed => "the old epoch is destroyed".to_owned(),
            TurnProgress::Deleted(_) => return,
        };
        if !quiet {
            print::aside(&text);
        }
    };
    let done = engine.rotate_keys_telling(Some(&person), &tell).await?;
    if common.json {
        print::json(&json!({
            "before": done.before,
            "after": done.after,
            "keys": done.keys,
            "backups_dead_at": done.backups_dead_at.map(|at| at.to_string()),
        }))?;
    } else {
        print::line(&format!(
            "epoch {} follows epoch {}: {} keys are under it, and the old one is destroyed",
            done.after, done.before, done.keys
        ));
        print::line(&match done.backups_dead_at {
            None => "backups of the store from before now open nothing; make a new one".to_owned(),
            Some(at) => format!(
                "until {at} an administrator of the provider could bring the old epoch back; make a new backup"
            ),
        });
    }
    Ok(Exit::Done)
}

pub(super) async fn status(common: &Common, installation: &Installation) -> Result<Exit, Failure> {
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let status = engine.key_status().await?;
    let good = status.fault.is_none() && !status.unfinished;
    if common.json {
        print::json(&as_json(&status))?;
    } else {
        tell(&status);
    }
    Ok(if good { Exit::Done } else { Exit::Failed })
}

fn as_json(status: &KeyStatus) -> serde_json::Value {
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let epochs: Vec<_> = status
        .epochs
        .iter()
        .map(|epoch| {
            let dead_at = match epoch.state {
                EpochState::Alive => None,
                EpochState::Ending { dead_at } => Some(dead_at),
            };
            json!({"epoch": epoch.number, "made_at": at(epoch.made_at), "dead_at": at(dead_at)})
        })
        .collect();
    let keys: Vec<_> = status
        .pages
        .iter()
        .map(|pages| json!({"provider": pages.by.as_str(), "epoch": pages.epoch, "keys": pages.keys}))
        .collect();
    json!({
        "provider": status.provider.as_str(),
        "address": status.address,
        "healthy": status.fault.is_none(),
        "fault": status.fault,
        "epoch": status.epoch,
        "epochs": epochs,
        "keys": keys,
        "rotated_at": at(status.rotated_at),
        "unfinished": status.unfinished,
    })
}

fn tell(status: &KeyStatus) {
    print::line(&format!(
        "provider:   {} ({})",
        status.provider.as_str(),
        print::harmless(&status.address)
    ));
    print::line(&match &status.fault {
        None => "health:     a key was wrapped and opened".to_owned(),
        Some(fault) => format!("health:     bad: {}", print::harmless(fault)),
    });
    for epoch in &status.epochs {
        let made = epoch
            .made_at
            .map_or("at an unknown time".to_owned(), |at| format!("at {at}"));
        let state = match epoch.state {
            EpochState::Alive => String::new(),
            EpochState::Ending { dead_at } => {
                format!("; opens nothing, beyond recall from {dead_at}")
            }
        };
        print::line(&format!("epoch:      {} made {made}{state}", epoch.number));
    }
    for pages in &status.pages {
        let alive = status.provider != pages.by
            || status
                .epochs
                .iter()
                .any(|epoch| epoch.number == pages.epoch && epoch.state == EpochState::Alive);
        let dead = if alive || status.fault.is_some() {
            ""
        } else {
            ", all dead: their epoch is destroyed"
        };
        print::line(&format!(
            "keys:       {} under {} epoch {}{dead}",
            pages.keys,
            pages.by.as_str(),
            pages.epoch
        ));
    }
    print::line(&match status.rotated_at {
        None => "rotated:    never".to_owned(),
        Some(at) => format!("rotated:    {at}"),
    });
    if status.unfinished {
        print::line(
            "unfinished: a rotation or erasure broke off; interlock key rotate finishes it",
        );
    }
}

pub(super) fn passphrase(
    common: &Common,
    from_file: Option<&Path>,
    remove: bool,
) -> Result<Exit, Failure> {
    let dir = data_dir(common)?;
    let config = config_at(&dir)?;
    in_office(&config, Office::Keys)?;
    if !matches!(config.keys.provider, ProviderConfig::File(_)) {
        return Err(Failure::usage(
            "failed to set a passphrase: another provider keeps the keys",
            "it is the key file that a passphrase protects",
        ));
    }
    // For this process alone, so that no rotation rewrites the file meanwhile.
    let fault = |fault: &dyn std::fmt::Display| Failure::failed(format!("failed to {fault}"));
    let _alone = SqliteStore::open(&dir, &config.environment)
        .map_err(|found| fault(&found).hint(found.hint()))?;
    let keys = FileKeys::open(&dir, &crate::keys::of(&config)).map_err(|found| fault(&found))?;
    let phrase = match (remove, from_file) {
        (true, _) => None,
        (false, Some(file)) => Some(credential(file).map_err(|found| fault(&found))?),
        (false, None) => Some(twice()?),
    };
    keys.set_passphrase(phrase.as_ref())
        .map_err(|found| fault(&found))?;
    let locked = phrase.is_some();
    if common.json {
        print::json(&json!({"provider": ProviderKind::File.as_str(), "passphrase": locked}))?;
    } else if locked {
        print::line("the key file is under the passphrase; without it nothing can be opened again");
        print::line(
            "a server reads it from passphrase_file or passphrase_fd under [keys] in interlock.toml",
        );
    } else {
        print::line("the key file is under no passphrase");
    }
    Ok(Exit::Done)
}

fn twice() -> Result<Secret, Failure> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Err(Failure::usage(
            "failed to ask for the passphrase: there is no terminal",
            "read it from a file: --from-file FILE",
        ));
    }
    let one = rpassword::prompt_password("new passphrase, 12 characters or more (not shown): ")?;
    let two = rpassword::prompt_password("once more: ")?;
    let (one, two) = (Secret::new(&one), Secret::new(&two));
    if one.expose() == two.expose() {
        Ok(one)
    } else {
        Err(Failure::usage(
            "failed to set the passphrase: the two differ",
            "ask again",
        ))
    }
}
