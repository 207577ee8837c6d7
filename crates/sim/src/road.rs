//! A run's whole road with scripted people: deploy, request, drive, approve as an analyst until nothing waits for
//! approval. Who walks it is stubborn: what the store could not do, or may have done, is asked for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use interlock_core::id::{RoleName, RunId, ToolName};
use interlock_core::pipeline::identity::{Method, Principal};
use interlock_core::registry::Tool;
use interlock_core::run::{Event, Phase, State};
use interlock_runtime::seal::SealFault;
use interlock_runtime::{Engine, Fault, Recorded, StartRequest, Unidentified};
use serde_json::Value;

use crate::example::{self, Files};
use crate::installation::Failure;
use crate::invariants::check_journal;

/// More reviews than any run of the example has.
const REVIEWS_MAX: usize = 8;

/// Who walks, over which engine, with how much patience.
pub struct Road {
    engine: Arc<Engine>,
    /// How often one request is made again after a fault of the store.
    pub patience: u32,
}

impl Road {
    /// Over an engine, without patience.
    #[must_use]
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            patience: 0,
        }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Deploys a bundle's files.
    ///
    /// # Errors
    /// They do not load, or the store's fault outlasts the patience.
    pub async fn deploy(&self, files: &Files) -> Result<(), Failure> {
        let mut left = self.patience;
        loop {
            let bundle = example::load(files.clone())?;
            match self.engine.deploy(bundle, None).await {
                Ok(_) => return Ok(()),
                Err(fault) if left > 0 && is_passing(&fault) => left -= 1,
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Requests the example's run as service account `intake`, which holds the role `requester` alone. The same key
    /// is the same run.
    ///
    /// # Errors
    /// The engine's fault outlasts the patience.
    pub async fn start(&self, input: &Value, key: &str) -> Result<RunId, Failure> {
        let bundle = example::name()?;
        let answer = self
            .again(async || {
                let roles = [role("requester")?].into();
                let requester = self.engine.service("intake", roles, Method::ApiKey).await;
                let request = StartRequest {
                    bundle: bundle.clone(),
                    workflow: None,
                    requester: requester.map_err(cause)?,
                    input: input.to_string().into_bytes(),
                    source: "sim",
                    address: "sim".to_owned(),
                    key: Some(key.to_owned()),
                };
                self.engine.start(request).await
            })
            .await?;
        Ok(answer.run)
    }

    /// Drives a run, and approves as analyst `ann` whatever waits for approval.
    ///
    /// # Errors
    /// The engine's fault outlasts the patience.
    pub async fn go_on(&self, run: RunId) -> Result<State, Failure> {
        let mut state = self.again(async || self.engine.drive(run).await).await?;
        for _ in 0..REVIEWS_MAX {
            let Phase::Reviewing { review, .. } = &state.phase else {
                break;
            };
            let (id, digest) = (review.id, review.digest);
            state = self
                .again(async || {
                    let voter = self.person("ann", "analyst").await?;
                    match self.engine.vote(id, voter, digest, true, None).await {
                        Ok(answer) => Ok(answer.state),
                        // A vote whose answer was lost counts all the same.
                        Err(Fault::Refused(_) | Fault::NotFound(_)) => self.engine.drive(run).await,
                        Err(fault) => Err(fault),
                    }
                })
                .await?;
        }
        Ok(state)
    }

    /// A person with one role.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn person(&self, name: &str, holds: &str) -> Result<Principal, Fault> {
        let roles = [role(holds)?].into();
        let person = self.engine.local_person(name, roles, Method::LocalUser);
        person.await.map_err(cause)
    }

    /// The run's journal, verified and held against every law, and the state that it folds to.
    ///
    /// # Errors
    /// The chain does not verify, or a law is broken.
    pub async fn check(
        &self,
        run: RunId,
        tools: &BTreeMap<ToolName, Tool>,
    ) -> Result<(State, Vec<Recorded>), Failure> {
        let history = self.engine.history(run).await?;
        let events: Vec<Event> = history
            .iter()
            .map(|recorded| recorded.event.clone())
            .collect();
        let state = check_journal(run, &events, tools)?;
        if state != self.engine.state(run).await? {
            return Err("fold the journal: the engine says that the run is elsewhere".into());
        }
        Ok((state, history))
    }

    async fn again<T>(&self, asked: impl AsyncFn() -> Result<T, Fault>) -> Result<T, Fault> {
        let mut left = self.patience;
        loop {
            match asked().await {
                Err(fault) if left > 0 && is_passing(&fault) => left -= 1,
                other => return other,
            }
        }
    }
}

/// Kinds of entries without what takeovers add: their own entries, and the same act's new grants.
#[must_use]
pub fn settled(kinds: &[&'static str]) -> Vec<&'static str> {
    let mut settled = Vec::new();
    let mut rest = kinds;
    while let [first, after @ ..] = rest {
        rest = match (first, after, settled.last()) {
            (
                &"run.recovered",
                ["policy.decided", "act.started", after @ ..],
                Some(&"act.started"),
            ) => after,
            (&"run.recovered", after, _) => after,
            (kind, after, _) => {
                settled.push(*kind);
                after
            }
        };
    }
    settled
}

/// Whether asking again may help.
const fn is_passing(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Store(_)
            | Fault::Unknown
            | Fault::Elsewhere
            | Fault::Seal(SealFault::Keys(..) | SealFault::Record(..))
    )
}

fn role(name: &str) -> Result<RoleName, Fault> {
    RoleName::parse(name).map_err(|fault| Fault::Bug(fault.to_string()))
}

fn cause(fault: Unidentified) -> Fault {
    match fault {
        Unidentified::Fault(fault) => fault,
        other @ (Unidentified::Unknown | Unidentified::Denied(_)) => Fault::Bug(other.to_string()),
    }
}
