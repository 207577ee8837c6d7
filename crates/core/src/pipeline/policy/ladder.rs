//! The decision ladder of DESIGN section 5, over any [`crate::seams::Guards`]. Each rung asks the same request with other
//! facts, so that nobody is asked to approve what would then still be denied.

use std::collections::BTreeSet;

use super::{Action, ApprovalFacts, Determining, Downgrade, Evaluation, Remedy, Request};
use crate::digest::Digest;
use crate::id::{DecisionId, PolicyId, RoleName};
use crate::label::Label;
use crate::seams::Guards;

/// The four answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As asked.
    Allow,
    /// Only with these changes of the request.
    Downgrade(BTreeSet<Downgrade>),
    /// Only after people said yes: so many of each role, and a fresh sign-in where asked.
    Review {
        /// Role and count.
        approvals: BTreeSet<(RoleName, u8)>,
        /// Whether the requester must sign in freshly.
        step_up: bool,
        /// Downgrades that apply besides.
        downgrades: BTreeSet<Downgrade>,
    },
    /// No.
    Deny(DenyReason),
}

impl Verdict {
    /// The name in entries and listings.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Downgrade(_) => "downgrade",
            Self::Review { .. } => "review",
            Self::Deny(_) => "deny",
        }
    }
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyReason {
    /// No policy permits it.
    NoPermit,
    /// A guard forbids it: nothing lifts that.
    Forbidden,
    /// A policy failed to evaluate.
    PolicyError,
    /// It would still be denied after every remedy.
    NoRemedyHelps,
}

impl DenyReason {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::NoPermit,
        Self::Forbidden,
        Self::PolicyError,
        Self::NoRemedyHelps,
    ];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPermit => "no_permit",
            Self::Forbidden => "forbidden",
            Self::PolicyError => "policy_error",
            Self::NoRemedyHelps => "no_remedy_helps",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// A decision with the policies that determined it; journalled before anything follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// What was asked.
    pub action: Action,
    /// The answer.
    pub verdict: Verdict,
    /// The policies that determined it, in order of id; those that failed, when some did.
    pub determined_by: Vec<PolicyId>,
    /// Digest of the policies in force.
    pub version: Digest,
}

/// Proof that policy allows exactly this action now, perhaps after downgrades. For one use.
#[derive(Debug)]
pub struct Permit {
    decision: DecisionId,
    action: Action,
    version: Digest,
    downgrades: BTreeSet<Downgrade>,
}

impl Permit {
    /// The decision that it comes from.
    #[must_use]
    pub const fn decision(&self) -> DecisionId {
        self.decision
    }

    /// What it permits.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The policies under which it was given.
    #[must_use]
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The downgrades that it depends on.
    #[must_use]
    pub const fn downgrades(&self) -> &BTreeSet<Downgrade> {
        &self.downgrades
    }
}

/// What a request becomes with downgrades applied.
#[derive(Debug, Clone)]
pub struct Reshaped {
    /// Join of the labels of what is left.
    pub label: Label,
    /// Whether that still exceeds the destination's clearance.
    pub exceeds_clearance: bool,
}

/// How a request is downgraded; `None` where it cannot be.
pub type Reshape<'r> = Option<&'r dyn Fn(&BTreeSet<Downgrade>) -> Reshaped>;

/// Decides one request. The permit comes with allow and downgrade only.
///
/// What the workflow itself declares as review (`declared_approvals`) is required besides what policy says.
pub fn decide(
    guards: &dyn Guards,
    id: DecisionId,
    request: &Request<'_>,
    reshape: Reshape<'_>,
) -> (Decision, Option<Permit>) {
    let version = guards.version();
    let (verdict, mut determined_by) = climb(guards, request, reshape);
    let verdict = with_declared(request, verdict);
    determined_by.sort();
    determined_by.dedup();
    determined_by.truncate(crate::limits::DETERMINING_POLICIES_MAX);
    let downgrades = match &verdict {
        Verdict::Allow => Some(request.context.downgrades.clone()),
        Verdict::Downgrade(set) => Some(set.clone()),
        Verdict::Review { .. } | Verdict::Deny(_) => None,
    };
    let permit = downgrades.map(|downgrades| Permit {
        decision: id,
        action: request.action,
        version,
        downgrades,
    });
    (
        Decision {
            id,
            action: request.action,
            verdict,
            determined_by,
            version,
        },
        permit,
    )
}

