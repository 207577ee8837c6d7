//! Who may vote, and what votes are worth.

use super::*;
use crate::id::{EnvironmentName, TenantName};
use crate::pipeline::identity::{Claims, Method};

fn id(n: u8) -> PrincipalId {
    PrincipalId::from_bytes([n; 16])
}

fn roles(list: &[&str]) -> BTreeSet<RoleName> {
    list.iter().map(|role| role.parse().unwrap()).collect()
}

fn asked(list: &[(&str, u8)]) -> BTreeSet<(RoleName, u8)> {
    list.iter()
        .map(|(role, count)| (role.parse().unwrap(), *count))
        .collect()
}

fn voter(n: u8, kind: PrincipalKind, held: &[&str], act_for: Option<u8>) -> Principal {
    let tenant: TenantName = "default".parse().unwrap();
    let environment: EnvironmentName = "test".parse().unwrap();
    let claims = Claims {
        id: id(n),
        kind,
        method: Method::ApiKey,
        tenant: tenant.clone(),
        environment: environment.clone(),
        roles: roles(held),
        act_for: act_for.map(id),
        suspended: false,
        expires_at: None,
    };
    Principal::admit(claims, &tenant, &environment, Timestamp::from_micros(1)).unwrap()
}

#[test]
fn a_voter_is_another_person_who_holds_a_role_and_has_not_voted() {
    use PrincipalKind::{Person, Service};
    let requester = (id(1), Some(id(2)));
    let voted = [(id(7), roles(&["approver"]))];
    for (voter, expected) in [
        (
            voter(5, Person, &["approver", "analyst"], None),
            Ok(roles(&["approver"])),
        ),
        (
            voter(5, Person, &["approver"], Some(6)),
            Ok(roles(&["approver"])),
        ),
        (
            voter(1, Person, &["approver"], None),
            Err(VoteFault::OwnRequest),
        ),
        (
            voter(2, Person, &["approver"], None),
            Err(VoteFault::OwnRequest),
        ),
        (
            voter(5, Person, &["approver"], Some(1)),
            Err(VoteFault::OwnRequest),
        ),
        (
            voter(5, Person, &["approver"], Some(2)),
            Err(VoteFault::OwnRequest),
        ),
        (
            voter(5, Service, &["approver"], None),
            Err(VoteFault::NotAPerson),
        ),
        (
            voter(7, Person, &["approver"], None),
            Err(VoteFault::VotedAlready),
        ),
        (
            voter(5, Person, &["analyst"], None),
            Err(VoteFault::RoleMissing),
        ),
        (voter(5, Person, &[], None), Err(VoteFault::RoleMissing)),
    ] {
        let found = admit_voter(&voter, requester, &voted, &asked(&[("approver", 1)]));
        assert_eq!(found, expected, "{voter:?}");
    }
}

#[test]
fn an_approval_is_worth_what_it_reaches_while_it_fits_and_lasts() {
    let (now, later) = (Timestamp::from_micros(5), Timestamp::from_micros(6));
    let (digest, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    let wanted = asked(&[("approver", 2), ("controller", 1)]);
    let check = |approvals: &[(PrincipalId, BTreeSet<RoleName>)], current, ends, good, meets| {
        let facts = approval_facts(
            approvals,
            &wanted,
            (id(1), None),
            digest,
            current,
            ends,
            now,
        );
        assert_eq!((facts.is_good(), facts.meets(&wanted)), (good, meets));
    };
    let both = [
        (id(2), roles(&["approver"])),
        (id(3), roles(&["approver", "controller"])),
    ];
    check(&both, digest, later, true, true);
    check(&both[..1], digest, later, true, false);
    check(&[], digest, later, false, false);
    check(&both, other, later, false, false);
    check(&both, digest, now, false, false);
    let own = [
        both[0].clone(),
        both[1].clone(),
        (id(1), roles(&["approver"])),
    ];
    check(&own, digest, later, false, false);
}
