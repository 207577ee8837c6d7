//! An attack as data: what the evidence and the model say, who votes how, which journals are forged, and what must come
//! of it. Read strictly: an attack that says something unknown tests nothing.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::installation::Failure;

/// One attack on the incident-summary example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// What is tried, and what stops it.
    pub purpose: String,
    /// Who asks; a service account where it does not say.
    pub requester: Option<Requester>,
    /// Texts of the log lines.
    pub lines: Vec<String>,
    /// What the model says in a run before, which waits for its review meanwhile.
    #[serde(default)]
    pub before: Vec<Reply>,
    /// What the model says, in order; the last again and again.
    pub replies: Vec<Reply>,
    /// Votes, in order.
    #[serde(default)]
    pub people: Vec<Vote>,
    /// What must come of it.
    pub expect: Expectation,
    /// Journals made of the run's that nobody may believe.
    #[serde(default)]
    pub forgeries: Vec<Forgery>,
}

/// A person who asks for the run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// The name.
    pub name: String,
    /// `person` or `service`.
    pub kind: String,
    /// Roles held.
    pub roles: Vec<String>,
}

/// What the model says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Reply {
    /// An answer, in the form that is asked for.
    Json(Value),
    /// Bytes as they are.
    Text(String),
}

/// Which digest a vote is bound to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Of what is under review.
    #[default]
    Shown,
    /// Of what is under review in the run before.
    OfBefore,
    /// One bit off what is under review.
    Changed,
}

/// One vote.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Who.
    pub name: String,
    /// Role held.
    pub role: String,
    /// Yes or no.
    pub approve: bool,
    /// Bound to what.
    #[serde(default)]
    pub digest: Bound,
    /// Why.
    pub reason: Option<String>,
    /// Whether it may count.
    pub counts: bool,
}

/// A decision that must appear.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What was asked for.
    pub action: String,
    /// By which step.
    pub step: String,
    /// `allow`, `downgrade`, `review` or `deny`.
    pub verdict: String,
    /// A policy that is among those that determined it.
    pub policy: String,
}

/// What must come of an attack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// `waiting`, or how the run ends.
    pub outcome: String,
    /// `review` or `inbox`.
    pub waits_for: Option<String>,
    /// Why replies are rejected, in order; other runs reject none.
    #[serde(default)]
    pub rejected: Vec<String>,
    /// Decisions, in this order among others.
    pub decisions: Vec<Expected>,
    /// Submissions that the register has. Nothing is ever mailed.
    pub submitted: usize,
}

/// A journal made of another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum Forgery {
    /// The first entry of a kind stands once more, after the first of another.
    Copied {
        /// The kind that is copied.
        copy: String,
        /// The kind that it then follows.
        after: String,
    },
    /// The first entry of a kind is gone.
    Missing {
        /// The kind.
        without: String,
    },
}

/// All attacks of a folder, by the names of their files.
///
/// # Errors
/// One cannot be read, or says something unknown.
pub fn load(folder: &Path) -> Result<Vec<(String, Attack)>, Failure> {
    let mut attacks = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path)?;
        let attack = serde_saphyr::from_str(&text)
            .map_err(|fault| format!("read attack `{name}`: {fault}"))?;
        attacks.push((name.into_owned(), attack));
    }
    attacks.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(attacks)
}