type Answer = (Verdict, Vec<PolicyId>);

fn climb(guards: &dyn Guards, request: &Request<'_>, reshape: Reshape<'_>) -> Answer {
    let asked = guards.evaluate(request);
    if !asked.errors.is_empty() {
        return (Verdict::Deny(DenyReason::PolicyError), asked.errors);
    }
    if asked.allowed {
        return (Verdict::Allow, ids(&asked.determining));
    }
    let mut lifted = Lifted::new(request);
    let mut blocking = asked;
    let mut named = ids(&blocking.determining);
    // What the workflow declares is asked for in any case, so it is tried first: a forbid that any good
    // approval lifts then asks for no second role.
    if !met(request) {
        if let Some(reason) = unliftable(&blocking) {
            return (Verdict::Deny(reason), guards_of(&blocking));
        }
        lifted.approvals = lifted.declared.clone();
        let answer = lifted.evaluate(guards, request, reshape);
        if !answer.errors.is_empty() {
            return (Verdict::Deny(DenyReason::PolicyError), answer.errors);
        }
        if answer.allowed {
            return (lifted.verdict(), named);
        }
        named.extend(ids(&answer.determining));
        blocking = answer;
    }
    // Each round lifts at least one more remedy; there are finitely many, and a bound besides.
    for _ in 0..ROUNDS_MAX {
        match lifted.add(&blocking) {
            Err(reason) => return (Verdict::Deny(reason), guards_of(&blocking)),
            Ok(false) => break,
            Ok(true) => {}
        }
        let answer = lifted.evaluate(guards, request, reshape);
        if !answer.errors.is_empty() {
            return (Verdict::Deny(DenyReason::PolicyError), answer.errors);
        }
        if answer.allowed {
            return (lifted.fewest(guards, request, reshape).verdict(), named);
        }
        named.extend(ids(&answer.determining));
        blocking = answer;
    }
    (Verdict::Deny(DenyReason::NoRemedyHelps), named)
}

const ROUNDS_MAX: usize = 8;

/// Why no remedy can help: no permit at all, or a forbid without remedy.
fn unliftable(blocking: &Evaluation) -> Option<DenyReason> {
    let mut forbids = blocking
        .determining
        .iter()
        .filter(|policy| policy.forbids)
        .peekable();
    if forbids.peek().is_none() {
        return Some(DenyReason::NoPermit);
    }
    forbids
        .any(|policy| policy.remedy.is_none())
        .then_some(DenyReason::Forbidden)
}

/// The forbids that nothing lifts: they alone determine a denial, whatever else stands in the way.
fn guards_of(blocking: &Evaluation) -> Vec<PolicyId> {
    let forbids = |policy: &&Determining| policy.forbids && policy.remedy.is_none();
    blocking
        .determining
        .iter()
        .filter(forbids)
        .map(|policy| policy.id.clone())
        .collect()
}

/// The remedies gathered so far.
struct Lifted<'a> {
    /// What the workflow declares: part of every review.
    declared: &'a BTreeSet<(RoleName, u8)>,
    approvals: BTreeSet<(RoleName, u8)>,
    step_up: bool,
    downgrades: BTreeSet<Downgrade>,
}

impl<'a> Lifted<'a> {
    fn new(request: &'a Request<'_>) -> Self {
        Self {
            declared: &request.context.declared_approvals,
            approvals: BTreeSet::new(),
            step_up: false,
            downgrades: BTreeSet::new(),
        }
    }

    /// Adds the remedies of what blocks; whether any was new.
    fn add(&mut self, blocking: &Evaluation) -> Result<bool, DenyReason> {
        if let Some(reason) = unliftable(blocking) {
            return Err(reason);
        }
        let mut new = false;
        for remedy in blocking
            .determining
            .iter()
            .filter_map(|policy| policy.remedy.as_ref())
        {
            new |= match remedy {
                Remedy::Approval { role, count } => {
                    // One review asks for all of it: an earlier approval does not count towards a new one.
                    self.approvals.extend(self.declared.iter().cloned());
                    self.approvals.insert((role.clone(), *count))
                }
                Remedy::StepUp => !std::mem::replace(&mut self.step_up, true),
                Remedy::Downgrade(downgrade) => self.downgrades.insert(*downgrade),
            };
        }
        Ok(new)
    }

