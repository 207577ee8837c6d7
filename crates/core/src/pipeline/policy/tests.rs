//! The ladder as a table: policies, circumstances, and the verdict with the policies named in it.

use super::*;
use script::*;

mod script;

#[test]
fn allowed_as_asked() {
    check(
        vec![permit("yes")],
        Case::default(),
        &Verdict::Allow,
        &["yes"],
    );
    let off = guard("off", |_| Some(false));
    check(
        vec![permit("yes"), off],
        Case::default(),
        &Verdict::Allow,
        &["yes"],
    );
}

#[test]
fn denied_without_a_permit_even_where_a_remedy_is_offered() {
    let no = Verdict::Deny(DenyReason::NoPermit);
    check(vec![], Case::default(), &no, &[]);
    check(
        vec![gate("ask", by("approver", 1), any_approval)],
        Case::default(),
        &no,
        &[],
    );
    let declared = Case {
        declared: &[("analyst", 1)],
        ..Case::default()
    };
    check(
        vec![gate("ask", by("approver", 1), any_approval)],
        declared,
        &no,
        &[],
    );
    let declared = Case {
        declared: &[("analyst", 1)],
        ..Case::default()
    };
    check(vec![], declared, &no, &[]);
}

#[test]
fn a_guard_is_lifted_by_nothing_and_nobody_is_asked() {
    let forbidden = Verdict::Deny(DenyReason::Forbidden);
    for declared in [&[][..], &[("analyst", 1)]] {
        let policies = vec![
            permit("yes"),
            guard("never", |_| Some(true)),
            gate("ask", by("approver", 1), any_approval),
        ];
        let case = Case {
            declared,
            ..Case::default()
        };
        check(policies, case, &forbidden, &["never"]);
    }
    // It shows only once the approval is given.
    let policies = vec![
        permit("yes"),
        gate("ask", by("approver", 1), any_approval),
        guard("then", |c| Some(good(c))),
    ];
    check(policies, Case::default(), &forbidden, &["then"]);
}

#[test]
fn an_error_denies_and_names_the_policy() {
    let error = Verdict::Deny(DenyReason::PolicyError);
    check(
        vec![permit("yes"), guard("broken", |_| None)],
        Case::default(),
        &error,
        &["broken"],
    );
    let broken = Policy {
        id: "broken",
        forbids: false,
        remedy: None,
        applies: |_| None,
    };
    check(
        vec![permit("yes"), broken],
        Case::default(),
        &error,
        &["broken"],
    );
    // It fails only on the hypothetical request.
    for declared in [&[][..], &[("analyst", 1)]] {
        let policies = vec![
            permit("yes"),
            gate("ask", by("approver", 1), any_approval),
            guard("later", |c| if good(c) { None } else { Some(false) }),
        ];
        check(
            policies,
            Case {
                declared,
                ..Case::default()
            },
            &error,
            &["later"],
        );
    }
}

#[test]
fn downgraded_where_that_is_enough() {
    let redact = || {
        gate(
            "clear",
            Remedy::Downgrade(Downgrade::Redact),
            over_clearance,
        )
    };
    let case = |reshapes| Case {
        exceeds: true,
        reshapes,
        ..Case::default()
    };
    let verdict = Verdict::Downgrade([Downgrade::Redact].into());
    check(
        vec![permit("yes"), redact()],
        case(true),
        &verdict,
        &["clear"],
    );
    let stuck = Verdict::Deny(DenyReason::NoRemedyHelps);
    check(
        vec![permit("yes"), redact()],
        case(false),
        &stuck,
        &["clear"],
    );
}

#[test]
fn remedies_are_united_in_one_review() {
    let policies = vec![
        permit("yes"),
        gate("ask", by("approver", 1), |c| {
            Some(!reached(c, "approver", 1))
        }),
        gate("clear", Remedy::Downgrade(Downgrade::Strip), over_clearance),
        gate("money", by("controller", 2), controller),
        gate("sign", Remedy::StepUp, fresh_sign_in),
    ];
    let case = Case {
        exceeds: true,
        reshapes: true,
        step_up_possible: true,
        ..Case::default()
    };
    let verdict = review(
        &[("approver", 1), ("controller", 2)],
        true,
        &[Downgrade::Strip],
    );
    check(policies, case, &verdict, &["ask", "clear", "money", "sign"]);
}

#[test]
fn step_up_is_asked_for_only_where_it_is_possible() {
    let policies = || vec![permit("yes"), gate("sign", Remedy::StepUp, fresh_sign_in)];
    let case = |step_up_possible| Case {
        step_up_possible,
        ..Case::default()
    };
    check(policies(), case(true), &review(&[], true, &[]), &["sign"]);
    check(
        policies(),
        case(false),
        &Verdict::Deny(DenyReason::NoRemedyHelps),
        &["sign"],
    );
}

