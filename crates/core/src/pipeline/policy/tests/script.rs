//! A scripted policy set whose policies are functions of the request, and the ladder asked about it.

use std::collections::BTreeSet;

use super::super::*;
use crate::digest::Digest;
use crate::id::DecisionId;
use crate::label::Confidentiality;
use crate::pipeline::identity::PrincipalKind;
use crate::seams::Guards;

/// Whether a policy applies; `None` when its evaluation fails.
pub(super) type Applies = fn(&Context<'_>) -> Option<bool>;

pub(super) struct Policy {
    pub(super) id: &'static str,
    pub(super) forbids: bool,
    pub(super) remedy: Option<Remedy>,
    pub(super) applies: Applies,
}

/// Two-valued as the engine is: any forbid wins, no permit denies, errors are listed.
struct Script(Vec<Policy>);

impl Guards for Script {
    fn version(&self) -> Digest {
        Digest::from_bytes([7; 32])
    }

    fn evaluate(&self, request: &Request<'_>) -> Evaluation {
        let answers: Vec<_> = self
            .0
            .iter()
            .map(|p| (p, (p.applies)(&request.context)))
            .collect();
        let forbidden = answers.iter().any(|(p, a)| p.forbids && *a == Some(true));
        let permitted = answers.iter().any(|(p, a)| !p.forbids && *a == Some(true));
        let determining = answers
            .iter()
            .filter(|(p, a)| *a == Some(true) && p.forbids == forbidden)
            .map(|(p, _)| Determining {
                id: PolicyId::parse(p.id).unwrap(),
                layer: Layer::Action,
                forbids: p.forbids,
                remedy: p.remedy.clone(),
            })
            .collect();
        let failed = answers.iter().filter(|(_, a)| a.is_none());
        let errors = failed
            .map(|(p, _)| PolicyId::parse(p.id).unwrap())
            .collect();
        Evaluation {
            allowed: permitted && !forbidden,
            determining,
            errors,
        }
    }

    fn policies(&self) -> Vec<PolicyId> {
        self.0
            .iter()
            .map(|p| PolicyId::parse(p.id).unwrap())
            .collect()
    }
}

pub(super) fn permit(id: &'static str) -> Policy {
    Policy {
        id,
        forbids: false,
        remedy: None,
        applies: |_| Some(true),
    }
}

pub(super) fn guard(id: &'static str, applies: Applies) -> Policy {
    Policy {
        id,
        forbids: true,
        remedy: None,
        applies,
    }
}

pub(super) fn gate(id: &'static str, remedy: Remedy, applies: Applies) -> Policy {
    Policy {
        id,
        forbids: true,
        remedy: Some(remedy),
        applies,
    }
}

pub(super) fn by(role: &str, count: u8) -> Remedy {
    Remedy::Approval {
        role: RoleName::parse(role).unwrap(),
        count,
    }
}

pub(super) fn good(context: &Context<'_>) -> bool {
    context
        .approval
        .as_ref()
        .is_some_and(ApprovalFacts::is_good)
}

pub(super) fn reached(context: &Context<'_>, role: &str, count: u8) -> bool {
    let facts = context.approval.as_ref();
    facts.is_some_and(|facts| facts.meets(&thresholds(&[(role, count)])))
}

pub(super) fn any_approval(context: &Context<'_>) -> Option<bool> {
    Some(!good(context))
}

pub(super) fn controller(context: &Context<'_>) -> Option<bool> {
    Some(!reached(context, "controller", 2))
}

pub(super) fn over_clearance(context: &Context<'_>) -> Option<bool> {
    Some(context.exceeds_clearance)
}

pub(super) fn fresh_sign_in(context: &Context<'_>) -> Option<bool> {
    Some(!context.step_up)
}

pub(super) fn thresholds(list: &[(&str, u8)]) -> BTreeSet<(RoleName, u8)> {
    list.iter()
        .map(|(role, count)| (RoleName::parse(role).unwrap(), *count))
        .collect()
}

pub(super) fn approved(list: &[(&str, u8)]) -> ApprovalFacts {
    ApprovalFacts {
        count: list.iter().map(|(_, count)| *count).max().unwrap(),
        reached: thresholds(list),
        by_requester: false,
        fits: true,
        expired: false,
    }
}

pub(super) fn review(approvals: &[(&str, u8)], step_up: bool, downgrades: &[Downgrade]) -> Verdict {
    let downgrades = downgrades.iter().copied().collect();
    Verdict::Review {
        approvals: thresholds(approvals),
        step_up,
        downgrades,
    }
}

/// The circumstances that differ between rows.
#[derive(Default)]
pub(super) struct Case {
    pub(super) approval: Option<ApprovalFacts>,
    pub(super) declared: &'static [(&'static str, u8)],
    pub(super) step_up_possible: bool,
    pub(super) exceeds: bool,
    /// Whether the request can be downgraded.
    pub(super) reshapes: bool,
}

#[track_caller]
pub(super) fn check(policies: Vec<Policy>, case: Case, verdict: &Verdict, determined_by: &[&str]) {
    let principal = PrincipalFacts {
        id: crate::id::PrincipalId::from_bytes([1; 16]),
        kind: PrincipalKind::Person,
        roles: BTreeSet::new(),
        act_for: None,
    };
    let name = "x";
    let (tenant, environment) = (
        TenantName::parse(name).unwrap(),
        EnvironmentName::parse(name).unwrap(),
    );
    let (bundle, workflow) = (
        BundleName::parse(name).unwrap(),
        WorkflowName::parse(name).unwrap(),
    );
    let label = Label {
        confidentiality: Confidentiality::Restricted,
        ..Label::literal()
    };
    let request = Request {
        principal: &principal,
        action: Action::CallTool,
        resource: Resource::Workflow,
        context: Context {
            tenant: &tenant,
            environment: &environment,
            bundle: &bundle,
            workflow: &workflow,
            step: None,
            risk: RiskTier::High,
            class: None,
            label: &label,
            exceeds_clearance: case.exceeds,
            arguments: None,
            approval: case.approval,
            step_up: false,
            step_up_possible: case.step_up_possible,
            downgrades: BTreeSet::new(),
            standing: false,
            declared_approvals: thresholds(case.declared),
            world: World::default(),
            acts_done: 0,
            attempt: 1,
            now: Timestamp::from_micros(0),
        },
    };
    let reshaped = |_: &BTreeSet<Downgrade>| Reshaped {
        label: Label::literal(),
        exceeds_clearance: false,
    };
    let reshape: Reshape<'_> = if case.reshapes { Some(&reshaped) } else { None };
    let id = DecisionId::from_bytes([2; 16]);
    let (decision, given) = decide(&Script(policies), id, &request, reshape);
    assert_eq!(&decision.verdict, verdict);
    let named: Vec<_> = decision
        .determined_by
        .iter()
        .map(PolicyId::as_str)
        .collect();
    assert_eq!(named, determined_by);
    let permits = matches!(verdict, Verdict::Allow | Verdict::Downgrade(_));
    assert_eq!(
        given.is_some(),
        permits,
        "a permit comes with allow and downgrade only"
    );
    if let Some(permit) = given {
        assert_eq!(
            (permit.decision(), permit.action(), permit.version()),
            (id, Action::CallTool, decision.version)
        );
        let downgrades = match verdict {
            Verdict::Downgrade(set) => set.clone(),
            Verdict::Allow | Verdict::Review { .. } | Verdict::Deny(_) => BTreeSet::new(),
        };
        assert_eq!(permit.downgrades(), &downgrades);
    }
}
