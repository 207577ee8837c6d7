//! `interlock bundle`: deployed bundles.

use crate::door::{Installation, load};
use crate::exit::{Exit, Failure};
use crate::options::{BundleCommand, Common};
use crate::print;

pub(super) async fn run(common: &Common, command: BundleCommand) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    match command {
        BundleCommand::List => {
            let engine = installation.engine_over(installation.store_read_only()?)?;
            let bundles = engine.deployed().await?;
            if common.json {
                print::json(&bundles)?;
            } else if bundles.is_empty() {
                print::line("no bundles; deploy one: interlock bundle deploy DIR");
            } else {
                for bundle in bundles {
                    print::line(&format!("{:<28} {}", bundle.name, bundle.version));
                }
            }
        }
        BundleCommand::Deploy { bundle } => {
            let loaded = load(&bundle, &installation.policies()?)?;
            let (name, version) = (loaded.name().to_string(), loaded.version().to_string());
            let engine = installation.engine()?;
            let person = installation.person(&engine).await?;
            engine.deploy(loaded, Some(&person)).await?;
            if common.json {
                print::json(&serde_json::json!({"name": name, "version": version}))?;
            } else {
                print::line(&format!("{name} {version} is current"));
            }
        }
    }
    Ok(Exit::Done)
}
