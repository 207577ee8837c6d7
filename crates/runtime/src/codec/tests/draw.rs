//! Events of every kind, from words that proptest chooses, or plain ones that say something in every member.
//! Of each enum the first variant drawn is the one with the most to say, so that plain events show it.

use std::collections::BTreeSet;

use interlock_core::digest::Digest;
use interlock_core::id::{
    ActId, ApiKeyId, BundleName, CallId, Category, DecisionId, EndpointName, ErasureId, GrantId,
    HoldId, InboxId, ModelAlias, PayloadId, PolicyId, PrincipalId, PromptName, Provenance, Reader,
    Region, ReviewId, RoleName, RunId, SchemaName, SourceName, StepName, SubjectId, ToolName,
    WorkflowName,
};
use interlock_core::label::{Allowed, Confidentiality, Integrity, Label};
use interlock_core::pipeline::identity::{Method, PrincipalFacts, PrincipalKind};
use interlock_core::pipeline::model::{CallFault, Stop, Usage};
use interlock_core::pipeline::policy::{Action, Decision, DenyReason, Downgrade, Verdict};
use interlock_core::pipeline::tool::{EffectKnown, Grant};
use interlock_core::run::{
    Cause, Event, FieldName, InboxKind, InboxVerdict, Outcome, RejectReason, Review, ReviewOutcome,
    ReviewSubject, ShownFields, Tried,
};
use interlock_core::time::Timestamp;
use interlock_core::workflow::{Next, RiskTier};

use crate::administration::{
    Administration, ExportKind, HoldScope, LogOrigin, RotationCause, ShownAs,
};

/// Where choices come from.
pub(super) struct Draw {
    words: Vec<u64>,
    taken: usize,
}

impl Draw {
    /// Every optional member there, every set with a member, every choice the first.
    pub(super) fn plain() -> Self {
        Self {
            words: Vec::new(),
            taken: 0,
        }
    }

    pub(super) fn from_words(words: Vec<u64>) -> Self {
        Self { words, taken: 0 }
    }

    fn is_plain(&self) -> bool {
        self.words.is_empty()
    }

    /// The next word; when they are used up they come again, stirred. Plain: 1, 2, 3 and so on.
    fn word(&mut self) -> u64 {
        self.taken += 1;
        if self.is_plain() {
            return self.taken as u64;
        }
        let round = (self.taken / self.words.len()) as u64;
        let word = self.words[self.taken % self.words.len()];
        word.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .rotate_left((round % 64) as u32)
    }

    fn below(&mut self, bound: usize) -> usize {
        if self.is_plain() {
            0
        } else {
            (self.word() % bound as u64) as usize
        }
    }

    fn several<T: Drawn>(&mut self) -> Vec<T> {
        let members = if self.is_plain() { 2 } else { self.below(5) };
        (0..members).map(|_| T::draw(self)).collect()
    }
}

/// What can be drawn.
pub(super) trait Drawn {
    fn draw(draw: &mut Draw) -> Self;
}

type Make = fn(&mut Draw) -> Event;

macro_rules! drawn_events {
    ($($kind:literal $variant:ident { $($field:ident),* })*) => {
        /// What makes an event, by kind.
        pub(super) const DRAWN: &[(&str, Make)] =
            &[$(($kind, |draw| Event::$variant { $($field: Drawn::draw(draw)),* })),*];
    };
}
crate::codec::table::with_events!(drawn_events);

type MakeAct = fn(&mut Draw) -> Administration;

macro_rules! drawn_acts {
    ($($kind:literal $variant:ident { $($field:ident),* })*) => {
        /// What makes an administrative act, by kind.
        pub(super) const DRAWN_ACTS: &[(&str, MakeAct)] =
            &[$(($kind, |draw| Administration::$variant { $($field: Drawn::draw(draw)),* })),*];
    };
}
crate::codec::administration::with_acts!(drawn_acts);

