//! Proposal + permit + review → grant → ExecutableCall. An act is one effect with one id and one digest, which
//! review, grant, start and result all cite. The executor takes an [`ExecutableCall`] and nothing else.

use serde_json::Value;

use super::policy::{Action, Permit};
use crate::digest::{ActKey, Digest};
use crate::id::{ActId, GrantId, RunId, StepName, ToolName};
use crate::label::Label;
use crate::registry::Tool;
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// Everything that an approval is bound to: change one byte of it and the digest is another.
#[derive(Clone, Copy)]
pub struct ActFacts<'a> {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: &'a StepName,
    /// The act.
    pub act: ActId,
    /// The tool.
    pub tool: &'a ToolName,
    /// Its arguments.
    pub arguments: &'a Value,
    /// Join of their labels.
    pub label: &'a Label,
    /// Digest of the policies in force.
    pub policy: Digest,
}

/// Digest of an act: HMAC-SHA256 under the act's own key over run, step, act, tool, canonical arguments, labels
/// and policy version, each preceded by its length.
#[must_use]
pub fn act_digest(key: &ActKey, facts: &ActFacts<'_>) -> Digest {
    let arguments = canonical_json(facts.arguments);
    let label = canonical_label(facts.label);
    key.digest([
        b"interlock/act/v1".as_slice(),
        &facts.run.to_bytes(),
        facts.step.as_str().as_bytes(),
        &facts.act.to_bytes(),
        facts.tool.as_str().as_bytes(),
        arguments.as_bytes(),
        label.as_bytes(),
        &facts.policy.to_bytes(),
    ])
}

/// JSON with members in order of their names and no white space, whatever order they came in.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let parts: Vec<String> = names
                .into_iter()
                .filter_map(|name| {
                    let member = members.get(name)?;
                    Some(format!(
                        "{}:{}",
                        Value::String(name.clone()),
                        canonical_json(member)
                    ))
                })
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(canonical_json).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// A label in one spelling, for digests.
#[must_use]
pub fn canonical_label(label: &Label) -> String {
    use crate::label::Allowed;
    fn set<T: std::fmt::Display>(members: impl IntoIterator<Item = T>) -> String {
        members
            .into_iter()
            .map(|m| m.to_string())
            .collect::<Vec<_>>()
            .join(",")
    }
    let residency = match &label.residency {
        Allowed::Any => "*".to_owned(),
        Allowed::Only(regions) => set(regions),
    };
    let readers = match &label.readers {
        Allowed::Any => "*".to_owned(),
        Allowed::Only(readers) => set(readers),
    };
    [
        label.confidentiality.as_str().to_owned(),
        label.integrity.as_str().to_owned(),
        set(&label.categories),
        residency,
        readers,
        set(&label.sources),
        set(&label.subjects),
    ]
    .join(";")
}

/// Signed right to perform one action once, as the run remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Its id; burnt when the act starts.
    pub id: GrantId,
    /// The act that it is for.
    pub act: ActId,
    /// The digest that it is bound to.
    pub digest: Digest,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Which attempt of the act it is for, from 1.
    pub attempt: u16,
}

/// The right to call this tool with these arguments, now, once. Made from a permit and a grant that fits the
/// arguments' digest, just before it is used; not `Clone`, not `Deserialize`.
pub struct ExecutableCall {
    permit: Permit,
    run: RunId,
    step: StepName,
    tool: ToolName,
    arguments: Value,
    key: String,
    grant: Grant,
    timeout_millis: u32,
}

/// Why a grant does not fit a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantFault {
    /// The permit is for another action.
    #[error("use the grant: the permit is for another action")]
    Permit,
    /// The arguments, labels or policies are not those that the grant is bound to.
    #[error("use the grant: it is bound to another digest")]
    Digest,
    /// It has expired.
    #[error("use the grant: it has expired")]
    Expired,
    /// It names another act.
    #[error("use the grant: it is for another act")]
    Act,
}

impl std::fmt::Debug for ExecutableCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ExecutableCall({} of {}, arguments not shown)",
            self.tool, self.run
        )
    }
}

impl ExecutableCall {
    /// Takes a permit and a grant; the digest is made again from the very arguments that will be sent.
    ///
    /// # Errors
    /// See [`GrantFault`].
    pub(crate) fn new(
        permit: Permit,
        grant: Grant,
        key: &ActKey,
        facts: &ActFacts<'_>,
        tool: &Tool,
        now: Timestamp,
    ) -> Result<Self, GrantFault> {
        if permit.action() != Action::CallTool || permit.version() != facts.policy {
            return Err(GrantFault::Permit);
        }
        if grant.act != facts.act || tool.name != *facts.tool {
            return Err(GrantFault::Act);
        }
        if grant.digest != act_digest(key, facts) {
            return Err(GrantFault::Digest);
        }
        if grant.expires_at <= now {
            return Err(GrantFault::Expired);
        }
        Ok(Self {
            permit,
            run: facts.run,
            step: facts.step.clone(),
            tool: facts.tool.clone(),
            arguments: facts.arguments.clone(),
            key: idempotency_key(tool, facts),
            grant,
            timeout_millis: tool.timeout_millis,
        })
    }

    /// The permit that it was made from.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The run.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// The step.
    #[must_use]
    pub const fn step(&self) -> &StepName {
        &self.step
    }

    /// The tool.
    #[must_use]
    pub const fn tool(&self) -> &ToolName {
        &self.tool
    }

    /// The arguments.
    #[must_use]
    pub const fn arguments(&self) -> &Value {
        &self.arguments
    }

    /// The grant.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Milliseconds that the call may take.
    #[must_use]
    pub const fn timeout_millis(&self) -> u32 {
        self.timeout_millis
    }

    /// The idempotency key for targets that take one, the same over all attempts and nodes: the act's id, or what the
    /// tool's own configuration says is done once.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.key.clone()
    }
}

/// The act's id; or, where the tool says what is done once, a digest of that: another run that would do the same again
/// has the same key.
fn idempotency_key(tool: &Tool, facts: &ActFacts<'_>) -> String {
    if tool.once_per.is_empty() {
        return facts.act.to_string();
    }
    let parts: Vec<String> = tool
        .once_per
        .iter()
        .map(|path| {
            let values: Vec<String> = path
                .select(facts.arguments)
                .into_iter()
                .map(canonical_json)
                .collect();
            format!("{path}={}", values.join(","))
        })
        .collect();
    let parts = parts.iter().map(String::as_bytes);
    let digest = Digest::of_parts(
        [
            b"interlock/once/v1".as_slice(),
            tool.name.as_str().as_bytes(),
        ]
        .into_iter()
        .chain(parts),
    );
    format!("once_{digest}")
}

/// How a call of a tool or source ended that gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKnown {
    /// It certainly did not act (refused before it was sent, or the target said so).
    NotPerformed,
    /// It may have acted.
    Unknown,
}

impl EffectKnown {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::NotPerformed, Self::Unknown];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotPerformed => "not_performed",
            Self::Unknown => "unknown",
        }
    }

    /// The knowledge of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}
