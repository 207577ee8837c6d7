//! Enums that carry data: an object whose one member names the variant and whose others are its data. Where
//! the run goes on is the exception, being in almost every entry: the node's number, or `end`.

use interlock_core::pipeline::policy::Verdict;
use interlock_core::run::{InboxKind, ReviewSubject, Tried};
use interlock_core::workflow::Next;
use interlock_journal::Canon;

use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::Value;

const END: &str = "end";

impl Value for Next {
    fn write(&self) -> Result<Canon, Flaw> {
        match self {
            Self::Node(node) => node.write(),
            Self::End => Canon::text(END).map_err(|_| Flaw::form()),
        }
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        match value.as_str() {
            Some(END) => Ok(Self::End),
            Some(_) => Err(Flaw::form()),
            None => usize::read(value).map(Self::Node),
        }
    }
}

impl Value for Verdict {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.word("answer", self.as_str())?;
        match self {
            Self::Allow => {}
            Self::Downgrade(downgrades) => writer.put("downgrades", downgrades)?,
            Self::Review {
                approvals,
                step_up,
                downgrades,
            } => {
                writer.put("approvals", approvals)?;
                writer.put("step_up", step_up)?;
                writer.put("downgrades", downgrades)?;
            }
            Self::Deny(reason) => writer.put("reason", reason)?,
        }
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = match reader.word("answer")? {
            "allow" => Self::Allow,
            "downgrade" => Self::Downgrade(reader.take("downgrades")?),
            "review" => Self::Review {
                approvals: reader.take("approvals")?,
                step_up: reader.take("step_up")?,
                downgrades: reader.take("downgrades")?,
            },
            "deny" => Self::Deny(reader.take("reason")?),
            _ => return Err(Flaw::form().under("answer")),
        };
        reader.finish()?;
        Ok(read)
    }
}

impl Value for Tried {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.word("how", self.as_str())?;
        match self {
            Self::Repair | Self::Retry => {}
            Self::Model(model) => writer.put("model", model)?,
        }
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = match reader.word("how")? {
            "repair" => Self::Repair,
            "retry" => Self::Retry,
            "model" => Self::Model(reader.take("model")?),
            _ => return Err(Flaw::form().under("how")),
        };
        reader.finish()?;
        Ok(read)
    }
}

impl Value for InboxKind {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.word("what", self.as_str())?;
        match self {
            Self::Manual(cause) => writer.put("cause", cause)?,
            Self::Release | Self::PayloadGone | Self::InDoubt => {}
        }
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = match reader.word("what")? {
            "manual" => Self::Manual(reader.take("cause")?),
            "release" => Self::Release,
            "payload_gone" => Self::PayloadGone,
            "in_doubt" => Self::InDoubt,
            _ => return Err(Flaw::form().under("what")),
        };
        reader.finish()?;
        Ok(read)
    }
}

impl Value for ReviewSubject {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.word("of", self.as_str())?;
        match self {
            Self::Act(act) => writer.put("act", act)?,
            Self::Output | Self::Shown | Self::Release => {}
        }
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = match reader.word("of")? {
            "act" => Self::Act(reader.take("act")?),
            "output" => Self::Output,
            "shown" => Self::Shown,
            "release" => Self::Release,
            _ => return Err(Flaw::form().under("of")),
        };
        reader.finish()?;
        Ok(read)
    }
}
