//! A tool call from proposal to result. Arguments are composed and checked, labelled and digested; policy decides;
//! people approve; a grant for one attempt is given in the same transaction in which the act starts.

use serde_json::{Value, json};

use super::Turn;
use super::requests::{Asked, CallFacts, call_tool, is_backed, is_consequential, tool_step};
use super::retrieve::cause;
use crate::digest::Digest;
use crate::id::{ActId, GrantId};
use crate::limits;
use crate::pipeline::intake;
use crate::pipeline::model::CallFault;
use crate::pipeline::policy::{Action, ApprovalFacts, Permit, Verdict};
use crate::pipeline::review::approval_facts;
use crate::pipeline::tool::{ActFacts, EffectKnown, Grant, act_digest};
use crate::registry::{Recovery, Tool};
use crate::run::event::{Cause, InboxKind, ReviewOutcome};
use crate::run::state::{Act, Review, ReviewSubject};
use crate::run::{Content, Event, Phase, Refusal, Slot};
use crate::workflow::{Node, RiskTier, ToolStep};

impl Turn<'_> {
    pub(super) fn propose(
        &mut self,
        index: usize,
        node: &Node,
        step: &ToolStep,
    ) -> Result<(), Refusal> {
        let tool = self
            .program
            .registry
            .tools
            .get(&step.tool)
            .ok_or(Refusal::Bug("the tool is not in the registry"))?;
        let composed = self
            .program
            .templates
            .compose(step.arguments.id, &self.opened.scope, false);
        let arguments = match composed {
            Ok(arguments) => arguments,
            Err(fault) => return self.template_failed(index, &node.step, &fault),
        };
        let arguments = match intake::accept(
            self.program.shapes,
            &tool.arguments,
            arguments,
            0,
            limits::INPUT_BYTES_MAX,
        ) {
            Ok(arguments) => arguments.into_value(),
            Err(violations) => {
                self.intake_rejected(Some(&node.step), &violations)?;
                return self.fall(index, Cause::Invalid);
            }
        };
        let shown = match &step.show {
            None => json!({}),
            Some(show) => match self
                .program
                .templates
                .compose(show.id, &self.opened.scope, false)
            {
                Ok(shown) => shown,
                Err(fault) => return self.template_failed(index, &node.step, &fault),
            },
        };
        let facts = CallFacts::of(self.program, &self.state, index, step, tool);
        if !self.label_fits(Some(&node.step), &facts.label)? {
            return self.fall(index, Cause::Invalid);
        }
        let act = ActId::from_bytes(self.fresh.id());
        let content = Content {
            key: self.fresh.key(),
            value: arguments,
            shown,
        };
        let digest = self.digest(act, node, tool, &content, &facts);
        // After an act of this step was in doubt, people decide on the next one.
        let standing = !self.state.doubted.contains(&node.step)
            && self.standing(node, step, tool, &facts, &content)?;
        let payload = self.draft(Slot::Content, &facts.label, content.to_json());
        self.say(Event::ActProposed {
            node: index,
            step: node.step.clone(),
            act,
            tool: tool.name.clone(),
            content: payload,
            digest,
            label: facts.label.clone(),
            standing,
        })?;
        let Phase::Proposed { act } = self.state.phase.clone() else {
            return Err(Refusal::Bug("an act was not proposed"));
        };
        self.decide_act(&act, node, step, tool, &facts, &content, None)
    }

    fn digest(
        &self,
        act: ActId,
        node: &Node,
        tool: &Tool,
        content: &Content,
        facts: &CallFacts,
    ) -> Digest {
        act_digest(
            &content.key,
            &ActFacts {
                run: self.state.run,
                step: &node.step,
                act,
                tool: &tool.name,
                arguments: &content.value,
                label: &facts.label,
                policy: self.program.guards.version(),
            },
        )
    }

    /// Policy's advance yes: only asked where it could count (DESIGN section 2: below critical, every sensitive
    /// argument trusted or reconciled; the step itself is committed by the workflow).
    fn standing(
        &mut self,
        node: &Node,
        step: &ToolStep,
        tool: &Tool,
        facts: &CallFacts,
        content: &Content,
    ) -> Result<bool, Refusal> {
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let possible = is_consequential(tool)
            && asked.pinned.risk < RiskTier::Critical
            && facts.untrusted_sensitive.is_empty()
            && step.review.is_none();
        if !possible {
            return Ok(false);
        }
        let mut request = call_tool(
            &asked,
            &node.step,
            step,
            tool,
            facts,
            &content.value,
            false,
            None,
        );
        request.action = Action::AuthoriseStanding;
        let (_, permit) = self.ask(&request, None, tool.name.as_str(), None)?;
        Ok(permit.is_some())
    }

    /// Asks policy for this act, and starts it, asks people, or falls back.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact of the act; all are at hand in both callers"
    )]
    fn decide_act(
        &mut self,
        act: &Act,
        node: &Node,
        step: &ToolStep,
        tool: &Tool,
        facts: &CallFacts,
        content: &Content,
        approval: Option<ApprovalFacts>,
    ) -> Result<(), Refusal> {
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let approved = approval.is_some();
        let backed = is_backed(tool, act.standing, approval.as_ref());
        let request = call_tool(
            &asked,
            &node.step,
            step,
            tool,
            facts,
            &content.value,
            act.standing,
            approval,
        );
        let (decision, permit) = self.ask(&request, None, tool.name.as_str(), None)?;
        match (permit, decision.verdict) {
            (Some(permit), _) if backed => self.start_act(act, permit),
            (
                None,
                Verdict::Review {
                    approvals,
                    step_up: false,
                    downgrades,
                },
            ) if !approved => {
                let review = self.new_review(
                    ReviewSubject::Act(act.id),
                    Some(act.node),
                    Some(node),
                    act.content,
                    act.digest,
                    &act.label,
                    approvals,
                    downgrades,
                    step.review.as_ref(),
                );
                self.say(Event::ReviewRequested {
                    review,
                    asked_by: decision.determined_by,
                    content: None,
                })
            }
            (
                _,
                Verdict::Review { .. } | Verdict::Deny(_) | Verdict::Allow | Verdict::Downgrade(_),
            ) => self.fall(act.node, Cause::Denied),
        }
    }

    fn start_act(&mut self, act: &Act, permit: Permit) -> Result<(), Refusal> {
        if permit.action() != Action::CallTool {
            return Err(Refusal::Bug("a permit for another action"));
        }
        let attempt = act.attempts.saturating_add(1);
        let seconds = limits::GRANT_SECONDS_MAX;
        let grant = Grant {
            id: GrantId::from_bytes(self.fresh.id()),
            act: act.id,
            digest: act.digest,
            expires_at: self.now.plus_seconds(seconds),
            attempt,
        };
        self.say(Event::ActStarted {
            node: act.node,
            step: act.step.clone(),
            grant,
            epoch: self.state.epoch,
        })
    }

    /// People said yes: the same request again with the real facts. What they approved must be what is there now.
    pub(super) fn start_approved(&mut self, review: Review, act: Act) -> Result<(), Refusal> {
        let node = self.node(act.node)?;
        let (step, tool) = tool_step(self.program, &act)?;
        let content = self.content()?;
        let facts = CallFacts::of(self.program, &self.state, act.node, step, tool);
        let current = self.digest(act.id, node, tool, &content, &facts);
        if current != act.digest {
            self.say(Event::ReviewSettled {
                review: review.id,
                outcome: ReviewOutcome::Voided,
            })?;
            return Ok(());
        }
        let approval = self.approval(&review, current)?;
        self.decide_act(&act, node, step, tool, &facts, &content, Some(approval))
    }

    /// What an approval is worth now.
    pub(super) fn approval(
        &self,
        review: &Review,
        current: Digest,
    ) -> Result<ApprovalFacts, Refusal> {
        let pinned = self
            .state
            .pinned
            .as_ref()
            .ok_or(Refusal::Bug("the run was never requested"))?;
        Ok(approval_facts(
            &review.approvals,
            &review.thresholds,
            (pinned.requester.id, pinned.requester.act_for),
            review.digest,
            current,
            review.expires_at,
            self.now,
        ))
    }

    /// A new attempt of the current act, under a fresh grant and the policies of now; the approval it had stays
    /// its own as long as its digest does.
    pub(super) fn attempt_again(&mut self, act: &Act) -> Result<(), Refusal> {
        let node = self.node(act.node)?;
        let (step, tool) = tool_step(self.program, act)?;
        // Without its arguments nobody can try it again, or tell what it did.
        let Some(content) = self.opened.content.clone() else {
            return self.in_doubt(act);
        };
        let facts = CallFacts::of(self.program, &self.state, act.node, step, tool);
        let current = self.digest(act.id, node, tool, &content, &facts);
        if current != act.digest || act.attempts >= limits::ATTEMPTS_MAX {
            return self.in_doubt_or_denied(act, tool);
        }
        let approval = match &act.review {
            Some(review) => Some(self.approval(review, current)?),
            None => None,
        };
        // What policy said in advance holds for the attempt that it was asked about.
        let standing = act.standing && self.standing(node, step, tool, &facts, &content)?;
        let backed = is_backed(tool, standing, approval.as_ref());
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let request = call_tool(
            &asked,
            &node.step,
            step,
            tool,
            &facts,
            &content.value,
            standing,
            approval,
        );
        let (_, permit) = self.ask(&request, None, tool.name.as_str(), None)?;
        match permit {
            Some(permit) if backed => self.start_act(act, permit),
            Some(_) | None => self.in_doubt_or_denied(act, tool),
        }
    }

    /// An act that may not be tried again: in doubt where some attempt may have acted and that matters.
    fn in_doubt_or_denied(&mut self, act: &Act, tool: &Tool) -> Result<(), Refusal> {
        if act.may_have_acted && tool.recovery != Recovery::Rerun {
            self.in_doubt(act)
        } else {
            self.fall(act.node, Cause::Denied)
        }
    }

    pub(super) fn in_doubt(&mut self, act: &Act) -> Result<(), Refusal> {
        let item = crate::id::InboxId::from_bytes(self.fresh.id());
        self.say(Event::InboxOpened {
            node: Some(act.node),
            step: Some(act.step.clone()),
            item,
            kind: InboxKind::InDoubt,
            act: Some(act.id),
        })
    }

    pub(super) fn acted(
        &mut self,
        id: ActId,
        grant: GrantId,
        result: Result<Value, (CallFault, EffectKnown)>,
    ) -> Result<(), Refusal> {
        let Phase::Acting {
            act,
            grant: current,
            epoch,
        } = self.state.phase.clone()
        else {
            return Err(self.not_now("a tool's result"));
        };
        if act.id != id || current.id != grant {
            return Err(Refusal::NotCurrent("the act's grant"));
        }
        if epoch != self.state.epoch {
            return Err(Refusal::NotCurrent("the act's epoch"));
        }
        let node = self.node(act.node)?;
        let (_, tool) = tool_step(self.program, &act)?;
        match result {
            Ok(value) => self.finished(&act, grant, node, tool, value),
            Err((fault, known)) => {
                let step = act.step.clone();
                self.say(Event::ActFailed {
                    step,
                    act: act.id,
                    grant,
                    fault,
                    known,
                })?;
                self.failed(tool, fault)
            }
        }
    }

    fn finished(
        &mut self,
        act: &Act,
        grant: GrantId,
        node: &Node,
        tool: &Tool,
        value: Value,
    ) -> Result<(), Refusal> {
        match intake::accept(
            self.program.shapes,
            &tool.result,
            value,
            0,
            limits::TOOL_RESULT_BYTES_MAX,
        ) {
            Ok(value) => {
                // What was sent shaped what came back: all that its label says stays with the result, its integrity
                // too. A field that the operator declares trusted is so only where the arguments were.
                let label = act.label.clone();
                let whole = label.join(
                    &self
                        .program
                        .shapes
                        .labels(&tool.result)
                        .at(&crate::label::Path::root()),
                );
                let output = self.draft(Slot::ToolResult, &whole, value.into_value());
                self.say(Event::ActFinished {
                    step: act.step.clone(),
                    act: act.id,
                    grant,
                    output,
                    label,
                    schema: tool.result.clone(),
                    next: node.next,
                })
            }
            // It acted, but says so in a form that nobody declared: whether it did what was meant is not known.
            Err(violations) => {
                self.intake_rejected(Some(&act.step), &violations)?;
                self.failed(tool, CallFault::Malformed)
            }
        }
    }

    /// What all attempts together say of the act decides, not the last one alone.
    fn failed(&mut self, tool: &Tool, fault: CallFault) -> Result<(), Refusal> {
        let Phase::Acting { act, .. } = self.state.phase.clone() else {
            return Err(Refusal::Bug("no act has failed"));
        };
        let cause = cause(fault);
        let repeatable =
            !act.may_have_acted || matches!(tool.recovery, Recovery::Rerun | Recovery::Keyed);
        if repeatable && self.may_retry(act.node, cause)? {
            return self.retry_act(&act, cause);
        }
        if act.may_have_acted && tool.recovery != Recovery::Rerun {
            return self.in_doubt(&act);
        }
        self.fall(act.node, cause)
    }

    /// The declared retry of an act: counted like any fallback, but the act stays the same one.
    fn retry_act(&mut self, act: &Act, cause: Cause) -> Result<(), Refusal> {
        self.say(Event::ActRetried {
            step: act.step.clone(),
            act: act.id,
            cause,
        })?;
        self.attempt_again(act)
    }
}

impl Content {
    /// As it is sealed.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let key: String = self
            .key
            .expose()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        json!({ "key": key, "value": self.value, "shown": self.shown })
    }

    /// From its sealed form; `None` where it is no such thing.
    #[must_use]
    pub fn from_json(mut value: Value) -> Option<Self> {
        let members = value.as_object_mut()?;
        let key = Digest::parse_hex(members.get("key")?.as_str()?)?;
        Some(Self {
            key: crate::digest::ActKey::from_bytes(key.to_bytes()),
            value: members.remove("value")?,
            shown: members.remove("shown")?,
        })
    }
}
