//! What the commands take that look through the log or send it on.

use std::path::PathBuf;

use clap::Args;

/// What is looked for. All that is given must hold.
#[derive(Debug, Args)]
pub(crate) struct SearchOptions {
    /// Who acted or asked: a name or prn_…
    #[arg(long)]
    pub(crate) person: Vec<String>,
    /// Whom data is about: a name or sub_…
    #[arg(long)]
    pub(crate) subject: Vec<String>,
    /// A workflow
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// A source or register
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// A tool
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// A prompt's name or version
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    /// A model's alias or endpoint
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// A policy that determined a decision
    #[arg(long)]
    pub(crate) policy: Vec<String>,
    /// A version of the policies
    #[arg(long)]
    pub(crate) policy_version: Option<String>,
    /// allow, downgrade, review, deny; approve, reject; approved, rejected, expired, voided
    #[arg(long)]
    pub(crate) decision: Option<String>,
    /// How a run ended: completed, degraded, denied, rejected, failed, cancelled
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// A token that `audit show RUN --marks` showed: where else the same value stands
    #[arg(long)]
    pub(crate) token: Vec<String>,
    /// An event, as policy.decided; may be given several times
    #[arg(long)]
    pub(crate) event: Vec<String>,
    /// One run
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// From this day or instant on: 2026-11-20 or 2026-11-20T09:00:00.000000Z
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Up to this day (its end) or instant
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Entries below this index: `next` of the page before
    #[arg(long)]
    pub(crate) below: Option<u64>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,
    /// Empty the index first and make it again from the log
    #[arg(long)]
    pub(crate) rebuild: bool,
}

/// Streams of the configuration, or one as it was received.
#[derive(Debug, Args)]
pub(crate) struct StreamOptions {
    /// Only this stream
    pub(crate) name: Option<String>,
    /// Check lines as a receiver has them, and send nothing: FILE
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub(crate) check: Option<PathBuf>,
}
