//! Claims → Principal. Who acts, and for whom. How a claim was verified (API key, operating system's user,
//! token) is the runtime's twin of this room; here a verified claim is held against what is known of it.

use std::collections::BTreeSet;

use crate::id::{EnvironmentName, PrincipalId, RoleName, TenantName};
use crate::time::Timestamp;

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// A human being.
    Person,
    /// A service account.
    Service,
}

impl PrincipalKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Person, Self::Service];

    /// The name in policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// How the claim was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The operating system's user, on the machine itself.
    LocalUser,
    /// An API key.
    ApiKey,
    /// The loudly marked reviewer of the demo.
    Demo,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LocalUser, Self::ApiKey, Self::Demo];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LocalUser => "local_user",
            Self::ApiKey => "api_key",
            Self::Demo => "demo",
        }
    }

    /// The method of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// What a verifier found out about a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub id: PrincipalId,
    /// Of what kind.
    pub kind: PrincipalKind,
    /// How verified.
    pub method: Method,
    /// The tenant that the credential belongs to.
    pub tenant: TenantName,
    /// The environment that the credential was issued for.
    pub environment: EnvironmentName,
    /// Roles held.
    pub roles: BTreeSet<RoleName>,
    /// On whose behalf (RFC 8693 `sub` beside `act`).
    pub act_for: Option<PrincipalId>,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// When the credential ends.
    pub expires_at: Option<Timestamp>,
}

/// Why a claim makes no principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityDenial {
    /// Of another tenant.
    #[error("admit the caller: the credential belongs to another tenant")]
    Tenant,
    /// Of another environment.
    #[error("admit the caller: the credential is of another environment")]
    Environment,
    /// Suspended.
    #[error("admit the caller: the account is suspended")]
    Suspended,
    /// Expired.
    #[error("admit the caller: the credential has expired")]
    Expired,
    /// More roles than [`crate::limits::ROLES_MAX`].
    #[error("admit the caller: the account holds more roles than allowed")]
    Roles,
}

/// Who acts: a verified claim of this tenant and environment, not suspended, not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    claims: Claims,
}

impl Principal {
    /// Admits a verified claim.
    ///
    /// # Errors
    /// The credential is of another tenant or environment, suspended, or expired.
    pub fn admit(
        claims: Claims,
        tenant: &TenantName,
        environment: &EnvironmentName,
        now: Timestamp,
    ) -> Result<Self, IdentityDenial> {
        if claims.tenant != *tenant {
            return Err(IdentityDenial::Tenant);
        }
        if claims.environment != *environment {
            return Err(IdentityDenial::Environment);
        }
        if claims.suspended {
            return Err(IdentityDenial::Suspended);
        }
        if claims.expires_at.is_some_and(|end| end <= now) {
            return Err(IdentityDenial::Expired);
        }
        if claims.roles.len() > crate::limits::ROLES_MAX {
            return Err(IdentityDenial::Roles);
        }
        Ok(Self { claims })
    }

    /// Who.
    #[must_use]
    pub const fn id(&self) -> PrincipalId {
        self.claims.id
    }

    /// Of what kind.
    #[must_use]
    pub const fn kind(&self) -> PrincipalKind {
        self.claims.kind
    }

    /// How verified.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.claims.method
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantName {
        &self.claims.tenant
    }

    /// Roles held.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<RoleName> {
        &self.claims.roles
    }

    /// On whose behalf.
    #[must_use]
    pub const fn act_for(&self) -> Option<PrincipalId> {
        self.claims.act_for
    }

    /// The facts that policies see and a run remembers.
    #[must_use]
    pub fn facts(&self) -> PrincipalFacts {
        PrincipalFacts {
            id: self.claims.id,
            kind: self.claims.kind,
            roles: self.claims.roles.clone(),
            act_for: self.claims.act_for,
        }
    }
}

/// A principal as policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// Who.
    pub id: PrincipalId,
    /// Of what kind.
    pub kind: PrincipalKind,
    /// Roles held when the run was requested.
    pub roles: BTreeSet<RoleName>,
    /// On whose behalf.
    pub act_for: Option<PrincipalId>,
}
