//! Values with members of their own: an object with one member for each field, under the field's name.
//! Renaming a field changes the format; the golden entries then differ.

use std::collections::BTreeSet;

use interlock_core::id::{PrincipalId, RoleName};
use interlock_core::pipeline::identity::PrincipalFacts;
use interlock_core::pipeline::model::Usage;
use interlock_core::pipeline::policy::Decision;
use interlock_core::pipeline::tool::Grant;
use interlock_core::run::Review;
use interlock_journal::Canon;

use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::Value;

macro_rules! record {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                let Self { $($field),* } = self;
                let mut writer = Writer::default();
                $(writer.put(stringify!($field), $field)?;)*
                Ok(writer.finish())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                let mut reader = Reader::new(value)?;
                let read = Self { $($field: reader.take(stringify!($field))?),* };
                reader.finish()?;
                Ok(read)
            }
        }
    )*};
}

record! {
    Decision { id, action, verdict, determined_by, version }
    Grant { id, act, digest, expires_at, attempt }
    PrincipalFacts { id, kind, roles, act_for }
    Review {
        id, subject, node, step, next, content, digest, label, thresholds, downgrades, expires_at, approvals,
    }
    Usage { input_tokens, cached_tokens, output_tokens, cost_micros }
}

macro_rules! pair {
    ($(($first:ty, $second:ty) = ($first_name:literal, $second_name:literal);)*) => {$(
        impl Value for ($first, $second) {
            fn write(&self) -> Result<Canon, Flaw> {
                let mut writer = Writer::default();
                writer.put($first_name, &self.0)?;
                writer.put($second_name, &self.1)?;
                Ok(writer.finish())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                let mut reader = Reader::new(value)?;
                let read = (reader.take($first_name)?, reader.take($second_name)?);
                reader.finish()?;
                Ok(read)
            }
        }
    )*};
}

// A threshold, an approval, and the values that a prompt shows or had to leave out.
pair! {
    (RoleName, u8) = ("role", "count");
    (PrincipalId, BTreeSet<RoleName>) = ("by", "roles");
    (u32, u32) = ("shown", "withheld");
}
