//! What people are shown of runs, reviews, inbox items and logs: values for the command line and HTTP alike. What holds
//! content takes the person who is shown it, and goes through `reveal`, which puts it on record first.

use interlock_core::id::{InboxId, PrincipalId, ReviewId, RunId};
use interlock_core::run::{Event, Phase, Review, State};
use interlock_store::{RunFilter, RunRow, RunStatus, WaitKind};
use serde::Serialize;
use serde_json::Value;

use crate::administration::ShownAs;
use crate::codec::PayloadNote;
use crate::engine::{Engine, Fault};
use crate::live::Recorded;
use crate::projection::inbox_kind;

/// A run in a listing.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// Its id.
    pub run: String,
    /// The workflow.
    pub workflow: String,
    /// The bundle's version that it is pinned to, hex.
    pub bundle_version: String,
    /// `active`, `waiting` or `ended`.
    pub status: &'static str,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who asked: a pseudonym.
    pub requester: String,
    /// When it was asked for.
    pub started: String,
    /// When it last moved.
    pub updated: String,
    /// What it waits for: a review or an inbox item, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// Its released output, where it has one and was asked for by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// A label in words.
#[derive(Debug, Clone, Serialize)]
pub struct LabelView {
    /// `public` to `restricted`.
    pub confidentiality: &'static str,
    /// `trusted` or `untrusted`.
    pub integrity: &'static str,
    /// Kinds of data.
    pub categories: Vec<String>,
    /// Where it came from.
    pub sources: Vec<String>,
}

/// A review as a person needs it to decide.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewView {
    /// Its id.
    pub review: String,
    /// The run.
    pub run: String,
    /// The workflow.
    pub workflow: String,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `act`, `output`, `shown` or `release`.
    pub subject: &'static str,
    /// The tool that would act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What it does: `read`, `reversible`, `irreversible`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'static str>,
    /// Whether people outside can see that it acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// The exact arguments or content that a yes is bound to. `null` once erased, and in lists.
    pub content: Value,
    /// Evidence and rationale shown beside it.
    pub shown: Value,
    /// The label of the content.
    pub label: LabelView,
    /// So many people of each role.
    pub needs: Vec<NeededApproval>,
    /// Approvals so far.
    pub approvals: Vec<String>,
    /// The policies that ask for it.
    pub asked_by: Vec<PolicyView>,
    /// Who asked for the run: a pseudonym.
    pub requester: String,
    /// The digest that a vote must name: it binds content, labels and policy version.
    pub digest: String,
    /// When it expires without a verdict.
    pub expires_at: String,
}

/// One threshold.
#[derive(Debug, Clone, Serialize)]
pub struct NeededApproval {
    /// The role.
    pub role: String,
    /// How many people.
    pub count: u8,
}

/// A policy that had a say.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    /// Its id.
    pub id: String,
    /// Its text, where it is in the bundle or the operator's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// An inbox item with what a person needs to finish it by hand.
#[derive(Debug, Clone, Serialize)]
pub struct InboxView {
    /// Its id.
    pub item: String,
    /// The run.
    pub run: String,
    /// The workflow.
    pub workflow: String,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why it waits, for example `validation_failed`, `unavailable`, `in_doubt`.
    pub kind: &'static str,
    /// Since when.
    pub since: String,
    /// What may be done with it.
    pub settlements: Vec<&'static str>,
    /// The schema that a value written by hand must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// What was asked, replied and found wrong, newest last, by the step's calls.
    pub material: Vec<MaterialView>,
}

/// A piece of content beside an inbox item.
#[derive(Debug, Clone, Serialize)]
pub struct MaterialView {
    /// Which entry introduced it.
    pub seq: u64,
    /// `prompt`, `reply`, `problems`, …
    pub slot: &'static str,
    /// The content; `null` once erased.
    pub content: Value,
}

/// One entry of a log as a person reads it.
#[derive(Debug, Clone, Serialize)]
pub struct EntryView {
    /// Its place.
    pub seq: u64,
    /// When.
    pub time: String,
    /// The event's name.
    pub event: &'static str,
    /// What it says, one line without content.
    pub says: String,
    /// The payloads that it introduces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<String>,
    /// Its hash.
    pub hash: String,
}

