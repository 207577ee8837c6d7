//! `interlock init`: a data directory with configuration, key and empty store. Never touches one that is there.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use interlock_core::id::EnvironmentName;
use interlock_runtime::clock::{Clock, SystemClock};
use interlock_runtime::config::starter;
use interlock_runtime::keys::FileKeys;

use crate::door::{Installation, data_dir};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

/// Roles that the person who makes an installation begins with.
const FIRST_ROLES: [&str; 8] = [
    "requester",
    "analyst",
    "approver",
    "controller",
    "support_lead",
    "incident_lead",
    "operator",
    "admin",
];

pub(super) fn run(common: &Common, environment: &str) -> Result<Exit, Failure> {
    let dir = data_dir(common)?;
    let environment = EnvironmentName::parse(environment).map_err(|fault| {
        Failure::usage(
            format!("failed to {fault}"),
            "for example dev, test, staging, production",
        )
    })?;
    make(&dir, &environment)?;
    let installation = Installation::open_at(&dir)?;
    drop(installation.store()?);
    if common.json {
        print::json(&serde_json::json!({"data_dir": dir, "environment": environment.to_string()}))?;
    } else {
        print::line(&format!(
            "made an installation for environment {environment} in {}",
            dir.display()
        ));
        print::line("");
        print::line(&format!(
            "configuration:  {}",
            dir.join("interlock.toml").display()
        ));
        print::line(
            "You are its only person so far. Who asks for a run may not approve it: name a second person",
        );
        print::line(
            "under [[people]] there; over HTTP they act with a key of their own (interlock key api create USER --person).",
        );
        print::line("");
        print::line("next:  interlock key set anthropic");
        print::line("       interlock run BUNDLE --input JSON");
    }
    Ok(Exit::Done)
}

/// Writes a new data directory.
pub(super) fn make(dir: &Path, environment: &EnvironmentName) -> Result<(), Failure> {
    let path = dir.join("interlock.toml");
    if path.exists() {
        return Err(Failure::usage(
            format!(
                "failed to make an installation in `{}`: there is one already",
                dir.display()
            ),
            "use it as it is, or name another place with --data-dir DIR",
        ));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    if !FileKeys::exists(dir) {
        FileKeys::create(dir, SystemClock.now())
            .map_err(|fault| Failure::failed(format!("failed to {fault}")))?;
    }
    let text = starter(environment, &crate::person::user()?, &FIRST_ROLES);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}
