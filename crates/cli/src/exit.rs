//! How a command ends: its exit codes, and the one form of a failure (message, hint).

use std::process::ExitCode;

/// Exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for `verify`: whole.
    Done = 0,
    /// Failed; for `verify`: tampered.
    Failed = 1,
    /// Wrong use; for `verify`: cannot tell.
    Usage = 2,
    /// Waits for people.
    Waiting = 3,
    /// Denied by policy.
    Denied = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what was asked. Nothing is half-done then.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Each point of what is wrong, where there are several.
    pub(crate) details: Vec<String>,
}

impl Failure {
    /// The caller's: wrong use or bad input.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
            hint: Some(hint.into()),
            details: Vec::new(),
        }
    }

    /// Something did not work. A text that carries its hint as a second line is taken apart.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        let (message, hint) = split(&message.into());
        Self {
            exit: Exit::Failed,
            message,
            hint,
            details: Vec::new(),
        }
    }

    /// With what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Texts that carry their hint as a second line are taken apart.
fn split(text: &str) -> (String, Option<String>) {
    match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text.to_owned(), None),
    }
}

impl From<interlock_runtime::Fault> for Failure {
    fn from(fault: interlock_runtime::Fault) -> Self {
        use interlock_runtime::Fault;
        let (message, hint) = split(&fault.to_string());
        let (exit, own) = match &fault {
            Fault::Refused(refusal) => (Exit::Usage, refusal_hint(refusal)),
            Fault::NotFound(_) => (
                Exit::Usage,
                Some(
                    "list what there is: `interlock runs list`, `review list`, `inbox list`, `bundle list`",
                ),
            ),
            Fault::KeyReused => (Exit::Usage, Some("use a new --key for a new request")),
            Fault::Duplicate { .. } | Fault::Unstartable(_) => (Exit::Usage, None),
            Fault::Elsewhere => (Exit::Failed, Some("look again: `interlock runs show RUN`")),
            Fault::Damaged { .. } => (
                Exit::Failed,
                Some(
                    "`interlock audit verify` names every bad entry; restore the store from a good copy",
                ),
            ),
            Fault::Erased(_) => (
                Exit::Failed,
                Some(
                    "what is gone stays gone: cancel the run, or give the input again as a new one",
                ),
            ),
            Fault::Office(_) => (
                Exit::Denied,
                Some("give the person such a role under [[people]] in interlock.toml"),
            ),
            Fault::Store(_)
            | Fault::Unknown
            | Fault::Seal(_)
            | Fault::Turn(_)
            | Fault::Pinned(_)
            | Fault::LogRefused(_)
            | Fault::Entropy
            | Fault::Bug(_) => (Exit::Failed, None),
        };
        Self {
            exit,
            message: format!("failed to {message}"),
            hint: hint.or_else(|| own.map(str::to_owned)),
            details: details(&fault),
        }
    }
}

/// Where a value written by hand does not fit, as the schema says it: nothing of the value is repeated.
fn details(fault: &interlock_runtime::Fault) -> Vec<String> {
    use interlock_core::run::Refusal;
    let interlock_runtime::Fault::Refused(Refusal::ValueInvalid(violations)) = fault else {
        return Vec::new();
    };
    violations
        .iter()
        .map(|violation| {
            let at = if violation.at.is_empty() {
                "the value"
            } else {
                violation.at.as_str()
            };
            format!("{at}: {} ({})", violation.expected, violation.keyword)
        })
        .collect()
}

fn refusal_hint(refusal: &interlock_core::run::Refusal) -> Option<&'static str> {
    use interlock_core::run::Refusal;
    match refusal {
        Refusal::OwnRequest => Some(
            "somebody else must decide: name a second person under [[people]] in interlock.toml",
        ),
        Refusal::RoleMissing => Some("give the person the role under [[people]] in interlock.toml"),
        Refusal::ReasonMissing => Some("--reason \"why not\""),
        Refusal::OtherDigest => Some("look at it again: `interlock review show ID`"),
        Refusal::ValueInvalid(_) => {
            Some("`interlock inbox show ID` prints the schema that the value must fit")
        }
        Refusal::NotNow { .. } | Refusal::NotCurrent(_) => {
            Some("`interlock runs show RUN` says where the run is")
        }
        Refusal::ReasonTooLong(_)
        | Refusal::VotedAlready
        | Refusal::Settlement(_)
        | Refusal::NotOpened
        | Refusal::TooLong(_)
        | Refusal::Bug(_) => None,
    }
}

impl From<interlock_runtime::administration::OfficeMissing> for Failure {
    fn from(missing: interlock_runtime::administration::OfficeMissing) -> Self {
        interlock_runtime::Fault::from(missing).into()
    }
}

impl From<interlock_runtime::Unidentified> for Failure {
    fn from(fault: interlock_runtime::Unidentified) -> Self {
        Self::failed(format!("failed to {fault}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(fault: std::io::Error) -> Self {
        Self::failed(format!("failed to read or write: {fault}"))
    }
}
