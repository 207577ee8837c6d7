//! What happens in a run, as it happens: one line for each entry, on standard error.

use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_runtime::{Engine, say};

use crate::print;

/// Prints entries until dropped.
pub(crate) struct Progress(tokio::task::JoinHandle<()>);

impl Progress {
    /// Follows all runs of an engine; `show` is false where nothing is to be printed.
    pub(crate) fn follow(engine: &Arc<Engine>, show: bool) -> Self {
        let mut watch = engine.watch();
        Self(tokio::spawn(async move {
            let mut run: Option<RunId> = None;
            loop {
                match watch.recv().await {
                    Ok(progress) if show => {
                        if run != Some(progress.run) {
                            run = Some(progress.run);
                            print::aside(&format!("  {}", progress.run));
                        }
                        let says = print::harmless(&say::line(&progress.event));
                        print::aside(&format!("  {:>3}  {says}", progress.seq));
                    }
                    Ok(_) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => {
                        print::aside(&format!("  …    {missed} entries not shown"));
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                }
            }
        }))
    }

    /// Lets what was told so far be printed.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abort();
    }
}