    /// Leaves out each threshold without which policy would still allow: a forbid that any good approval lifts
    /// asks for no second person beside the one that another forbid names. Policy itself is asked each time.
    fn fewest(mut self, guards: &dyn Guards, request: &Request<'_>, reshape: Reshape<'_>) -> Self {
        for threshold in self.approvals.clone() {
            if self.declared.contains(&threshold) || self.approvals.len() == 1 {
                continue;
            }
            self.approvals.remove(&threshold);
            let answer = self.evaluate(guards, request, reshape);
            if !answer.errors.is_empty() || !answer.allowed {
                self.approvals.insert(threshold);
            }
        }
        self
    }

    /// Asks the request with everything lifted: downgraded, and with a hypothetical approval and sign-in.
    fn evaluate(
        &self,
        guards: &dyn Guards,
        request: &Request<'_>,
        reshape: Reshape<'_>,
    ) -> Evaluation {
        let reshaped = match (self.downgrades.is_empty(), reshape) {
            // Without a way to downgrade, the request stays as it is, and its forbid stays too.
            (true, _) | (false, None) => None,
            (false, Some(reshape)) => Some(reshape(&self.downgrades)),
        }
        // What withholds nothing is no downgrade: a policy that asks for one is not satisfied by its name.
        .filter(|reshaped| reshaped.label != *request.context.label);
        let mut context = request.context.clone();
        if let Some(reshaped) = &reshaped {
            context.label = &reshaped.label;
            context.exceeds_clearance = reshaped.exceeds_clearance;
            context.downgrades.extend(self.downgrades.iter().copied());
        }
        context.step_up =
            request.context.step_up || (self.step_up && request.context.step_up_possible);
        if !self.approvals.is_empty() {
            context.approval = Some(ApprovalFacts {
                count: self
                    .approvals
                    .iter()
                    .map(|(_, count)| *count)
                    .max()
                    .unwrap_or(0),
                reached: self.approvals.clone(),
                by_requester: false,
                fits: true,
                expired: false,
            });
        }
        guards.evaluate(&Request {
            principal: request.principal,
            action: request.action,
            resource: request.resource,
            context,
        })
    }

    fn verdict(self) -> Verdict {
        if self.approvals.is_empty() && !self.step_up {
            Verdict::Downgrade(self.downgrades)
        } else {
            Verdict::Review {
                approvals: self.approvals,
                step_up: self.step_up,
                downgrades: self.downgrades,
            }
        }
    }
}

/// Adds what the workflow declares: an allowed request still waits for it.
fn with_declared(request: &Request<'_>, verdict: Verdict) -> Verdict {
    let declared = &request.context.declared_approvals;
    let met = declared.is_empty()
        || request
            .context
            .approval
            .as_ref()
            .is_some_and(|facts| facts.meets(declared));
    match verdict {
        Verdict::Deny(reason) => Verdict::Deny(reason),
        verdict if met => verdict,
        Verdict::Allow => Verdict::Review {
            approvals: declared.clone(),
            step_up: false,
            downgrades: request.context.downgrades.clone(),
        },
        Verdict::Downgrade(downgrades) => Verdict::Review {
            approvals: declared.clone(),
            step_up: false,
            downgrades,
        },
        Verdict::Review {
            mut approvals,
            step_up,
            downgrades,
        } => {
            approvals.extend(declared.iter().cloned());
            Verdict::Review {
                approvals,
                step_up,
                downgrades,
            }
        }
    }
}

/// Whether the request has every approval that the workflow declares.
fn met(request: &Request<'_>) -> bool {
    let declared = &request.context.declared_approvals;
    declared.is_empty()
        || request
            .context
            .approval
            .as_ref()
            .is_some_and(|facts| facts.meets(declared))
}

fn ids(determining: &[Determining]) -> Vec<PolicyId> {
    determining.iter().map(|policy| policy.id.clone()).collect()
}
