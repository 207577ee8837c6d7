//! The files of a live store, written into a folder and given to verifiers that share no code with us.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use interlock_journal::tile::{bundles_of, tiles_of};
use interlock_runtime::log::StoreLogFiles;
use interlock_store::Store;

use super::{one_run, open};
use crate::{Failure, Outcome, World};

/// A stranger's program; `None`, with the reason printed, where the script could not install it.
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn stranger(name: &str) -> Result<Option<PathBuf>, Failure> {
    let dir = PathBuf::from(std::env::var("INTERLOCK_STRANGERS")?);
    let missing = std::fs::read_to_string(dir.join("missing")).unwrap_or_default();
    if missing.lines().any(|line| line == name) {
        println!("{name} could not be installed here");
        return Ok(None);
    }
    Ok(Some(dir.join("bin").join(name)))
}

async fn download(store: Arc<dyn Store>, to: &Path) -> Outcome {
    let files = StoreLogFiles::newest(store, &"default".parse()?).await?;
    let files = files.ok_or("nothing is published")?;
    let size = files.published().size;
    let tiles = tiles_of(size).map(|tile| tile.path());
    let bundles = bundles_of(size).map(|bundle| bundle.path());
    for path in tiles.chain(bundles).chain(["checkpoint".to_owned()]) {
        let bytes = files.fetch(&path).await?.ok_or_else(|| path.clone())?;
        let file = to.join(&path);
        std::fs::create_dir_all(file.parent().ok_or("no folder")?)?;
        std::fs::write(file, bytes)?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs the strangers' programs of scripts/strangers"]
async fn stranger_go_and_aics_accept_what_a_live_store_serves() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let store = World::memory()?;
    let road = world.road(&dir.path().join("data"), store.clone())?;
    let publisher = open(&road, &dir.path().join("data")).await?;
    one_run(&world, &road, "one").await?;
    let older = publisher.publish_now().await?.ok_or("nothing new")?;
    let kept = dir.path().join("kept");
    std::fs::write(&kept, &older.checkpoint)?;
    for key in 0..24 {
        one_run(&world, &road, &key.to_string()).await?;
    }
    publisher.publish_now().await?;
    let files = dir.path().join("files");
    download(store, &files).await?;
    let key = publisher.key().await.ok_or("no key")?.to_string();
    if let Some(go) = stranger("go-verify")? {
        let said = Command::new(go).arg(&files).arg(&key).arg(&kept).output()?;
        assert!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
    let Some(aics) = stranger("aics-tlog")? else {
        return Ok(());
    };
    let log = ["--log-key", &key, "--origin", publisher.origin()];
    for (verb, more) in [
        ("verify-checkpoint", None),
        ("verify-consistency", Some(&kept)),
    ] {
        let mut command = Command::new(&aics);
        command.arg(verb).arg("--tiles").arg(&files).args(log);
        if let Some(kept) = more {
            command.arg("--old-checkpoint").arg(kept);
        }
        let said = command.output()?;
        assert!(
            said.status.success(),
            "{verb}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
    Ok(())
}
