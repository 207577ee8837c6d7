//! What was typed: every command with its options and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::{Exit, Failure};
use crate::print;

mod erasure;
mod search;
mod verify;

pub(crate) use erasure::{EraseOptions, HoldCommand, PruneOptions, RetentionCommand};
pub(crate) use search::{SearchOptions, StreamOptions};
pub(crate) use verify::{ExportOptions, VerifyOptions};

/// Let a model propose, and nothing act, until policy and people have said yes.
#[derive(Debug, Parser)]
#[command(
    name = "interlock",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed (verify: tampered), 2 wrong use (verify: cannot tell),\n            3 waits for people, 4 denied.\n\nTry:  interlock demo"
)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Answers what could not be parsed: help and version, or wrong use in the one form of a failure.
pub(crate) fn untyped(fault: &clap::Error) -> Exit {
    use clap::error::ErrorKind;
    if !fault.use_stderr() || fault.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = fault.print();
        return if fault.use_stderr() {
            Exit::Usage
        } else {
            Exit::Done
        };
    }
    let text = fault.render().to_string();
    let mut parts = text.split("\n\n").map(|part| {
        let lines: Vec<&str> = part.lines().map(str::trim).collect();
        lines.join(" ")
    });
    let first = parts.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(&first);
    // A suggestion where there is one, else the form of the command; the last part only points to --help.
    let hint = parts.find_map(|part| {
        let (kind, text) = part.split_once(": ")?;
        match kind {
            "tip" => Some(text.to_owned()),
            "Usage" => Some(format!("{text} (--help says more)")),
            _ => None,
        }
    });
    let hint = hint.unwrap_or_else(|| "interlock --help".to_owned());
    let json = std::env::args_os().any(|argument| argument == "--json");
    print::failure(&Failure::usage(message, hint), json);
    Exit::Usage
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Directory of configuration, keys and store [default: ~/.local/share/interlock]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What the command opened, and is published at its end.
    #[arg(skip)]
    pub(crate) log: crate::log::LogSlot,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole road with three runs of an example, in a fresh directory
    #[command(
        after_help = "Examples:\n  interlock demo\n  interlock demo --yes\n  interlock key set anthropic && interlock demo --live"
    )]
    Demo {
        /// Let a marked demo reviewer approve instead of asking at the terminal
        #[arg(long)]
        yes: bool,
        /// Ask the real model behind endpoint `claude` (interlock key set anthropic)
        #[arg(long)]
        live: bool,
    },
    /// Write a configuration, a key and an empty store
    #[command(after_help = "Example:\n  interlock init --environment dev")]
    Init {
        /// The environment that this store is, for good
        #[arg(long, default_value = "dev")]
        environment: String,
    },
    /// Start a run and drive it until it waits or ends
    #[command(
        after_help = "Examples:\n  interlock run examples/incident-summary --input '{\"case_id\": \"CASE-1042\"}'\n  interlock run incident-summary --input @case.json --api-key intake.key"
    )]
    Run {
        /// A bundle's folder (deployed first), or the name of a deployed bundle
        bundle: String,
        /// The input: JSON, or @FILE
        #[arg(long)]
        input: String,
        /// The workflow, where it is not the bundle's default
        #[arg(long)]
        workflow: Option<String>,
        /// Ask as the service account of this API key: FILE, or - for standard input
        #[arg(long, value_name = "FILE")]
        api_key: Option<PathBuf>,
        /// Idempotency key: the same key and request start one run
        #[arg(long)]
        key: Option<String>,
    },
    /// Load a bundle and say what is in it, or what is wrong with it
    #[command(after_help = "Example:\n  interlock check examples/incident-summary")]
    Check {
        /// The bundle's folder
        bundle: PathBuf,
    },
    /// Run a bundle's test cases
    #[command(
        after_help = "Examples:\n  interlock test examples/incident-summary\n  interlock test examples/invoice-approval --case clean"
    )]
    Test {
        /// The bundle's folder
        bundle: PathBuf,
        /// Only this case
        #[arg(long)]
        case: Option<String>,
    },
    /// Reviews that wait for a verdict
    #[command(subcommand)]
    Review(ReviewCommand),
    /// What waits for a person to finish it by hand
    #[command(subcommand)]
    Inbox(InboxCommand),
    /// Runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// The log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Secrets and API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Deployed bundles
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Serve the HTTP API
    #[command(after_help = "Example:\n  interlock serve --bundle examples/incident-summary")]
    Serve {
        /// Address to listen on [default: the configuration's]
        #[arg(long)]
        listen: Option<std::net::SocketAddr>,
        /// Deploy this bundle's folder first; may be given several times
        #[arg(long)]
        bundle: Vec<PathBuf>,
        /// TLS ends in front of this server: only then may it listen beyond loopback
        #[arg(long)]
        behind_tls: bool,
    },
    /// Kill switch and incident mode, effective on the next decision
    #[command(subcommand)]
    World(WorldCommand),
    /// Hold the installation against a checklist
    Doctor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// List open reviews
    List,
    /// Show one: action, arguments, evidence, labels, policies
    Show {
        /// rev_…
        id: String,
    },
    /// Say yes
    #[command(
        after_help = "Example:\n  interlock review approve rev_01J… --reason \"quotes checked\""
    )]
    Approve {
        /// rev_…
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// The digest that was shown; else it is shown now and asked for
        #[arg(long)]
        digest: Option<String>,
    },
    /// Say no
    Reject {
        /// rev_…
        id: String,
        /// Why not
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InboxCommand {
    /// List open items
    List,
    /// Show one with everything needed to finish it
    Show {
        /// inb_…
        id: String,
    },
    /// Write the step's output by hand; it is checked like a model's
    Complete {
        /// inb_…
        id: String,
        /// The output: JSON, or @FILE
        #[arg(long)]
        value: String,
    },
    /// Try the step again
    Retry {
        /// inb_…
        id: String,
    },
    /// End the run
    Cancel {
        /// inb_…
        id: String,
    },
    /// The act in doubt happened
    Happened {
        /// inb_…
        id: String,
        /// What the tool's own record says: JSON, or @FILE
        #[arg(long)]
        result: String,
    },
    /// The act in doubt did not happen
    DidNotHappen {
        /// inb_…
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List {
        /// Only active, waiting or ended ones
        #[arg(long, value_parser = ["active", "waiting", "ended"])]
        status: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one run and its output
    Show {
        /// run_…
        id: String,
    },
    /// End a run
    Cancel {
        /// run_…
        id: String,
    },
    /// Drive all runs that need it, as a server would
    Drive,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// A run's chain of custody
    #[command(
        after_help = "Examples:\n  interlock audit show run_01J…\n  interlock audit show run_01J… --marks"
    )]
    Show {
        /// run_…
        id: String,
        /// Where secret and personal values stand in its payloads, and where else the same ones do; never what they are
        #[arg(long)]
        marks: bool,
    },
    /// Open one payload, for a reason that is put on record first
    #[command(
        after_help = "Example:\n  interlock audit reveal pay_01J… --reason \"case 4711: complaint about a wrong refund\""
    )]
    Reveal {
        /// pay_…
        payload: String,
        /// Why it must be read
        #[arg(long)]
        reason: String,
    },
    /// Verify this installation's log, one run of it, a folder, an export or an address
    #[command(
        after_help = "Examples:\n  interlock audit verify\n  interlock audit verify run_01J…\n  interlock audit verify export.tar --key \"$VKEY\" --kept last-month.checkpoint\n  interlock audit verify https://interlock.example.org/api/v1/log --key \"$VKEY\" --api-key auditor.key\n\nExit codes: 0 verified, 1 tampered, 2 cannot tell."
    )]
    Verify(VerifyOptions),
    /// Take entries away as files that verify without us
    #[command(
        after_help = "Examples:\n  interlock audit export --out november.tar --since 2026-11-01 --until 2026-11-30 --reason \"SOC 2 evidence\"\n  interlock audit export --out run.tar --run run_01J… --reason \"case 4711\"\n  interlock audit export --format tiles --out ./tiles --reason \"mirror for the witness\""
    )]
    Export(ExportOptions),
    /// Find entries by person, workflow, source, tool, prompt, model, policy, decision and time
    #[command(
        after_help = "Examples:\n  interlock audit search --tool pay_invoice --decision deny\n  interlock audit search --person ada --from 2026-11-01 --event review.voted\n  interlock audit search --workflow approve_invoice --outcome failed --json"
    )]
    Search(Box<SearchOptions>),
    /// The receipt of one entry: a proof that it is in the log, for whoever trusts the log's key
    #[command(after_help = "Example:\n  interlock audit receipt 1042 > 1042.tlog-proof")]
    Receipt {
        /// Its index in the log, as `audit search` shows it
        index: u64,
    },
    /// Send the published log on to the configured streams now, or check lines as a receiver has them
    #[command(
        after_help = "Examples:\n  interlock audit stream\n  interlock audit stream siem\n  interlock audit stream --check received.jsonl"
    )]
    Stream(StreamOptions),
    /// Refused inputs, by source and address
    Rejections,
    /// Erase a person: destroy the key of all that is about them, prove it, and certify it
    #[command(
        after_help = "Examples:\n  interlock audit erase --subject \"Ada Lovelace\" --order DSAR-2026-42 --reason \"request of 3 May\" --dry-run\n  interlock audit erase --subject sub_01J… --order DSAR-2026-42 --reason \"request of 3 May\" --yes --certificate ada.json"
    )]
    Erase(EraseOptions),
    /// Legal holds: what one covers is neither erased nor expires
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Retention: what must be kept, and what is past its maximum
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Remove old entries from the store, no further than retention allows
    #[command(
        after_help = "Example:\n  interlock audit prune --before 2025-01-01 --reason \"retention schedule\" --dry-run"
    )]
    Prune(PruneOptions),
    /// The log's verifier key, for auditors and witnesses
    #[command(
        after_help = "Examples:\n  interlock audit key\n  interlock audit key --format vkey > log.vkey\n  interlock audit key --rotate --reason \"yearly\""
    )]
    Key {
        /// Only the key that signs now, in the one line that verifiers take
        #[arg(long, value_parser = ["vkey"])]
        format: Option<String>,
        /// Hand the log over to a new key; both sign the checkpoint that covers the change
        #[arg(long, requires = "reason")]
        rotate: bool,
        /// Why
        #[arg(long, requires = "rotate")]
        reason: Option<String>,
    },
    /// The signer's guard
    #[command(subcommand)]
    Guard(GuardCommand),
    /// Where each anchor stands: what it vouches for, how old that is, what it says
    Anchors,
    /// Take the newest checkpoint to the anchors now
    #[command(after_help = "Examples:\n  interlock audit anchor\n  interlock audit anchor bucket")]
    Anchor {
        /// Only this one
        name: Option<String>,
    },
    /// Hold a log's newest checkpoint against the last that you saw; needs no installation
    #[command(
        after_help = "Examples:\n  interlock audit watch https://interlock.example.org/api/v1/log --key \"$VKEY\" --state seen.json --api-key auditor.key\n  interlock audit watch ./tiles --key \"$VKEY\" --state seen.json --once\n\nExit codes: 0 as before or grown, 1 tampered, 2 cannot tell."
    )]
    Watch(WatchOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum GuardCommand {
    /// What it holds, and what the store holds
    Show,
    /// Set a guard that is gone, damaged or old to what the store says to be published; on record
    #[command(
        after_help = "Example:\n  interlock audit guard adopt --reason \"guard's disk replaced, store checked against the witness\""
    )]
    Adopt {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Begin a new name and key after signed entries or the key were lost for good; on record
    #[command(
        after_help = "Example:\n  interlock audit guard renew --reason \"disk lost, restored from last night's backup\""
    )]
    Renew {
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// What it takes to watch a log.
#[derive(Debug, Args)]
pub(crate) struct WatchOptions {
    /// Where its files are: an address that ends before `checkpoint`, or a folder
    pub(crate) log: String,
    /// The log's verifier key, from somebody you trust; again for each key that it changed to
    #[arg(long, value_name = "VKEY", required = true)]
    pub(crate) key: Vec<String>,
    /// Your own file: the last checkpoint that you saw
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// An API key that may read the log: FILE, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key: Option<PathBuf>,
    /// Further certificate authorities, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Seconds between two looks
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) interval: u64,
    /// Look once
    #[arg(long)]
    pub(crate) once: bool,
    /// Seconds that the log may stay as it is; after that it cannot be told whether it still goes on
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_age: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Keep a secret: asks for it, seals it
    #[command(
        after_help = "Examples:\n  interlock key set anthropic\n  pass show anthropic | interlock key set anthropic --stdin"
    )]
    Set {
        /// The name that configuration refers to as secret://NAME
        name: String,
        /// Read the value from standard input
        #[arg(long)]
        stdin: bool,
    },
    /// Names of kept secrets
    List,
    /// Forget a secret
    Remove {
        /// The name
        name: String,
    },
    /// API keys of service accounts
    #[command(subcommand)]
    Api(ApiCommand),
    /// Turn the epoch of the key-encryption key: wrap every data key anew and destroy the old epoch
    #[command(
        after_help = "What was wrapped under the old epoch is dead afterwards, in every backup too. After a crash ask again.\n\nExamples:\n  interlock key rotate\n  interlock key rotate --json"
    )]
    Rotate,
    /// Who keeps the key-encryption key, its epochs, how many keys are under each, and whether it works
    Status,
    /// Put the key file under a passphrase, or change it
    #[command(
        after_help = "Asks for it twice at the terminal, or reads it from a file of yours alone (mode 600).\nEvery later command asks for it, or reads it from where [keys] in interlock.toml says.\n\nExamples:\n  interlock key passphrase\n  interlock key passphrase --from-file FILE\n  interlock key passphrase --remove"
    )]
    Passphrase {
        /// Read it from this file
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Take the passphrase off
        #[arg(long, conflicts_with = "from_file")]
        remove: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Make a key; it is shown once
    Create {
        /// The service account, or with --person a user of [[people]]
        service: String,
        /// The key is a person's: roles come from [[people]], and with it they vote over HTTP
        #[arg(long)]
        person: bool,
        /// A service account's roles
        #[arg(long, value_delimiter = ',', default_value = "requester")]
        roles: Vec<String>,
        /// Days until it expires
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// End a key: the next request with it is refused
    Revoke {
        /// key_…
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// List deployed bundles
    List,
    /// Deploy a folder as the current version
    Deploy {
        /// The bundle's folder
        bundle: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    /// What is set, by whom, when and why
    Show,
    /// Let nothing act, read or be shown to a model
    #[command(after_help = "Example:\n  interlock world halt --reason \"credential leaked\"")]
    Halt {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Narrow what policies allow: acts need an incident lead
    Incident {
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Back to normal
    Resume {
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    const PAGE: &str = include_str!("../../../docs/cli.md");

    /// Every command that can be typed, in full.
    fn leaves(command: &Command, before: &str, found: &mut Vec<String>) {
        let path = format!("{before}{}", command.get_name());
        let below: Vec<&Command> = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .collect();
        if below.is_empty() {
            found.push(path);
        } else {
            below
                .into_iter()
                .for_each(|sub| leaves(sub, &format!("{path} "), found));
        }
    }

    #[test]
    fn the_commands_are_sound() {
        super::Options::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_on_its_page() {
        let mut found = Vec::new();
        leaves(&super::Options::command(), "", &mut found);
        assert!(found.len() > 20, "{found:?}");
        let mut examples = false;
        let shown: Vec<&str> = PAGE
            .lines()
            .filter(|line| {
                let fence = line.starts_with("```");
                examples ^= fence;
                examples && !fence
            })
            .collect();
        let missing: Vec<&String> = found
            .iter()
            .filter(|path| !shown.iter().any(|line| line.contains(path.as_str())))
            .collect();
        assert!(
            missing.is_empty(),
            "docs/cli.md has no example of {missing:?}"
        );
    }
}
