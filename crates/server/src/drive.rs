//! Drives what is to be driven: looks for such runs every quarter of a second and after each start, and drives a
//! bounded number at a time. A run that cannot be driven is left alone longer each time; its fault is in the trace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::RunId;
use interlock_core::limits::RUNS_IN_FLIGHT_MAX;
use interlock_runtime::Fault;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::limits;
use crate::state::{Server, closed};

/// Drives until the server closes. What is under way then is given a little time; what is left goes on as long as the
/// process does and is recovered from its log afterwards. Nothing is broken off: that would leave this process with an
/// older belief of a run than its log.
pub(crate) async fn drive(server: Server) {
    let mut closing = server.closing.subscribe();
    let mut driver = Driver {
        server,
        tasks: JoinSet::new(),
        under_way: BTreeMap::new(),
        troubles: BTreeMap::new(),
    };
    let mut looks = tokio::time::interval(Duration::from_millis(limits::LOOK_MILLIS));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closed(&mut closing) => break,
            Some(ended) = driver.tasks.join_next_with_id() => {
                driver.ended(ended);
                // Its place is free: whoever waits for one need not wait for the next look.
                driver.look().await;
            }
            _ = looks.tick() => driver.look().await,
            () = driver.server.wake.notified() => driver.look().await,
        }
    }
    let rest = async { while driver.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limits::FAREWELL_TIME, rest)
        .await
        .is_err()
    {
        tracing::warn!(
            runs = driver.tasks.len(),
            "stopping while runs are being driven; they go on from their logs"
        );
        driver.tasks.detach_all();
    }
}

struct Driver {
    server: Server,
    tasks: JoinSet<Result<(), Fault>>,
    under_way: BTreeMap<Id, RunId>,
    troubles: BTreeMap<RunId, Trouble>,
}

/// A run that could not be driven.
struct Trouble {
    times: u32,
    until: Instant,
}

impl Driver {
    async fn look(&mut self) {
        if self.under_way.len() >= limits::DRIVES_MAX {
            return;
        }
        let engine = &self.server.engine;
        // More than there is place for, so that runs in trouble at the head of the list do not hide the others.
        let limit = u32::try_from(RUNS_IN_FLIGHT_MAX.saturating_add(self.troubles.len()))
            .unwrap_or(u32::MAX);
        let runs = match engine
            .store()
            .runnable(engine.tenant(), engine.clock().now(), limit)
            .await
        {
            Ok(runs) => runs,
            Err(fault) => {
                tracing::warn!(%fault, "could not look for runs to be driven");
                return;
            }
        };
        self.troubles.retain(|run, _| runs.contains(run));
        for run in runs {
            if self.under_way.len() >= limits::DRIVES_MAX {
                return;
            }
            let rests = self
                .troubles
                .get(&run)
                .is_some_and(|trouble| trouble.until > Instant::now());
            if rests || self.under_way.values().any(|driven| *driven == run) {
                continue;
            }
            let engine = Arc::clone(&self.server.engine);
            let task = self
                .tasks
                .spawn(async move { engine.drive(run).await.map(|_state| ()) });
            self.under_way.insert(task.id(), run);
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<(), Fault>), JoinError>) {
        let (id, fault) = match ended {
            Ok((id, Ok(()))) => (id, None),
            Ok((id, Err(fault))) => (id, Some(fault.to_string())),
            Err(ended) => (ended.id(), Some(ended.to_string())),
        };
        let Some(run) = self.under_way.remove(&id) else {
            return;
        };
        let Some(fault) = fault else {
            self.troubles.remove(&run);
            return;
        };
        let times = self
            .troubles
            .get(&run)
            .map_or(1, |trouble| trouble.times.saturating_add(1));
        let pause = left_alone(times);
        tracing::warn!(%run, %fault, times, pause_millis = pause.as_millis(), "could not drive a run");
        self.troubles.insert(
            run,
            Trouble {
                times,
                until: Instant::now() + pause,
            },
        );
    }
}

/// How long a run is left alone after so many failures in a row.
fn left_alone(times: u32) -> Duration {
    let millis =
        limits::LOOK_MILLIS.saturating_mul(1u64.checked_shl(times.min(16)).unwrap_or(u64::MAX));
    Duration::from_millis(millis.min(limits::LEFT_ALONE_MILLIS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_left_alone_longer_each_time_and_never_for_ever() {
        for (times, millis) in [
            (1, 500),
            (2, 1000),
            (7, 32_000),
            (8, 60_000),
            (u32::MAX, 60_000),
        ] {
            assert_eq!(left_alone(times), Duration::from_millis(millis), "{times}");
        }
    }
}
