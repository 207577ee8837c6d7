//! The loop of a run: derive what is pending, perform it, decide on what came back, store, fold, again. Every
//! effect is checked once more against the policies of now, and only that check makes the proof that the door takes.

use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::{ActId, GrantId, RunId};
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::{EffectKnown, ExecutableCall};
use interlock_core::run::{
    Effect, Input, Opened, Phase, Program, State, executable, pending, readable, showable,
};
use tokio::sync::OwnedMutexGuard;

use crate::engine::{Engine, Fault, Loaded};
use crate::live::{Live, Moved};

type Hold = OwnedMutexGuard<Option<Live>>;

/// Milliseconds beyond a connector's own time limit after which the driver gives it up.
const GRACE_MILLIS: u64 = 2000;

impl Engine {
    /// The lock of a run within this process: one task moves it at a time.
    pub(crate) async fn hold(&self, run: RunId) -> Hold {
        let slot = {
            let mut lives = self
                .lives
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            // A run that nobody holds and that is not in hand need not be remembered.
            if lives.len() > interlock_core::limits::RUNS_IN_FLIGHT_MAX {
                lives.retain(|_, slot| Arc::strong_count(slot) > 1);
            }
            Arc::clone(lives.entry(run).or_default())
        };
        slot.lock_owned().await
    }

    /// Drives a run until it waits for people or is over.
    ///
    /// # Errors
    /// See [`Fault`]. The run is left as its log says; driving it again goes on from there.
    pub async fn drive(&self, run: RunId) -> Result<State, Fault> {
        let mut hold = self.hold(run).await;
        self.drive_held(&mut hold, run).await
    }

    /// The run in hand is taken out for as long as it moves: when this future is dropped midway, or anything fails,
    /// what this process believes of the run may be old, and the next driver reads the log again.
    async fn take(&self, hold: &mut Hold, run: RunId) -> Result<Live, Fault> {
        match hold.take() {
            Some(live) => Ok(live),
            None => self.take_over(run).await,
        }
    }

    pub(crate) async fn drive_held(&self, hold: &mut Hold, run: RunId) -> Result<State, Fault> {
        let mut live = self.take(hold, run).await?;
        while self.step(&mut live).await? {}
        let state = live.state.clone();
        if !state.is_ended() {
            **hold = Some(live);
        }
        Ok(state)
    }

    /// Moves a held run by one input from outside, then lets the caller drive on.
    pub(crate) async fn input(
        &self,
        hold: &mut Hold,
        run: RunId,
        input: Input,
    ) -> Result<Moved, Fault> {
        let mut live = self.take(hold, run).await?;
        let moved = self.arrive(&mut live, input).await;
        // A refusal has stored nothing: what is in hand is still what the log says.
        if matches!(&moved, Ok(_) | Err(Fault::Refused(_))) {
            **hold = Some(live);
        }
        moved
    }

    async fn arrive(&self, live: &mut Live, input: Input) -> Result<Moved, Fault> {
        let (pinned, current) = (
            self.pinned(&live.state).await?,
            self.current(&live.state).await?,
        );
        let program = self.program(&pinned, &current, &live.state, self.world().await?)?;
        match self.open(&program, live).await? {
            Ok(opened) => self.apply(live, &program, input, opened, None).await,
            Err(payload) => {
                self.apply(
                    live,
                    &program,
                    Input::PayloadGone { payload },
                    Opened::default(),
                    None,
                )
                .await
            }
        }
    }

