//! The plan of a store that kills its own process: right before the n-th append is made, or right after it is
//! durable and before its caller knows. The kill is SIGKILL: no destructor runs and nothing is flushed.

use std::sync::atomic::{AtomicU64, Ordering};

use interlock_store::Head;
use rustix::process::{Signal, getpid, kill_process};

use super::{Fate, Plan, Write};

/// When, around the append.
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

/// At which append the process dies.
pub struct CrashPlan {
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
            at,
            asked: AtomicU64::new(0),
            told: Box::new(told),
        }
    }

    fn die_if(&self, n: u64, moment: Moment) {
        if self.at == Some((n, moment)) {
            // Nothing runs after this. A kernel that refuses it leaves a process that the parent sees alive.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}

impl Plan for CrashPlan {
    fn fate(&self, write: Write) -> Fate {
        if write == Write::Append {
            let n = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            self.die_if(n, Moment::Before);
        }
        Fate::Made
    }

    fn made(&self, write: Write, head: Option<Head>) {
        if write != Write::Append {
            return;
        }
        let n = self.asked.load(Ordering::SeqCst);
        self.die_if(n, Moment::After);
        if let Some(head) = head {
            (self.told)(n, head);
        }
    }
}
