//! Who may see what a run, a review or an inbox item holds. One function, which denies whatever it does not name. It
//! stands until the access table of identities decides by policy; votes, settlements and starts are policy's already.

use std::collections::BTreeSet;

use interlock_core::id::{PrincipalId, RoleName, RunId};
use interlock_core::pipeline::identity::Principal;
use interlock_core::run::{Phase, State};
use interlock_runtime::Engine;

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::state::Server;

/// Roles that see everything of their tenant and environment.
const OVERSEERS: [&str; 3] = ["admin", "auditor", "operator"];

/// What is to be seen.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    /// Who asked for the run.
    pub(crate) requester: Option<PrincipalId>,
    /// The roles that its open review asks for.
    pub(crate) asked: BTreeSet<RoleName>,
}

impl Subject {
    /// Of a run as it is.
    pub(crate) fn of(state: &State) -> Self {
        let asked = match &state.phase {
            Phase::Reviewing { review, .. } => review
                .thresholds
                .iter()
                .map(|(role, _)| role.clone())
                .collect(),
            _ => BTreeSet::new(),
        };
        Self {
            requester: Engine::requester(state),
            asked,
        }
    }
}

/// Whether a principal sees everything.
pub(crate) fn oversees(principal: &Principal) -> bool {
    principal
        .roles()
        .iter()
        .any(|role| OVERSEERS.contains(&role.as_str()))
}

/// Whether a principal may see this: its requester, whoever holds a role that its open review asks for, overseers.
pub(crate) fn may_see(principal: &Principal, subject: &Subject) -> bool {
    subject.requester == Some(principal.id())
        || !subject.asked.is_disjoint(principal.roles())
        || oversees(principal)
}

/// Whether a principal may be shown content that a run holds (evidence, prompts, replies, arguments): whoever is asked to
/// decide on it, and overseers. To have asked for the run is not enough: its labels may name other readers.
pub(crate) fn may_open(principal: &Principal, subject: &Subject) -> bool {
    !subject.asked.is_disjoint(principal.roles()) || oversees(principal)
}

/// Goes on only with a run whose content the caller may be shown; who may see the run but not open it is told so.
pub(crate) async fn opened(server: &Server, caller: &Caller, run: RunId) -> Result<State, Problem> {
    let state = seen(server, caller, run).await?;
    if may_open(caller.principal(), &Subject::of(&state)) {
        Ok(state)
    } else {
        Err(Problem::new(Code::Denied))
    }
}

/// Goes on only with a run that the caller may see; any other is as if it were not there.
pub(crate) async fn seen(server: &Server, caller: &Caller, run: RunId) -> Result<State, Problem> {
    let state = server.engine.state(run).await?;
    if may_see(caller.principal(), &Subject::of(&state)) {
        Ok(state)
    } else {
        Err(Problem::new(Code::NotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_core::id::{EnvironmentName, TenantName};
    use interlock_core::pipeline::identity::{Claims, Method, PrincipalKind};
    use interlock_core::time::Timestamp;

    #[test]
    fn what_is_not_named_is_denied() {
        check(1, &[], &Subject::default(), false);
        check(1, &[], &subject(2, &[]), false);
        check(1, &["analyst"], &subject(2, &["lead"]), false);
        check(
            1,
            &["administrator", "operators", "requester"],
            &subject(2, &[]),
            false,
        );
    }

    #[test]
    fn requester_asked_roles_and_overseers_see() {
        check(1, &[], &subject(1, &[]), true);
        check(1, &["analyst"], &subject(2, &["analyst", "lead"]), true);
        for role in OVERSEERS {
            check(1, &[role], &subject(2, &[]), true);
        }
    }

    #[test]
    fn to_have_asked_opens_nothing() {
        let mine = subject(1, &["analyst"]);
        for (roles, opens) in [
            (&[][..], false),
            (&["requester"], false),
            (&["analyst"], true),
            (&["auditor"], true),
        ] {
            assert_eq!(may_open(&principal(1, roles), &mine), opens, "{roles:?}");
        }
    }

    fn subject(requester: u8, asked: &[&str]) -> Subject {
        Subject {
            requester: Some(PrincipalId::from_bytes([requester; 16])),
            asked: roles(asked),
        }
    }

    fn roles(names: &[&str]) -> BTreeSet<RoleName> {
        names
            .iter()
            .map(|name| RoleName::parse(name).unwrap())
            .collect()
    }

    fn principal(who: u8, held: &[&str]) -> Principal {
        let (tenant, environment) = (
            TenantName::parse("default").unwrap(),
            EnvironmentName::parse("test").unwrap(),
        );
        let claims = Claims {
            id: PrincipalId::from_bytes([who; 16]),
            kind: PrincipalKind::Person,
            method: Method::ApiKey,
            tenant: tenant.clone(),
            environment: environment.clone(),
            roles: roles(held),
            act_for: None,
            suspended: false,
            expires_at: None,
        };
        Principal::admit(claims, &tenant, &environment, Timestamp::from_micros(1)).unwrap()
    }

    fn check(who: u8, held: &[&str], subject: &Subject, expected: bool) {
        let seen = may_see(&principal(who, held), subject);
        assert_eq!(seen, expected, "{held:?} {subject:?}");
    }
}