    /// One effect. `false`: nothing is to be done until somebody outside says something.
    async fn step(&self, live: &mut Live) -> Result<bool, Fault> {
        let Some(effect) = pending(&live.state).into_iter().next() else {
            return Ok(false);
        };
        let (pinned, current) = (
            self.pinned(&live.state).await?,
            self.current(&live.state).await?,
        );
        let program = self.program(&pinned, &current, &live.state, self.world().await?)?;
        match effect {
            Effect::AwaitPerson => return Ok(false),
            Effect::AwaitReview { until, .. } if self.parts.clock.now() < until => {
                return Ok(false);
            }
            Effect::AwaitReview { .. }
            | Effect::Decide
            | Effect::Read { .. }
            | Effect::Ask { .. }
            | Effect::Act { .. } => {}
        }
        let mut opened = match self.open(&program, live).await? {
            Ok(opened) => opened,
            Err(payload) => {
                self.apply(
                    live,
                    &program,
                    Input::PayloadGone { payload },
                    Opened::default(),
                    None,
                )
                .await?;
                return Ok(true);
            }
        };
        let input = match effect {
            Effect::Decide => Input::Opened,
            Effect::AwaitReview { .. } | Effect::AwaitPerson => Input::Tick,
            Effect::Read { call } => Input::Read {
                call,
                result: self.read(&program, &pinned, live, &mut opened).await,
            },
            Effect::Ask { call } => Input::Replied {
                call,
                result: self.ask(&program, live, &mut opened).await,
            },
            Effect::Act { act, grant } => {
                self.act(&program, &pinned, live, &mut opened, act, grant)
                    .await
            }
        };
        let from = far_side(&live.state);
        let moved = self.apply(live, &program, input, opened, None).await?;
        if let Some((kind, name)) = from {
            self.count_rejections(&moved, kind, &name).await?;
        }
        Ok(true)
    }

    async fn read(
        &self,
        program: &Program<'_>,
        pinned: &Loaded,
        live: &Live,
        opened: &mut Opened,
    ) -> Result<serde_json::Value, CallFault> {
        let reading = readable(program, &live.state, opened, self.parts.clock.now())
            .map_err(|_| CallFault::Withdrawn)?;
        let limit = Duration::from_millis(u64::from(reading.timeout_millis()) + GRACE_MILLIS);
        match tokio::time::timeout(limit, pinned.sources().read(reading)).await {
            Ok(result) => result.map_err(|failure| failure.fault),
            Err(_) => Err(CallFault::Timeout),
        }
    }

    async fn ask(
        &self,
        program: &Program<'_>,
        live: &Live,
        opened: &mut Opened,
    ) -> Result<interlock_core::pipeline::model::ModelReply, CallFault> {
        let showing = showable(program, &live.state, opened, self.parts.clock.now())
            .map_err(|_| CallFault::Withdrawn)?;
        let millis = program
            .registry
            .endpoints
            .get(showing.endpoint())
            .map_or(0, |endpoint| endpoint.timeout_millis);
        let limit = Duration::from_millis(u64::from(millis) + GRACE_MILLIS);
        match tokio::time::timeout(limit, self.parts.models.show(&showing)).await {
            Ok(result) => result.map_err(|failure| failure.fault),
            Err(_) => Err(CallFault::Timeout),
        }
    }

    async fn act(
        &self,
        program: &Program<'_>,
        pinned: &Loaded,
        live: &Live,
        opened: &mut Opened,
        act: ActId,
        grant: GrantId,
    ) -> Input {
        let result = match executable(program, &live.state, opened, self.parts.clock.now()) {
            Err(_) => Err((CallFault::Withdrawn, EffectKnown::NotPerformed)),
            Ok(call) => self.execute(pinned, live, call).await,
        };
        Input::Acted { act, grant, result }
    }

    async fn execute(
        &self,
        pinned: &Loaded,
        live: &Live,
        call: ExecutableCall,
    ) -> Result<serde_json::Value, (CallFault, EffectKnown)> {
        let Phase::Acting { act, .. } = &live.state.phase else {
            return Err((CallFault::Withdrawn, EffectKnown::NotPerformed));
        };
        let marks = match self.act_marks(pinned.bundle(), &act.label, &call).await {
            Ok(marks) => marks,
            Err(fault) => {
                tracing::warn!(run = %live.run, %fault, "an act could not be marked");
                return Err((CallFault::Unavailable, EffectKnown::NotPerformed));
            }
        };
        let limit = Duration::from_millis(u64::from(call.timeout_millis()) + GRACE_MILLIS);
        match tokio::time::timeout(limit, pinned.tools().execute(call, marks)).await {
            Ok(result) => result.map_err(|failure| (failure.fault, failure.known)),
            Err(_) => Err((CallFault::Timeout, EffectKnown::Unknown)),
        }
    }
}

/// Who is about to answer, so that an answer that does not fit is counted for them.
fn far_side(state: &State) -> Option<(&'static str, String)> {
    match &state.phase {
        Phase::Reading { source, .. } => Some(("source", source.to_string())),
        Phase::Acting { act, .. } => Some(("tool", act.tool.to_string())),
        _ => None,
    }
}