macro_rules! ids {
    ($($type:ty),*) => {$(
        impl Drawn for $type {
            fn draw(draw: &mut Draw) -> Self {
                let high = if draw.is_plain() { 0x0193_4d0c_a000_0000 } else { draw.word() };
                Self::from_bytes((u128::from(high) << 64 | u128::from(draw.word())).to_be_bytes())
            }
        }
    )*};
}
ids!(
    ActId,
    ApiKeyId,
    CallId,
    DecisionId,
    ErasureId,
    GrantId,
    HoldId,
    InboxId,
    PayloadId,
    PrincipalId,
    ReviewId,
    RunId,
    SubjectId
);

macro_rules! names {
    ($($type:ident = $plain:literal;)*) => {$(
        impl Drawn for $type {
            fn draw(draw: &mut Draw) -> Self {
                if draw.is_plain() {
                    return Self::parse(&format!("{}-{}", $plain, draw.word())).unwrap();
                }
                let length = [1, 2, 8, 24, 64][draw.below(5)];
                let first = b"abz09"[draw.below(5)];
                let rest = (1..length).map(|_| b"abcxyz0189_.-"[draw.below(13)]);
                let text: String = std::iter::once(first).chain(rest).map(char::from).collect();
                Self::parse(&text).unwrap()
            }
        }
    )*};
}
names! {
    BundleName = "bundle";
    Category = "category";
    EndpointName = "endpoint";
    ModelAlias = "model";
    PolicyId = "policy";
    PromptName = "prompt";
    Provenance = "origin";
    Reader = "role.reader";
    Region = "region";
    RoleName = "role";
    SchemaName = "schema";
    SourceName = "source";
    StepName = "step";
    ToolName = "tool";
    WorkflowName = "workflow";
}

macro_rules! choices {
    ($($type:ident = $all:expr;)*) => {$(
        impl Drawn for $type {
            fn draw(draw: &mut Draw) -> Self {
                let all = $all;
                all[draw.below(all.len())]
            }
        }
    )*};
}
choices! {
    Action = Action::ALL;
    CallFault = CallFault::ALL;
    Cause = Cause::ALL;
    Confidentiality = Confidentiality::ALL;
    DenyReason = DenyReason::ALL;
    Downgrade = [Downgrade::Redact, Downgrade::Strip];
    EffectKnown = EffectKnown::ALL;
    InboxVerdict = InboxVerdict::ALL;
    Integrity = [Integrity::Trusted, Integrity::Untrusted];
    Method = Method::ALL;
    Outcome = Outcome::ALL;
    PrincipalKind = PrincipalKind::ALL;
    RejectReason = RejectReason::ALL;
    ReviewOutcome = ReviewOutcome::ALL;
    RiskTier = RiskTier::ALL;
    Stop = Stop::ALL;
    ExportKind = ExportKind::ALL;
    RotationCause = RotationCause::ALL;
    ShownAs = ShownAs::ALL;
}

macro_rules! numbers {
    ($($type:ty = $max:expr;)*) => {$(
        impl Drawn for $type {
            fn draw(draw: &mut Draw) -> Self {
                // The ends are where mistakes are.
                match draw.below(8) {
                    1 => 0,
                    2 => $max,
                    _ => (draw.word() % ($max as u64)) as Self,
                }
            }
        }
    )*};
}
numbers! {
    u8 = u8::MAX;
    u16 = u16::MAX;
    u32 = u32::MAX;
    u64 = (1u64 << 53) - 1;
    usize = (1usize << 53) - 1;
}

impl Drawn for bool {
    fn draw(draw: &mut Draw) -> Self {
        draw.below(2) == 0
    }
}

impl Drawn for String {
    fn draw(draw: &mut Draw) -> Self {
        ToolName::draw(draw).to_string()
    }
}

impl Drawn for Digest {
    fn draw(draw: &mut Draw) -> Self {
        Self::of_parts([draw.word().to_be_bytes().as_slice()])
    }
}

