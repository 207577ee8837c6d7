//! What it takes to verify a log and to export from it.

use std::path::PathBuf;

use clap::Args;

/// What is verified, and what it is held to.
#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// Nothing: this installation's log; run_…: one run of it; a folder of tiles or of an export, an export's tar, or an
    /// address that serves a log's files
    pub(crate) target: Option<String>,
    /// A key that you trust to sign the log; may be given again for a log whose key changed [default for this
    /// installation's log: its own keys]
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Vec<String>,
    /// Which log it has to be
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// The newest checkpoint that you kept from an earlier look
    #[arg(long, value_name = "FILE")]
    pub(crate) kept: Option<PathBuf>,
    /// Whose cosignatures count
    #[arg(long, value_name = "FILE")]
    pub(crate) witness_policy: Option<PathBuf>,
    /// What an export has to be, whatever it says itself: log, range, run=run_… or subject
    #[arg(long, value_name = "PART")]
    pub(crate) expect: Option<String>,
    /// Do not look for sealed payloads
    #[arg(long)]
    pub(crate) no_payloads: bool,
    /// An API key that may read the log at an address: FILE, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key: Option<PathBuf>,
    /// Further certificate authorities, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// What leaves, as what, why.
#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// One tar with manifest, receipts or tiles, and what entries cite; or the bare files of C2SP tlog-tiles
    #[arg(long, value_parser = ["bundle", "tiles"], default_value = "bundle")]
    pub(crate) format: String,
    /// A new file (bundle; a folder if it ends in /) or a new folder (tiles)
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// One run and what administration says around it
    #[arg(long, conflicts_with_all = ["subject", "from", "since"])]
    pub(crate) run: Option<String>,
    /// Every run that holds something about a person: a name or sub_…
    #[arg(long, conflicts_with_all = ["from", "since"])]
    pub(crate) subject: Option<String>,
    /// From this index on
    #[arg(long, requires = "to", conflicts_with = "since")]
    pub(crate) from: Option<u64>,
    /// Up to before this index
    #[arg(long, requires = "from")]
    pub(crate) to: Option<u64>,
    /// Entries written from this day or instant on, without a gap
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Entries written up to this day (its end) or instant
    #[arg(long, requires = "since")]
    pub(crate) until: Option<String>,
    /// Leave the ciphertexts of payloads out
    #[arg(long)]
    pub(crate) no_payloads: bool,
    /// Open this payload for the receiver, with the key of its commitment; on record as a reading
    #[arg(long, value_name = "pay_…")]
    pub(crate) disclose: Vec<String>,
    /// Why it leaves; sealed, on record
    #[arg(long)]
    pub(crate) reason: String,
}
