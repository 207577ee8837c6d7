//! What people and services ask of the engine: start a run, vote on a review, settle an inbox item, cancel. Command
//! line and HTTP come through here and nowhere else.

use interlock_core::digest::Digest;
use interlock_core::id::{BundleName, InboxId, ReviewId, RunId, WorkflowName};
use interlock_core::pipeline::identity::Principal;
use interlock_core::pipeline::policy::Decision;
use interlock_core::run::{Event, Input, Opened, Program, Settlement, Start, State};
use interlock_store::{WaitKind, WaitRow};

use crate::engine::{Engine, Fault};
use crate::live::{Live, Moved};

mod repeat;

use repeat::Asked;

/// A request to start a run, as it comes to the door.
pub struct StartRequest {
    /// Which bundle.
    pub bundle: BundleName,
    /// Which workflow; none: the one that the bundle starts by default.
    pub workflow: Option<WorkflowName>,
    /// Who asks.
    pub requester: Principal,
    /// The input as it came, JSON.
    pub input: Vec<u8>,
    /// Which door: `cli`, `api`.
    pub source: &'static str,
    /// Where from: an address, or the user's terminal; counted beside refused inputs.
    pub address: String,
    /// The caller's idempotency key.
    pub key: Option<String>,
}

/// What became of a request.
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// Where it is now.
    pub state: State,
    /// Policy's no, where it said no.
    pub denied: Option<Decision>,
    /// Whether the same request had started this run before.
    pub replayed: bool,
}

impl Engine {
    /// Starts a run: the request is journalled whatever comes of it. Drive it afterwards.
    ///
    /// # Errors
    /// The log is refused a signature, no such bundle or workflow, not meant for this environment, an idempotency key used for another request, or
    /// the store or keys cannot be reached. An input that does not fit, and a denial, are answers, not errors.
    pub async fn start(&self, request: StartRequest) -> Result<Answer, Fault> {
        self.log_is_open()?;
        let loaded = self.current_bundle(&request.bundle).await?;
        let bundle = loaded.bundle();
        if !bundle.environments().contains(self.environment()) {
            return Err(Fault::Unstartable(
                "the bundle is not meant for this environment",
            ));
        }
        let name = request
            .workflow
            .as_ref()
            .unwrap_or_else(|| bundle.default_workflow());
        let workflow = bundle
            .workflows()
            .get(name)
            .ok_or(Fault::Unstartable("the bundle has no such workflow"))?;
        let now = self.parts.clock.now();
        let run = RunId::from_bytes(
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?,
        );
        // What is no JSON at all is journalled as an input that does not fit, whatever the schema would accept.
        let value: Option<serde_json::Value> = serde_json::from_slice(&request.input).ok();
        let subjects = match &value {
            Some(value) => self.subjects(bundle, &workflow.input, value).await?,
            None => Vec::new(),
        };
        let asked = Asked {
            bundle,
            workflow,
            request: &request,
            subjects: &subjects,
        };
        let key = match self.request_index(&request).await? {
            Some(index) => Some((index, self.request_digest(run, &asked).await?)),
            None => None,
        };
        let start = Start {
            run,
            requester: request.requester.clone(),
            input: value,
            input_bytes: request.input.len(),
            subjects: subjects.clone(),
        };
        let program = Program {
            workflow,
            prompts: bundle.prompts(),
            degraded: bundle.degraded(),
            registry: loaded.registry(),
            guards: bundle.guards(),
            shapes: bundle.shapes(),
            templates: bundle.templates(),
            tenant: self.tenant(),
            environment: self.environment(),
            world: self.world().await?,
        };
        let mut hold = self.hold(run).await;
        let mut live = Live::new(run);
        let moved = match self
            .apply(
                &mut live,
                &program,
                Input::Start(Box::new(start)),
                Opened::default(),
                key,
            )
            .await
        {
            Ok(moved) => moved,
            Err(Fault::Duplicate {
                run,
                digest: before,
            }) => {
                // What cannot be compared any more, since its content is erased, is another request.
                let same = match self.request_digest(run, &asked).await {
                    Ok(digest) => digest == before,
                    Err(Fault::Erased(_)) => false,
                    Err(fault) => return Err(fault),
                };
                if !same {
                    return Err(Fault::KeyReused);
                }
                let state = self.state(run).await?;
                return Ok(Answer {
                    run,
                    state,
                    denied: None,
                    replayed: true,
                });
            }
            Err(fault) => return Err(fault),
        };
        self.count_rejections(&moved, request.source, &request.address)
            .await?;
        let state = live.state.clone();
        if !state.is_ended() {
            *hold = Some(live);
        }
        Ok(Answer {
            run,
            state,
            denied: moved.denied,
            replayed: false,
        })
    }

