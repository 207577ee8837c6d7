//! What can be wrong with an event or a body. Texts name the kind of event and the member, both of them words
//! of the format; what stood in the member is never repeated.

use super::BODY_BYTES_MAX;

/// Why an event has no body, or a body no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecFault {
    /// A bug: an event with a text or number that entries do not have.
    #[error("write event `{kind}`: member `{member}` {what}")]
    Write {
        /// The kind of event.
        kind: &'static str,
        /// The member, with dots between levels.
        member: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The event names more things than an entry can hold.
    #[error("write event `{kind}`: its body of {bytes} bytes is longer than {BODY_BYTES_MAX}")]
    TooLarge {
        /// The kind of event.
        kind: &'static str,
        /// How many bytes it would have.
        bytes: usize,
    },
    /// An event that this version does not know.
    #[error("read an event: its kind is unknown")]
    UnknownKind,
    /// The body is not one that this version writes.
    #[error("read event `{kind}`: member `{member}` {what}")]
    Read {
        /// The kind of event; `payloads` where only the notes were read.
        kind: &'static str,
        /// The member, with dots between levels; `body` for the body itself.
        member: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl CodecFault {
    pub(super) fn write(kind: &'static str, flaw: Flaw) -> Self {
        let (member, what) = flaw.told();
        Self::Write { kind, member, what }
    }

    pub(super) fn read(kind: &'static str, flaw: Flaw) -> Self {
        let (member, what) = flaw.told();
        Self::Read { kind, member, what }
    }
}

/// What is wrong, and the way to it, innermost member first.
#[derive(Debug)]
pub(super) struct Flaw {
    what: &'static str,
    path: Vec<&'static str>,
}

impl Flaw {
    /// Another type, spelling or name than the member has.
    pub(super) const fn form() -> Self {
        Self::new("is not of the form that this event has")
    }

    /// A required member is not there.
    pub(super) const fn missing() -> Self {
        Self::new("is missing")
    }

    /// A member that the format does not have. Which one is not repeated: its name came from outside.
    pub(super) const fn unknown() -> Self {
        Self::new("has a member that this event does not have")
    }

    /// A text that is no name of a declared thing.
    pub(super) const fn name() -> Self {
        Self::new("is not a name of the form [a-z0-9][a-z0-9_.-]{0,63}")
    }

    /// A number that not every JSON reader holds exactly.
    pub(super) const fn number() -> Self {
        Self::new("is a number beyond 2^53-1")
    }

    /// The members of a set stand in another order than the one that it is written in, or twice.
    pub(super) const fn order() -> Self {
        Self::new("is a set that is not in strictly rising order")
    }

    /// Notes and introduced payloads differ.
    pub(super) fn payloads() -> Self {
        Self::new("are not those that the event introduces").under(super::payload::MEMBER)
    }

    const fn new(what: &'static str) -> Self {
        Self {
            what,
            path: Vec::new(),
        }
    }

    /// The same, in this member.
    pub(super) fn under(mut self, member: &'static str) -> Self {
        self.path.push(member);
        self
    }

    fn told(mut self) -> (String, &'static str) {
        self.path.reverse();
        let member = if self.path.is_empty() {
            "body".to_owned()
        } else {
            self.path.join(".")
        };
        (member, self.what)
    }
}
