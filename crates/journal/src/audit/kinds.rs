//! The table of events: the members that each kind has, which may be left out, and the form of each.
//! It repeats `docs/entries.md` for verifiers, which must not need `core`; the golden bytes hold both to it.
//! A kind that is not here is not wrong: a newer writer may have written it, and the audit says that it cannot tell.

mod forms;
mod table;
#[cfg(test)]
mod tests;

pub use forms::{Form, Member};
pub use table::KINDS;

use super::scan::Raw;

/// What the table says of one event's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Its members are those of its kind.
    Fits,
    /// The table has no such kind.
    UnknownKind,
    /// This member is missing, is none of the kind's, or is in another form.
    Member(&'static str),
    /// There is a member that the kind does not have.
    UnknownMember,
}

/// Holds an event's body to the table.
#[must_use]
pub fn judge(event: &str, body: Raw<'_>) -> Schema {
    let Ok(at) = KINDS.binary_search_by(|(kind, _)| (*kind).cmp(event)) else {
        return Schema::UnknownKind;
    };
    let Some((_, members)) = KINDS.get(at) else {
        return Schema::UnknownKind;
    };
    match forms::fits_members(body, members) {
        Ok(()) => Schema::Fits,
        Err(Some(member)) => Schema::Member(member),
        Err(None) => Schema::UnknownMember,
    }
}

/// Whether the table has this kind.
#[must_use]
pub fn is_known(event: &str) -> bool {
    KINDS
        .binary_search_by(|(kind, _)| (*kind).cmp(event))
        .is_ok()
}

/// Whether the reserved run of the administration holds this kind, and no other run does.
#[must_use]
pub fn is_administration(event: &str) -> bool {
    table::ADMINISTRATION.binary_search(&event).is_ok()
}
