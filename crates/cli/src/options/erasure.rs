//! What is typed to erase, hold, expire and prune. All of it takes role `dpo`; reading takes `auditor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Erases a person.
#[derive(Debug, Args)]
pub(crate) struct EraseOptions {
    /// The person: as inputs name them, or sub_…
    #[arg(long, value_name = "NAME|sub_…")]
    pub(crate) subject: String,
    /// Reference of the order; kept as a keyed digest
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) order: String,
    /// Why; sealed
    #[arg(long)]
    pub(crate) reason: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only say what would be erased
    #[arg(long, conflicts_with_all = ["yes", "certificate"])]
    pub(crate) dry_run: bool,
    /// Erase also what a retention class says must be kept for longer; the reason says why
    #[arg(long)]
    pub(crate) despite_minimum: bool,
    /// Write the certificate here: JSON, or readable text for a name that ends in .txt
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

/// Legal holds.
#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Place one: what it covers is neither erased nor expires
    #[command(
        after_help = "Examples:\n  interlock audit hold place --subject sub_01J… --reason \"case 12/26\"\n  interlock audit hold place --run run_01J… --reason \"case 12/26\"\n  interlock audit hold place --period default/2026-11 --reason \"tax audit\""
    )]
    Place {
        /// All that is about a person: as inputs name them, or sub_…
        #[arg(long, value_name = "NAME|sub_…", group = "scope", required_unless_present_any = ["run", "period"])]
        subject: Option<String>,
        /// One run
        #[arg(long, value_name = "run_…", group = "scope")]
        run: Option<String>,
        /// A retention class in one month
        #[arg(long, value_name = "CLASS/YYYY-MM", group = "scope")]
        period: Option<String>,
        /// Why; sealed
        #[arg(long)]
        reason: String,
    },
    /// Release one
    Release {
        /// hold_…
        id: String,
        /// Why; sealed
        #[arg(long)]
        reason: String,
    },
    /// Holds in force
    List,
}

/// Retention classes.
#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Classes, and every class and month of the log with how it stands
    List,
    /// Destroy the keys of what is past its maximum
    Expire {
        /// Only say what would expire
        #[arg(long)]
        dry_run: bool,
    },
}

/// Prunes the log.
#[derive(Debug, Args)]
pub(crate) struct PruneOptions {
    /// Entries written before this day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) before: String,
    /// Why; sealed
    #[arg(long)]
    pub(crate) reason: String,
    /// Only say what would be pruned
    #[arg(long)]
    pub(crate) dry_run: bool,
}