#[test]
fn nobody_is_asked_for_what_would_still_be_denied() {
    let policies = vec![
        permit("yes"),
        gate("stuck", by("approver", 1), |_| Some(true)),
    ];
    check(
        policies,
        Case::default(),
        &Verdict::Deny(DenyReason::NoRemedyHelps),
        &["stuck"],
    );
}

#[test]
fn lifting_one_forbid_may_reveal_another() {
    let policies = vec![
        permit("yes"),
        gate("first", by("approver", 1), any_approval),
        gate("second", by("controller", 2), |c| {
            Some(good(c) && !reached(c, "controller", 2))
        }),
    ];
    // The controllers' approval is a good one too: nobody else is asked.
    let verdict = review(&[("controller", 2)], false, &[]);
    check(policies, Case::default(), &verdict, &["first", "second"]);
}

#[test]
fn what_the_workflow_declares_is_asked_for_first() {
    let ask = || gate("ask", by("approver", 1), any_approval);
    let money = || gate("money", by("controller", 2), controller);
    let case = || Case {
        declared: &[("analyst", 1)],
        ..Case::default()
    };
    // Whatever policy says.
    check(
        vec![permit("yes")],
        case(),
        &review(&[("analyst", 1)], false, &[]),
        &["yes"],
    );
    // Any good approval lifts it: no second role.
    check(
        vec![permit("yes"), ask()],
        case(),
        &review(&[("analyst", 1)], false, &[]),
        &["ask"],
    );
    // One asks for a role of its own: both, but not the one that is lifted already.
    let both = review(&[("analyst", 1), ("controller", 2)], false, &[]);
    check(
        vec![permit("yes"), ask(), money()],
        case(),
        &both,
        &["ask", "money"],
    );
    // It comes beside a downgrade, and beside a fresh sign-in.
    let clear = gate(
        "clear",
        Remedy::Downgrade(Downgrade::Redact),
        over_clearance,
    );
    let over = Case {
        exceeds: true,
        reshapes: true,
        ..case()
    };
    let verdict = review(&[("analyst", 1)], false, &[Downgrade::Redact]);
    check(vec![permit("yes"), clear], over, &verdict, &["clear"]);
    let sign = gate("sign", Remedy::StepUp, fresh_sign_in);
    let can = Case {
        step_up_possible: true,
        ..case()
    };
    check(
        vec![permit("yes"), sign],
        can,
        &review(&[("analyst", 1)], true, &[]),
        &["sign"],
    );
}

#[test]
fn a_declared_approval_that_was_given_is_not_asked_for_again() {
    let ask = || gate("ask", by("approver", 1), any_approval);
    let case = || Case {
        declared: &[("analyst", 1)],
        approval: Some(approved(&[("analyst", 1)])),
        ..Case::default()
    };
    check(
        vec![permit("yes"), ask()],
        case(),
        &Verdict::Allow,
        &["yes"],
    );
    let clear = gate(
        "clear",
        Remedy::Downgrade(Downgrade::Redact),
        over_clearance,
    );
    let over = Case {
        exceeds: true,
        reshapes: true,
        ..case()
    };
    let redacted = Verdict::Downgrade([Downgrade::Redact].into());
    check(
        vec![permit("yes"), ask(), clear],
        over,
        &redacted,
        &["clear"],
    );
    let sign = gate("sign", Remedy::StepUp, fresh_sign_in);
    let can = Case {
        step_up_possible: true,
        ..case()
    };
    check(
        vec![permit("yes"), ask(), sign],
        can,
        &review(&[], true, &[]),
        &["sign"],
    );
    // A new review replaces the old one, so it asks for the declared role too.
    let money = gate("money", by("controller", 2), controller);
    let both = review(&[("analyst", 1), ("controller", 2)], false, &[]);
    check(vec![permit("yes"), ask(), money], case(), &both, &["money"]);
}

#[test]
fn a_bad_approval_lifts_nothing() {
    let base = approved(&[("approver", 1)]);
    let asked = review(&[("approver", 1)], false, &[]);
    for bad in [
        ApprovalFacts {
            by_requester: true,
            ..base.clone()
        },
        ApprovalFacts {
            expired: true,
            ..base.clone()
        },
        ApprovalFacts {
            fits: false,
            ..base.clone()
        },
        ApprovalFacts { count: 0, ..base },
        ApprovalFacts::default(),
    ] {
        let policies = || vec![permit("yes"), gate("ask", by("approver", 1), any_approval)];
        let case = || Case {
            approval: Some(bad.clone()),
            ..Case::default()
        };
        check(policies(), case(), &asked, &["ask"]);
        let declared = Case {
            declared: &[("approver", 1)],
            ..case()
        };
        check(policies(), declared, &asked, &["ask"]);
    }
    // Nor does a good one of fewer people than were asked for.
    let case = Case {
        approval: Some(approved(&[("controller", 1)])),
        ..Case::default()
    };
    let money = gate("money", by("controller", 2), controller);
    check(
        vec![permit("yes"), money],
        case,
        &review(&[("controller", 2)], false, &[]),
        &["money"],
    );
}