impl Drawn for Timestamp {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(6) {
            0 => Self::from_micros(1_795_219_199_000_000 + draw.word() % 1_000_000),
            1 => Self::from_micros(u64::MAX),
            2 => Self::from_micros(0),
            _ => Self::from_micros(draw.word() % 253_402_300_800_000_000),
        }
    }
}

impl<T: Drawn> Drawn for Option<T> {
    fn draw(draw: &mut Draw) -> Self {
        (draw.below(2) == 0).then(|| T::draw(draw))
    }
}

impl<T: Drawn> Drawn for Vec<T> {
    fn draw(draw: &mut Draw) -> Self {
        draw.several()
    }
}

impl<T: Drawn + Ord> Drawn for BTreeSet<T> {
    fn draw(draw: &mut Draw) -> Self {
        draw.several().into_iter().collect()
    }
}

impl<A: Drawn, B: Drawn> Drawn for (A, B) {
    fn draw(draw: &mut Draw) -> Self {
        (A::draw(draw), B::draw(draw))
    }
}

impl<T: Drawn + Ord> Drawn for Allowed<T> {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(3) {
            1 => Self::Any,
            _ => Self::Only(Drawn::draw(draw)),
        }
    }
}

macro_rules! records {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Drawn for $type {
            fn draw(draw: &mut Draw) -> Self {
                Self { $($field: Drawn::draw(draw)),* }
            }
        }
    )*};
}
records! {
    Decision { id, action, verdict, determined_by, version }
    Grant { id, act, digest, expires_at, attempt }
    Label { confidentiality, categories, residency, readers, integrity, sources, subjects }
    PrincipalFacts { id, kind, roles, act_for }
    Review {
        id, subject, node, step, next, content, digest, label, thresholds, downgrades, expires_at, approvals,
    }
    ShownFields { confidentiality, integrity, categories, withheld, at }
    Usage { input_tokens, cached_tokens, output_tokens, cost_micros }
}

impl Drawn for FieldName {
    fn draw(draw: &mut Draw) -> Self {
        let step = StepName::draw(draw);
        let name = ["lines/*/text", "~0123456789abcdef", "To.x_y-z/*"][draw.below(3)];
        Self::parse(&format!("steps.{step}/{name}")).unwrap()
    }
}

impl Drawn for Verdict {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(4) {
            0 => Self::Review {
                approvals: Drawn::draw(draw),
                step_up: Drawn::draw(draw),
                downgrades: Drawn::draw(draw),
            },
            1 => Self::Downgrade(Drawn::draw(draw)),
            2 => Self::Deny(Drawn::draw(draw)),
            _ => Self::Allow,
        }
    }
}

impl Drawn for Next {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(3) {
            1 => Self::End,
            _ => Self::Node(Drawn::draw(draw)),
        }
    }
}

impl Drawn for Tried {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(3) {
            0 => Self::Model(Drawn::draw(draw)),
            1 => Self::Repair,
            _ => Self::Retry,
        }
    }
}

impl Drawn for InboxKind {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(4) {
            0 => Self::Manual(Drawn::draw(draw)),
            1 => Self::Release,
            2 => Self::PayloadGone,
            _ => Self::InDoubt,
        }
    }
}

impl Drawn for ReviewSubject {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(4) {
            0 => Self::Act(Drawn::draw(draw)),
            1 => Self::Output,
            2 => Self::Shown,
            _ => Self::Release,
        }
    }
}

impl Drawn for HoldScope {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(3) {
            0 => Self::Period {
                class: Drawn::draw(draw),
                month: Drawn::draw(draw),
            },
            1 => Self::Run(Drawn::draw(draw)),
            _ => Self::Subject(Drawn::draw(draw)),
        }
    }
}

impl Drawn for LogOrigin {
    fn draw(draw: &mut Draw) -> Self {
        Self::parse(&format!("logs.example/default/{:x}", draw.word())).unwrap()
    }
}
