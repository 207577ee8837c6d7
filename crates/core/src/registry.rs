//! What may be reached, as decisions see it: tools, sources and model endpoints with what the operator and the
//! bundle declare of them. How each is reached (address, command, credential) is the runtime's concern.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{
    Category, EndpointName, ModelAlias, Reader, Region, SchemaName, SourceName, ToolName,
};
use crate::label::{Allowed, Confidentiality, Label, Path};

/// What a tool does to the world, in rising order of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing changes.
    Read,
    /// A declared rollback tool undoes it.
    Reversible,
    /// It cannot be undone; the default of anything undeclared.
    Irreversible,
}

impl Effect {
    /// The name in configuration, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Reversible => "reversible",
            Self::Irreversible => "irreversible",
        }
    }
}

/// What may be done when an effect was started and its end is not known (DESIGN section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Running it again does no harm.
    Rerun,
    /// The target takes an idempotency key: the same key again applies it once.
    Keyed,
    /// The target can be asked by our key; until then it is in doubt.
    Query,
    /// Nobody can tell: a person decides. The default.
    Never,
}

impl Recovery {
    /// The name in configuration and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::Keyed => "keyed",
            Self::Query => "query",
            Self::Never => "never",
        }
    }
}

/// A tool: something that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// verb_object_scope.
    pub name: ToolName,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether people outside the organisation can see that it acted.
    pub external: bool,
    /// Who sees what is sent to it; arguments must be readable by all of them.
    pub audience: Allowed<Reader>,
    /// The most confidential argument that it may be given.
    pub clearance: Confidentiality,
    /// What may be done when its end is not known.
    pub recovery: Recovery,
    /// Shape of its arguments.
    pub arguments: SchemaName,
    /// Shape and labels of its result.
    pub result: SchemaName,
    /// Arguments that choose what is acted on (destination, object, amount, secret): trusted or endorsed only.
    pub sensitive: Vec<Path>,
    /// Arguments of which each combination is acted on once, in however many runs: they make the idempotency key of a
    /// keyed tool. Empty: each act is one of its own.
    pub once_per: Vec<Path>,
    /// Undoes it.
    pub rollback: Option<ToolName>,
    /// Milliseconds that one call may take.
    pub timeout_millis: u32,
}

/// A source: something that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// Shape of a query.
    pub query: SchemaName,
    /// Shape and labels of an answer.
    pub result: SchemaName,
    /// Whether its records are the organisation's own truth: a value that equals one may be endorsed.
    pub register: bool,
    /// Whether the host or address read is chosen by the query: then a read is an egress.
    pub egress: bool,
    /// Milliseconds that one read may take.
    pub timeout_millis: u32,
}

/// Where an endpoint runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Perimeter {
    /// On the operator's own machines.
    Inside,
    /// At a vendor.
    External,
}

impl Perimeter {
    /// The name in configuration, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::External => "external",
        }
    }
}

/// A model endpoint, as the operator declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: EndpointName,
    /// Inside, or at a vendor.
    pub perimeter: Perimeter,
    /// The region that it processes in.
    pub region: Region,
    /// Agreements in force with its operator, for example `baa`, `zero_retention`.
    pub agreements: BTreeSet<Category>,
    /// The most confidential value that it may be shown.
    pub clearance: Confidentiality,
    /// The categories that it may be shown.
    pub categories: Allowed<Category>,
    /// Milliseconds that one call may take.
    pub timeout_millis: u32,
}

impl Endpoint {
    /// Whether a value of this label exceeds what the endpoint may be shown: confidentiality, category or
    /// residency. Policy refuses on it; the downgrades remove it.
    #[must_use]
    pub fn exceeded_by(&self, label: &Label) -> bool {
        label.confidentiality > self.clearance
            || !label.residency.contains(&self.region)
            || label
                .categories
                .iter()
                .any(|category| !self.categories.contains(category))
    }
}

/// Everything that a run of this bundle may reach.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Tools by name.
    pub tools: BTreeMap<ToolName, Tool>,
    /// Sources by name.
    pub sources: BTreeMap<SourceName, Source>,
    /// Endpoints by name.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    /// Which endpoint an alias stands for.
    pub aliases: BTreeMap<ModelAlias, EndpointName>,
}

impl Registry {
    /// The endpoint that an alias stands for.
    #[must_use]
    pub fn endpoint(&self, alias: &ModelAlias) -> Option<&Endpoint> {
        self.endpoints.get(self.aliases.get(alias)?)
    }
}