impl Engine {
    /// Runs, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn runs(&self, filter: RunFilter, limit: u32) -> Result<Vec<RunView>, Fault> {
        let rows = self.parts.store.runs(self.tenant(), filter, limit).await?;
        Ok(rows.into_iter().map(run_view).collect())
    }

    /// One run; for a reader, with its output once released.
    ///
    /// # Errors
    /// There is no such run, it cannot be read, or that somebody reads its output cannot be put on record.
    pub async fn run_view(
        &self,
        run: RunId,
        reader: Option<PrincipalId>,
    ) -> Result<RunView, Fault> {
        let row = self
            .parts
            .store
            .run(self.tenant(), run)
            .await?
            .ok_or(Fault::NotFound("the run"))?;
        let history = self.history(run).await?;
        let state = Self::fold(run, &history)?;
        let mut view = run_view(row);
        view.waits_for = match &state.phase {
            Phase::Reviewing { review, .. } => vec![review.id.to_string()],
            Phase::Waiting { item, .. } => vec![item.to_string()],
            _ => Vec::new(),
        };
        if let Some(reader) = reader
            && let Some(released) = state.released
            && let Some(note) = note_of(&history, released)
        {
            let shown = self
                .show(run, &[note], ShownAs::Output, reader, None)
                .await?;
            view.output = shown.into_iter().next().flatten();
        }
        Ok(view)
    }

    /// A review, opened for a person who is about to vote; with no reader, without its content.
    ///
    /// # Errors
    /// It is not open, or that somebody reads it cannot be put on record.
    pub async fn review_view(
        &self,
        id: ReviewId,
        reader: Option<PrincipalId>,
    ) -> Result<ReviewView, Fault> {
        let wait = self
            .wait(WaitKind::Review, &id.to_string())
            .await?
            .ok_or(Fault::NotFound("the review"))?;
        let history = self.history(wait.run).await?;
        let state = Self::fold(wait.run, &history)?;
        let Phase::Reviewing { review, act } = &state.phase else {
            return Err(Fault::NotFound("the review"));
        };
        if review.id != id {
            return Err(Fault::NotFound("the review"));
        }
        let loaded = self.pinned(&state).await?;
        let content = match (reader, note_of(&history, review.content)) {
            (Some(reader), Some(note)) => {
                let shown = self
                    .show(wait.run, &[note], ShownAs::Review, reader, None)
                    .await?;
                shown.into_iter().next().flatten()
            }
            (None, _) | (_, None) => None,
        };
        let member = |name: &str| {
            content
                .as_ref()
                .and_then(|content| content.get(name))
                .cloned()
                .unwrap_or(Value::Null)
        };
        let tool = act
            .as_ref()
            .and_then(|act| loaded.bundle().tools().get(&act.tool));
        let pinned = state.pinned.as_ref().ok_or(Fault::NotFound("the run"))?;
        Ok(ReviewView {
            review: id.to_string(),
            run: wait.run.to_string(),
            workflow: pinned.workflow.to_string(),
            step: review.step.as_ref().map(ToString::to_string),
            subject: review.subject.as_str(),
            tool: tool.map(|tool| tool.name.to_string()),
            effect: tool.map(|tool| tool.effect.as_str()),
            external: tool.map(|tool| tool.external),
            content: member("value"),
            shown: member("shown"),
            label: label_view(&review.label),
            needs: review
                .thresholds
                .iter()
                .map(|(role, count)| NeededApproval {
                    role: role.to_string(),
                    count: *count,
                })
                .collect(),
            approvals: review
                .approvals
                .iter()
                .map(|(voter, _)| voter.to_string())
                .collect(),
            asked_by: self.asked_by(&history, review, &loaded),
            requester: pinned.requester.id.to_string(),
            digest: review.digest.to_string(),
            expires_at: review.expires_at.to_string(),
        })
    }

    fn asked_by(
        &self,
        history: &[Recorded],
        wanted: &Review,
        loaded: &crate::engine::Loaded,
    ) -> Vec<PolicyView> {
        history
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::ReviewRequested {
                    review, asked_by, ..
                } if review.id == wanted.id => Some(asked_by),
                _ => None,
            })
            .flatten()
            .map(|id| PolicyView {
                id: id.to_string(),
                text: loaded
                    .bundle()
                    .policy_text(id)
                    .map(|policy| policy.text.clone()),
            })
            .collect()
    }

    /// An inbox item, opened for the person who is to finish it.
    ///
    /// # Errors
    /// It is not open, or that somebody reads it cannot be put on record.
    pub async fn inbox_view(&self, id: InboxId, reader: PrincipalId) -> Result<InboxView, Fault> {
        let wait = self
            .wait(WaitKind::Inbox, &id.to_string())
            .await?
            .ok_or(Fault::NotFound("the inbox item"))?;
        let history = self.history(wait.run).await?;
        let state = Self::fold(wait.run, &history)?;
        let Phase::Waiting {
            step, kind, node, ..
        } = &state.phase
        else {
            return Err(Fault::NotFound("the inbox item"));
        };
        let loaded = self.pinned(&state).await?;
        let pinned = state.pinned.as_ref().ok_or(Fault::NotFound("the run"))?;
        let workflow = loaded.bundle().workflows().get(&pinned.workflow);
        let node = node.and_then(|node| workflow?.node(node));
        let (schema, can_complete) = match node.map(|node| &node.kind) {
            Some(interlock_core::workflow::NodeKind::Model(model)) => (
                interlock_core::seams::Shapes::text(loaded.bundle().shapes(), &model.output)
                    .cloned(),
                true,
            ),
            Some(interlock_core::workflow::NodeKind::Tool(tool)) => {
                let result = loaded
                    .bundle()
                    .tools()
                    .get(&tool.tool)
                    .map(|tool| &tool.result);
                (
                    result.and_then(|name| {
                        interlock_core::seams::Shapes::text(loaded.bundle().shapes(), name).cloned()
                    }),
                    false,
                )
            }
            _ => (None, false),
        };
        let in_doubt = matches!(kind, interlock_core::run::InboxKind::InDoubt);
        let settlements = match (in_doubt, can_complete) {
            (true, _) => vec!["happened", "did-not-happen"],
            (false, true) => vec!["complete", "retry", "cancel"],
            (false, false) => vec!["retry", "cancel"],
        };
        Ok(InboxView {
            item: id.to_string(),
            run: wait.run.to_string(),
            workflow: pinned.workflow.to_string(),
            step: step.as_ref().map(ToString::to_string),
            kind: inbox_kind(*kind),
            since: wait.since.to_string(),
            settlements,
            schema,
            material: self.material(wait.run, &history, reader).await?,
        })
    }

    /// The newest content of each kind: what led to where the run is, without what was repeated on the way.
    async fn material(
        &self,
        run: RunId,
        history: &[Recorded],
        reader: PrincipalId,
    ) -> Result<Vec<MaterialView>, Fault> {
        const SHOWN_MAX: usize = 8;
        let mut notes: Vec<(u64, &PayloadNote)> = Vec::new();
        for recorded in history.iter().rev() {
            for note in &recorded.payloads {
                if notes.len() < SHOWN_MAX
                    && !notes.iter().any(|(_, shown)| shown.slot == note.slot)
                {
                    notes.push((recorded.seq, note));
                }
            }
        }
        notes.reverse();
        let wanted: Vec<&PayloadNote> = notes.iter().map(|(_, note)| *note).collect();
        let shown = self
            .show(run, &wanted, ShownAs::Inbox, reader, None)
            .await?;
        let material = notes.iter().zip(shown);
        Ok(material
            .map(|((seq, note), content)| MaterialView {
                seq: *seq,
                slot: note.slot.as_str(),
                content: without_key(content.unwrap_or(Value::Null)),
            })
            .collect())
    }

    /// A run's chain of custody.
    ///
    /// # Errors
    /// There is no such run, or its log does not verify.
    pub async fn custody(&self, run: RunId) -> Result<Vec<EntryView>, Fault> {
        let history = self.history(run).await?;
        Ok(history
            .iter()
            .map(|recorded| EntryView {
                seq: recorded.seq,
                time: recorded.time.clone(),
                event: recorded.event.kind(),
                says: crate::say::line(&recorded.event),
                payloads: recorded
                    .payloads
                    .iter()
                    .map(|note| format!("{} {}", note.slot.as_str(), note.id))
                    .collect(),
                hash: recorded.hash.to_string(),
            })
            .collect())
    }

    /// The text of a policy that decided in a run, where it is in the bundle's or the operator's files.
    ///
    /// # Errors
    /// The run's bundle cannot be loaded.
    pub async fn policy_text(
        &self,
        state: &State,
        id: &interlock_core::id::PolicyId,
    ) -> Result<Option<String>, Fault> {
        Ok(self
            .current(state)
            .await?
            .bundle()
            .policy_text(id)
            .map(|policy| policy.text.clone()))
    }

    /// The requester of a run, by pseudonym.
    #[must_use]
    pub fn requester(state: &State) -> Option<PrincipalId> {
        state.pinned.as_ref().map(|pinned| pinned.requester.id)
    }
}