    /// Counts what did not fit, by door and address.
    pub(crate) async fn count_rejections(
        &self,
        moved: &Moved,
        source: &str,
        address: &str,
    ) -> Result<(), Fault> {
        for event in &moved.events {
            if matches!(event, Event::IntakeRejected { .. }) {
                let now = self.parts.clock.now();
                self.parts
                    .store
                    .count_rejection(self.tenant(), source, address, event.kind(), now)
                    .await?;
            }
        }
        Ok(())
    }

    /// A run's state, from its verified log. Takes nothing over.
    ///
    /// # Errors
    /// There is no such run, or its log does not verify.
    pub async fn state(&self, run: RunId) -> Result<State, Fault> {
        Self::fold(run, &self.history(run).await?)
    }

    /// Votes on a review, then drives the run on.
    ///
    /// # Errors
    /// The review is not open, the voter may not vote, or what was shown is not what is under review.
    pub async fn vote(
        &self,
        review: ReviewId,
        voter: Principal,
        digest: Digest,
        approve: bool,
        reason: Option<String>,
    ) -> Result<Answer, Fault> {
        let wait = self
            .wait(WaitKind::Review, &review.to_string())
            .await?
            .ok_or(Fault::NotFound("the review"))?;
        self.person(
            wait.run,
            Input::Vote {
                review,
                voter,
                digest,
                approve,
                reason,
            },
        )
        .await
    }

    /// Settles an inbox item, then drives the run on.
    ///
    /// # Errors
    /// The item is not open, the person may not settle it, or the settlement does not fit it.
    pub async fn settle(
        &self,
        item: InboxId,
        by: Principal,
        verdict: Settlement,
    ) -> Result<Answer, Fault> {
        let wait = self
            .wait(WaitKind::Inbox, &item.to_string())
            .await?
            .ok_or(Fault::NotFound("the inbox item"))?;
        self.person(wait.run, Input::Settle { item, by, verdict })
            .await
    }

    /// Ends a run.
    ///
    /// # Errors
    /// The run is over, an act is under way or in doubt, or the person may not.
    pub async fn cancel(&self, run: RunId, by: Principal) -> Result<Answer, Fault> {
        self.person(run, Input::Cancel { by }).await
    }

    async fn person(&self, run: RunId, input: Input) -> Result<Answer, Fault> {
        let mut hold = self.hold(run).await;
        let moved = self.input(&mut hold, run, input).await?;
        let state = self.drive_held(&mut hold, run).await?;
        Ok(Answer {
            run,
            state,
            denied: moved.denied,
            replayed: false,
        })
    }

    /// What waits for people.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn waits(&self, kind: WaitKind) -> Result<Vec<WaitRow>, Fault> {
        Ok(self.parts.store.waits(self.tenant(), Some(kind)).await?)
    }

    pub(crate) async fn wait(&self, kind: WaitKind, id: &str) -> Result<Option<WaitRow>, Fault> {
        Ok(self
            .waits(kind)
            .await?
            .into_iter()
            .find(|wait| wait.id == id))
    }

    /// Drives every run that needs it: after a start, and whenever time passes. Returns how many moved.
    ///
    /// # Errors
    /// The store cannot be read; a single run's fault is logged with its id and does not stop the others.
    pub async fn drive_all(&self) -> Result<usize, Fault> {
        let now = self.parts.clock.now();
        let limit = u32::try_from(interlock_core::limits::RUNS_IN_FLIGHT_MAX).unwrap_or(u32::MAX);
        let runs = self.parts.store.runnable(self.tenant(), now, limit).await?;
        let mut moved = 0;
        for run in runs {
            match self.drive(run).await {
                Ok(_) => moved += 1,
                Err(fault) => tracing::warn!(%run, %fault, "could not drive a run"),
            }
        }
        Ok(moved)
    }
}
