//! Each base policy by a request that it alone decides, and the same request without what it is about.

use interlock_core::label::{Confidentiality, Integrity, Path};
use interlock_core::registry::{Endpoint, Perimeter, Source};
use interlock_core::workflow::{Audience, FinalDecision};

use super::*;

fn label(change: impl FnOnce(&mut Label)) -> &'static Label {
    let mut label = Label::literal();
    change(&mut label);
    leak(label)
}

fn output(audience: Audience, decision: Option<FinalDecision>) -> Resource<'static> {
    Resource::Output { audience, decision }
}

#[test]
fn nothing_but_the_base_permits_no_more_than_start_review_and_administration() {
    let base = load("", &json!({ "type": "object" })).unwrap();
    let start = || case(Action::StartRun, Resource::Workflow);
    let administer = || case(Action::Administer, Resource::Product("keys"));
    let review = || case(Action::Review, Resource::Workflow);
    for (case, answer) in [
        (start(), "deny no_permit by "),
        (
            start().by(PrincipalKind::Service, &["requester"]),
            "allow by id.start",
        ),
        (
            administer().by(PrincipalKind::Person, &["requester"]),
            "deny no_permit by ",
        ),
        (
            administer().by(PrincipalKind::Person, &["admin"]),
            "allow by id.administer",
        ),
        (review(), "allow by id.review"),
        (
            review().by(PrincipalKind::Service, &[]),
            "deny no_permit by ",
        ),
        (review().approved("analyst", |_| {}), "allow by id.review"),
        (
            review().approved("analyst", |facts| facts.by_requester = true),
            "deny forbidden by id.own_review",
        ),
        (call(|_| {}), "deny no_permit by "),
        (
            case(Action::Release, output(Audience::Internal, None)),
            "deny no_permit by ",
        ),
    ] {
        check(&base, &case, answer);
    }
    // The others are denied whoever asks.
    let everything = ["requester", "admin", "approver", "analyst"];
    for action in [Action::Endorse, Action::Declassify] {
        let asked = case(action, Resource::Workflow).by(PrincipalKind::Person, &everything);
        assert!(!asked.evaluate(&base).allowed, "{action:?}");
    }
}

#[test]
fn a_model_is_shown_what_its_endpoint_may_see() {
    let endpoint = |perimeter| {
        leak(Endpoint {
            name: "e".parse().unwrap(),
            perimeter,
            region: "eu".parse().unwrap(),
            agreements: ["baa".parse().unwrap()].into(),
            clearance: Confidentiality::Restricted,
            categories: Allowed::Any,
            timeout_millis: 1,
        })
    };
    let ask = |perimeter, label| {
        let endpoint = Resource::Endpoint(endpoint(perimeter));
        case(Action::CallModel, endpoint).with(|context| context.label = label)
    };
    let (inside, outside) = (Perimeter::Inside, Perimeter::External);
    let restricted = label(|l| l.confidentiality = Confidentiality::Restricted);
    let credential = label(|l| l.categories = ["credential".parse().unwrap()].into());
    let guards = open();
    for (case, answer) in [
        (ask(outside, label(|_| {})), "allow by open.model"),
        (ask(inside, restricted), "allow by open.model"),
        (
            ask(outside, restricted),
            "deny forbidden by data.restricted_outside",
        ),
        (ask(inside, credential), "deny forbidden by data.credential"),
        (
            ask(inside, restricted).with(|context| context.exceeds_clearance = true),
            "deny no_remedy_helps by data.clearance",
        ),
    ] {
        check(&guards, &case, answer);
    }
    let over = ask(inside, restricted).with(|context| context.exceeds_clearance = true);
    let redacted = |_: &BTreeSet<_>| interlock_core::pipeline::policy::Reshaped {
        label: Label::literal(),
        exceeds_clearance: false,
    };
    let id = DecisionId::from_bytes([2; 16]);
    let (decision, _) = decide(&guards, id, &over.request(), Some(&redacted));
    let redact = interlock_core::pipeline::policy::Downgrade::Redact;
    assert_eq!(decision.verdict, Verdict::Downgrade([redact].into()));
}

#[test]
fn a_source_is_asked_nothing_that_it_may_not_know_at_no_address_that_others_chose() {
    let source = |egress| {
        Resource::Source(leak(Source {
            name: "s".parse().unwrap(),
            query: "q".parse().unwrap(),
            result: "r".parse().unwrap(),
            register: false,
            egress,
            timeout_millis: 1,
        }))
    };
    let ask = |egress, label| {
        case(Action::ReadSource, source(egress)).with(|context| context.label = label)
    };
    let untrusted = label(|l| l.integrity = Integrity::Untrusted);
    let confidential = label(|l| l.confidentiality = Confidentiality::Confidential);
    let for_some = label(|l| l.readers = Allowed::only(["role.analyst".parse().unwrap()]));
    let guards = open();
    for (case, answer) in [
        (ask(true, label(|_| {})), "allow by open.read"),
        (ask(false, untrusted), "allow by open.read"),
        (ask(false, confidential), "allow by open.read"),
        (ask(true, untrusted), "deny forbidden by data.egress_read"),
        (
            ask(true, confidential),
            "deny forbidden by data.egress_query",
        ),
        (ask(true, for_some), "deny forbidden by data.egress_query"),
    ] {
        check(&guards, &case, answer);
    }
}

