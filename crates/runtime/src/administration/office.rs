//! Who may do what changes an installation: a table of roles for each act, asked by the engine itself, so that no road
//! to it forgets to. People alone hold an office. Erasure, holds and reading have tables of their own beside them.

use std::collections::BTreeSet;

use interlock_core::id::{PrincipalId, RoleName};
use interlock_core::pipeline::identity::{Principal, PrincipalKind};

use crate::engine::{Engine, Fault};

/// What takes an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Office {
    /// Setting kill switch and incident mode.
    World,
    /// Turning the epoch of keys, and the key file's passphrase.
    Keys,
    /// Making and ending API keys.
    ApiKeys,
    /// Keeping and removing secrets.
    Secrets,
    /// Making a version of a bundle current.
    Bundles,
}

/// Somebody acts without the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: it takes {}", .0.act(), roles(*.0))]
pub struct OfficeMissing(pub Office);

impl Office {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::World,
        Self::Keys,
        Self::ApiKeys,
        Self::Secrets,
        Self::Bundles,
    ];

    /// The roles of which any one will do.
    #[must_use]
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::World => &["admin", "incident_lead", "operator"],
            Self::Keys => &["admin", "security"],
            Self::ApiKeys | Self::Secrets => &["admin"],
            Self::Bundles => &["admin", "author", "operator"],
        }
    }

    const fn act(self) -> &'static str {
        match self {
            Self::World => "set the state of the world",
            Self::Keys => "turn the keys",
            Self::ApiKeys => "make or end an API key",
            Self::Secrets => "keep or remove a secret",
            Self::Bundles => "deploy a bundle",
        }
    }

    /// Goes on only with a kind of principal and roles that hold it.
    ///
    /// # Errors
    /// They do not.
    pub fn held(
        self,
        kind: PrincipalKind,
        roles: &BTreeSet<RoleName>,
    ) -> Result<(), OfficeMissing> {
        let role = roles
            .iter()
            .any(|role| self.roles().contains(&role.as_str()));
        let held = kind == PrincipalKind::Person && role;
        held.then_some(()).ok_or(OfficeMissing(self))
    }
}

impl Engine {
    /// Whose act goes on record, once the table was asked. `None` is the system itself: its rounds and its harness,
    /// never a caller.
    pub(crate) fn in_office(
        &self,
        office: Office,
        by: Option<&Principal>,
    ) -> Result<Option<PrincipalId>, Fault> {
        let Some(by) = by else {
            return Ok(None);
        };
        office.held(by.kind(), by.roles())?;
        Ok(Some(by.id()))
    }
}

fn roles(office: Office) -> String {
    let names: Vec<String> = office
        .roles()
        .iter()
        .map(|role| format!("`{role}`"))
        .collect();
    let word = if names.len() == 1 { "role" } else { "roles" };
    format!("the {word} {}", names.join(" or "))
}
