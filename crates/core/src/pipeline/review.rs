//! Votes → ApprovalFacts. Who may vote, when the thresholds are met, and what an approval is worth to policy: one
//! that is expired, made by the requester, or of another digest is worth nothing.

use std::collections::BTreeSet;

use super::identity::{Principal, PrincipalKind};
use super::policy::ApprovalFacts;
use crate::digest::Digest;
use crate::id::{PrincipalId, RoleName};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// Why a vote does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteFault {
    /// The requester may not approve their own request.
    OwnRequest,
    /// One person, one vote.
    VotedAlready,
    /// None of the roles asked for.
    RoleMissing,
    /// Only people approve.
    NotAPerson,
}

/// The roles asked for that the voter holds.
///
/// # Errors
/// The voter is the requester or whom the requester acts for, votes twice, is no person, or holds none.
pub fn admit_voter(
    voter: &Principal,
    requester: (PrincipalId, Option<PrincipalId>),
    voted: &[(PrincipalId, BTreeSet<RoleName>)],
    thresholds: &BTreeSet<(RoleName, u8)>,
) -> Result<BTreeSet<RoleName>, VoteFault> {
    // Whoever asked, whoever they asked for, and whoever acts for either of the two.
    let is_asker = |id: PrincipalId| id == requester.0 || Some(id) == requester.1;
    if is_asker(voter.id()) || voter.act_for().is_some_and(is_asker) {
        return Err(VoteFault::OwnRequest);
    }
    if voter.kind() != PrincipalKind::Person {
        return Err(VoteFault::NotAPerson);
    }
    if voted.iter().any(|(id, _)| *id == voter.id()) {
        return Err(VoteFault::VotedAlready);
    }
    let roles: BTreeSet<RoleName> = thresholds
        .iter()
        .map(|(role, _)| role)
        .filter(|role| voter.roles().contains(*role))
        .cloned()
        .collect();
    if roles.is_empty() {
        Err(VoteFault::RoleMissing)
    } else {
        Ok(roles)
    }
}

/// What the approvals so far are worth.
#[must_use]
pub fn approval_facts(
    approvals: &[(PrincipalId, BTreeSet<RoleName>)],
    thresholds: &BTreeSet<(RoleName, u8)>,
    requester: (PrincipalId, Option<PrincipalId>),
    approved: Digest,
    current: Digest,
    expires_at: Timestamp,
    now: Timestamp,
) -> ApprovalFacts {
    let holders = |role: &RoleName| {
        approvals
            .iter()
            .filter(|(_, roles)| roles.contains(role))
            .count()
    };
    ApprovalFacts {
        count: u8::try_from(approvals.len()).unwrap_or(u8::MAX),
        reached: thresholds
            .iter()
            .filter(|(role, count)| holders(role) >= usize::from(*count))
            .cloned()
            .collect(),
        by_requester: approvals
            .iter()
            .any(|(id, _)| *id == requester.0 || Some(*id) == requester.1),
        fits: approved == current,
        expired: now >= expires_at,
    }
}
