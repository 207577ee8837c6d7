//! The plan of a store that kills its own process: right before the n-th write is made, or right after it is durable
//! and before its caller knows. Which writes count is the plan's: appends to runs, or all. The kill is SIGKILL: no
//! destructor runs and nothing is flushed.

use std::sync::atomic::{AtomicU64, Ordering};

use interlock_store::Head;
use rustix::process::{Signal, getpid, kill_process};

use super::{Fate, Plan, Write};

/// When, around the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of it is stored.
    Before,
    /// It is durable.
    After,
}

impl Moment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Before, Self::After];
}

type Told = Box<dyn Fn(u64, Head) + Send + Sync>;

/// At which write the process dies.
pub struct CrashPlan {
    every: bool,
    at: Option<(u64, Moment)>,
    asked: AtomicU64,
    told: Told,
}

impl CrashPlan {
    /// Dies around the `n`-th append, from 1; never where there is none. `told` hears of each append that was made
    /// and that did not kill, with its number and where it left the run. The administration chain's do not count.
    pub fn new(
        at: Option<(u64, Moment)>,
        told: impl Fn(u64, Head) + Send + Sync + 'static,
    ) -> Self {
        Self {
            every: false,
            at,
            asked: AtomicU64::new(0),
            told: Box::new(told),
        }
    }

    /// The same around the `n`-th write of any kind. Of writes under way at once one that was counted later may be the
    /// first that is durable, and is then the one it dies after.
    pub fn of_every_write(
        at: Option<(u64, Moment)>,
        told: impl Fn(u64, Head) + Send + Sync + 'static,
    ) -> Self {
        Self {
            every: true,
            ..Self::new(at, told)
        }
    }

    /// Writes counted so far.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    const fn counts(&self, write: Write) -> bool {
        self.every || matches!(write, Write::Append)
    }
}

fn die() {
    // Nothing runs after this. A kernel that refuses it leaves a process that the parent sees alive.
    let _ = kill_process(getpid(), Signal::KILL);
}

impl Plan for CrashPlan {
    fn fate(&self, write: Write) -> Fate {
        if self.counts(write) {
            let n = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if self.at == Some((n, Moment::Before)) {
                die();
            }
        }
        Fate::Made
    }

    fn made(&self, write: Write, head: Option<Head>) {
        if !self.counts(write) {
            return;
        }
        let n = self.asked.load(Ordering::SeqCst);
        if let Some((at, Moment::After)) = self.at
            && n >= at
        {
            die();
        }
        if let Some(head) = head {
            (self.told)(n, head);
        }
    }
}
