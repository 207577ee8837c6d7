//! The codec of administrative acts: the same table form as for events. Every body may name who did it (`by`) and
//! one sealed reason.

use interlock_core::id::PrincipalId;
use interlock_journal::{Canon, canonical};

use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::{Value, text};
use super::{BODY_BYTES_MAX, CodecFault, PayloadNote, payload};
use crate::administration::{
    Administration, ExportKind, HoldScope, LogOrigin, RotationCause, ShownAs,
};

/// Who did it.
const BY: &str = "by";

/// An act with what every body may have besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActBody {
    /// What was done.
    pub act: Administration,
    /// Who did it; none: the system by itself.
    pub by: Option<PrincipalId>,
    /// The reason, sealed.
    pub reason: Option<PayloadNote>,
}

/// Hands the table to a macro: once to the codec, and in tests to what makes acts of every kind.
macro_rules! with_acts {
    ($then:ident) => {
        $then! {
            "log.opened" LogOpened { origin, key }
            "log.key_rotated" LogKeyRotated { before, after }
            "guard.adopted" GuardAdopted { size, root }
            "bundle.deployed" BundleDeployed { name, version }
            "policy.adopted" PolicyAdopted { name, bundle, version }
            "world.set" WorldSet { halted, incident }
            "api_key.created" ApiKeyCreated { key, principal, expires_at }
            "api_key.revoked" ApiKeyRevoked { key }
            "key.epoch_rotated" KeyEpochRotated { before, after, keys, cause }
            "payload.read" PayloadRead { run, read, shown }
            "export.created" ExportCreated { kind, manifest, from, to, run, subject }
            "erasure.requested" ErasureRequested { erasure, subject, order, affected, runs, minimum }
            "erasure.done" ErasureDone {
                erasure, subject, order, keys, affected, shared, runs, epoch_before, epoch_after,
                destroyed_at, backups_dead_at
            }
            "hold.placed" HoldPlaced { hold, scope }
            "hold.released" HoldReleased { hold }
            "retention.expired" RetentionExpired {
                class, month, keys, epoch_before, epoch_after, destroyed_at
            }
            "log.pruned" LogPruned { minimum }
            "anchor.overdue" AnchorOverdue { anchor, size, age_seconds }
            "anchor.recovered" AnchorRecovered { anchor, size }
        }
    };
}
#[cfg(test)]
pub(super) use with_acts;

macro_rules! acts {
    ($($kind:literal $variant:ident { $($field:ident),* })*) => {
        /// Every kind of administrative act, as entries name it.
        pub const ACT_KINDS: &[&str] = &[$($kind),*];

        impl Administration {
            /// The kind, as entries name it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $kind,)*
                }
            }
        }

        fn write(act: &Administration, writer: &mut Writer) -> Result<(), Flaw> {
            match act {
                $(Administration::$variant { $($field),* } => {
                    $(writer.put(stringify!($field), $field)?;)*
                })*
            }
            Ok(())
        }

        fn read(kind: &str, reader: &mut Reader<'_>) -> Result<Administration, Flaw> {
            match kind {
                $($kind => Ok(Administration::$variant { $($field: reader.take(stringify!($field))?),* }),)*
                _ => Err(Flaw::form()),
            }
        }
    };
}

with_acts!(acts);

/// The body of the entry for this act.
///
/// # Errors
/// A name has another form, a number is beyond 2^53 - 1, or the body is longer than [`BODY_BYTES_MAX`].
pub fn encode_act(body: &ActBody) -> Result<Canon, CodecFault> {
    let kind = body.act.kind();
    let canon = members_of(body).map_err(|flaw| CodecFault::write(kind, flaw))?;
    let bytes = canonical::encode(&canon).len();
    if bytes > BODY_BYTES_MAX {
        return Err(CodecFault::TooLarge { kind, bytes });
    }
    Ok(canon)
}

fn members_of(body: &ActBody) -> Result<Canon, Flaw> {
    let mut writer = Writer::default();
    write(&body.act, &mut writer)?;
    writer.put(BY, &body.by)?;
    if let Some(reason) = &body.reason {
        writer.put(payload::MEMBER, &vec![*reason])?;
    }
    Ok(writer.finish())
}

/// The act that a body tells of.
///
/// # Errors
/// An unknown kind; a member that is missing, unknown or in another form; more than one payload.
pub fn decode_act(kind: &str, body: &Canon) -> Result<ActBody, CodecFault> {
    let Some(known) = ACT_KINDS.iter().find(|known| **known == kind) else {
        return Err(CodecFault::UnknownKind);
    };
    read_act(known, body).map_err(|flaw| CodecFault::read(known, flaw))
}

fn read_act(kind: &'static str, body: &Canon) -> Result<ActBody, Flaw> {
    let mut reader = Reader::new(body)?;
    let act = read(kind, &mut reader)?;
    let by = reader.take(BY)?;
    let mut notes = payload::take(&mut reader)?;
    reader.finish()?;
    let reason = notes.pop();
    if notes.is_empty() {
        Ok(ActBody { act, by, reason })
    } else {
        Err(Flaw::payloads())
    }
}

macro_rules! words {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                Canon::text(self.as_str()).map_err(|_| Flaw::form())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                Self::parse(text(value)?).ok_or_else(Flaw::form)
            }
        }
    )*};
}

words!(ExportKind, LogOrigin, RotationCause, ShownAs);

impl Value for HoldScope {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        match self {
            Self::Subject(subject) => {
                writer.word("on", "subject")?;
                writer.put("subject", subject)?;
            }
            Self::Run(run) => {
                writer.word("on", "run")?;
                writer.put("run", run)?;
            }
            Self::Period { class, month } => {
                writer.word("on", "period")?;
                writer.put("class", class)?;
                writer.put("month", month)?;
            }
        }
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = match reader.word("on")? {
            "subject" => Self::Subject(reader.take("subject")?),
            "run" => Self::Run(reader.take("run")?),
            "period" => Self::Period {
                class: reader.take("class")?,
                month: reader.take("month")?,
            },
            _ => return Err(Flaw::form().under("on")),
        };
        reader.finish()?;
        Ok(read)
    }
}