#[test]
fn what_leaves_a_run_is_no_credential_and_nothing_restricted_for_outsiders() {
    let release = |audience, label| {
        case(Action::Release, output(audience, None))
            .approved("approver", |_| {})
            .with(|context| context.label = label)
    };
    let restricted = label(|l| l.confidentiality = Confidentiality::Restricted);
    let credential = label(|l| l.categories = ["credential".parse().unwrap()].into());
    let guards = open();
    for (case, answer) in [
        (
            release(Audience::Internal, restricted),
            "allow by open.release",
        ),
        (
            release(Audience::External, restricted),
            "deny forbidden by data.release_restricted",
        ),
        (
            release(Audience::Internal, credential),
            "deny forbidden by data.release_credential",
        ),
    ] {
        check(&guards, &case, answer);
    }
}

#[test]
fn a_tool_gets_what_it_may_know_from_whom_it_may_come() {
    let guards = open();
    let confidential = label(|l| l.confidentiality = Confidentiality::Confidential);
    let untrusted: &[Path] = leak([Path::parse("/iban").unwrap()]);
    for (case, answer) in [
        (call(|_| {}), "allow by open.tool"),
        (
            call(|_| {}).with(|context| context.label = confidential),
            "deny forbidden by data.tool_clearance",
        ),
        (
            call(|_| {}).with(|context| context.exceeds_clearance = true),
            "deny forbidden by data.tool_clearance",
        ),
        (
            call(|_| {}).arguments(|facts| facts.audience_may_read = false),
            "deny forbidden by data.audience",
        ),
        // A person who sees the exact values endorses them; nobody else can.
        (
            call(|_| {}).arguments(|facts| facts.untrusted_sensitive = untrusted),
            "review approver:1 by act.untrusted",
        ),
        (
            call(|_| {})
                .approved("approver", |_| {})
                .arguments(|facts| facts.untrusted_sensitive = untrusted),
            "allow by open.tool",
        ),
        (
            call(|_| {})
                .approved("approver", |approval| approval.fits = false)
                .arguments(|facts| facts.untrusted_sensitive = untrusted),
            "review approver:1 by act.untrusted",
        ),
    ] {
        check(&guards, &case, answer);
    }
}

#[test]
fn an_act_that_cannot_be_undone_waits_for_people_or_for_policy_in_advance() {
    let guards = open();
    let fatal = || call(|tool| tool.effect = Effect::Irreversible);
    let external = || call(|tool| tool.external = true);
    let critical = |case: Case| case.with(|context| context.risk = RiskTier::Critical);
    let standing = |case: Case| case.with(|context| context.standing = true);
    let declares = |case: Case, role: &str| {
        case.with(|c| c.declared_approvals = [(role.parse().unwrap(), 2)].into())
    };
    let undo = || call(|tool| tool.effect = Effect::Reversible);
    for (case, answer) in [
        (undo(), "allow by open.tool"),
        (fatal(), "review approver:1 by act.irreversible"),
        (external(), "review approver:1 by act.external"),
        (critical(undo()), "review approver:1 by act.critical"),
        (critical(call(|_| {})), "allow by open.tool"),
        (standing(fatal()), "allow by open.tool"),
        (standing(external()), "allow by open.tool"),
        (
            critical(standing(fatal())),
            "review approver:1 by act.critical",
        ),
        (fatal().approved("analyst", |_| {}), "allow by open.tool"),
        (
            critical(external()).approved("analyst", |_| {}),
            "allow by open.tool",
        ),
        // Only the role that the workflow declares is asked.
        (
            declares(fatal(), "analyst"),
            "review analyst:2 by act.irreversible",
        ),
        (declares(undo(), "analyst"), "review analyst:2 by open.tool"),
    ] {
        check(&guards, &case, answer);
    }
    for spoil in [
        |facts: &mut ApprovalFacts| facts.fits = false,
        |facts: &mut ApprovalFacts| facts.expired = true,
        |facts: &mut ApprovalFacts| facts.by_requester = true,
        |facts: &mut ApprovalFacts| facts.count = 0,
    ] {
        for (case, id) in [
            (fatal(), "act.irreversible"),
            (external(), "act.external"),
            (critical(undo()), "act.critical"),
        ] {
            let answer = format!("review approver:1 by {id}");
            check(&guards, &case.approved("approver", spoil), &answer);
        }
    }
}