fn note_of(history: &[Recorded], id: interlock_core::id::PayloadId) -> Option<&PayloadNote> {
    history
        .iter()
        .flat_map(|recorded| &recorded.payloads)
        .find(|note| note.id == id)
}

/// The key of an act's digest is nobody's business.
fn without_key(mut content: Value) -> Value {
    if let Some(members) = content.as_object_mut()
        && members.contains_key("value")
    {
        members.remove("key");
    }
    content
}

fn run_view(row: RunRow) -> RunView {
    RunView {
        run: row.run.to_string(),
        workflow: row.workflow,
        bundle_version: row.bundle.to_string(),
        status: match row.state {
            RunStatus::Active => "active",
            RunStatus::Waiting => "waiting",
            RunStatus::Ended => "ended",
        },
        outcome: row.outcome,
        requester: row.requester.to_string(),
        started: row.started.to_string(),
        updated: row.updated.to_string(),
        waits_for: Vec::new(),
        output: None,
    }
}

/// A label in words.
#[must_use]
pub fn label_view(label: &interlock_core::label::Label) -> LabelView {
    LabelView {
        confidentiality: label.confidentiality.as_str(),
        integrity: label.integrity.as_str(),
        categories: label.categories.iter().map(ToString::to_string).collect(),
        sources: label.sources.iter().map(ToString::to_string).collect(),
    }
}