#[test]
fn an_output_that_decides_or_leaves_waits_for_people() {
    let guards = open();
    let release = |audience, decision| case(Action::Release, output(audience, decision));
    let standing = |case: Case| case.with(|context| context.standing = true);
    let credit = Some(FinalDecision::Credit);
    for (case, answer) in [
        (release(Audience::Internal, None), "allow by open.release"),
        (
            release(Audience::External, None),
            "review approver:1 by act.outside",
        ),
        (
            release(Audience::Regulated, None),
            "review approver:1 by act.outside",
        ),
        (
            standing(release(Audience::External, None)),
            "allow by open.release",
        ),
        (
            release(Audience::Internal, credit),
            "review approver:1 by act.decision",
        ),
        (
            standing(release(Audience::External, credit)),
            "review approver:1 by act.decision",
        ),
        (
            release(Audience::External, credit).approved("x", |_| {}),
            "allow by open.release",
        ),
        (
            release(Audience::Internal, credit).approved("x", |facts| facts.expired = true),
            "review approver:1 by act.decision",
        ),
    ] {
        check(&guards, &case, answer);
    }
}

#[test]
fn policy_says_yes_in_advance_to_harmless_acts_only() {
    let guards = open();
    let tool = Resource::Tool(leak(pay()));
    let ask = || case(Action::AuthoriseStanding, tool);
    let outside = || case(Action::AuthoriseStanding, output(Audience::External, None));
    let untrusted: &[Path] = leak([Path::parse("/iban").unwrap()]);
    for (case, answer) in [
        (ask(), "allow by open.standing"),
        (outside(), "allow by open.standing"),
        (
            ask().with(|context| context.risk = RiskTier::Critical),
            "deny forbidden by act.standing_critical",
        ),
        (
            outside().with(|context| context.risk = RiskTier::Critical),
            "deny forbidden by act.standing_critical",
        ),
        (
            ask().arguments(|facts| facts.untrusted_sensitive = untrusted),
            "deny forbidden by act.standing_untrusted",
        ),
    ] {
        check(&guards, &case, answer);
    }
}

#[test]
fn only_a_register_endorses() {
    let guards = open();
    let ask = |register, reconciled| {
        let source = leak(Source {
            name: "s".parse().unwrap(),
            query: "q".parse().unwrap(),
            result: "r".parse().unwrap(),
            register,
            egress: false,
            timeout_millis: 1,
        });
        case(Action::Endorse, Resource::Source(source)).with(|context| {
            context.arguments = Some(ArgumentFacts {
                value: leak(json!({})),
                untrusted_sensitive: &[],
                audience_may_read: true,
                reconciled,
            });
        })
    };
    let no = "deny forbidden by act.endorse";
    check(&guards, &ask(true, true), "allow by open.endorse");
    check(&guards, &ask(false, true), no);
    check(&guards, &ask(true, false), no);
    check(
        &guards,
        &ask(true, true).with(|context| context.arguments = None),
        no,
    );
    check(&guards, &case(Action::Endorse, Resource::Workflow), no);
}

#[test]
fn the_world_narrows() {
    let guards = open();
    let halted = |case: Case| case.with(|context| context.world.halted = true);
    let incident = |case: Case| case.with(|context| context.world.incident = true);
    let undo = || call(|tool| tool.effect = Effect::Reversible);
    let fatal = || call(|tool| tool.effect = Effect::Irreversible);
    let admin = case(Action::Administer, Resource::Product("keys"));
    let start = case(Action::StartRun, Resource::Workflow);
    for (case, answer) in [
        (halted(call(|_| {})), "deny forbidden by env.halted"),
        (
            halted(start.by(PrincipalKind::Person, &["requester"])),
            "deny forbidden by env.halted",
        ),
        (
            halted(case(Action::Review, Resource::Workflow)),
            "allow by id.review",
        ),
        (
            halted(admin.by(PrincipalKind::Person, &["admin"])),
            "allow by id.administer",
        ),
        (incident(call(|_| {})), "allow by open.tool"),
        (incident(undo()), "review incident_lead:1 by env.incident"),
        (
            incident(undo()).approved("analyst", |_| {}),
            "review incident_lead:1 by env.incident",
        ),
        (
            incident(fatal()).approved("incident_lead", |_| {}),
            "allow by open.tool",
        ),
        (
            incident(fatal()),
            "review incident_lead:1 by act.irreversible env.incident",
        ),
        (
            incident(fatal())
                .with(|c| c.declared_approvals = [("analyst".parse().unwrap(), 1)].into()),
            "review analyst:1 incident_lead:1 by act.irreversible env.incident",
        ),
    ] {
        check(&guards, &case, answer);
    }
}
