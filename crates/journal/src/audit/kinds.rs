//! The table of events: the members that each kind has, which may be left out, and the form of each.
//! It repeats `docs/entries.md` for verifiers, which must not need `core`; the golden bytes hold both to it.
//! A kind that is not here is not wrong: a newer writer may have written it, and the audit says that it cannot tell.

mod forms;
mod table;
#[cfg(test)]
mod tests;

pub(super) use forms::take_members;
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

/// One kind of event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Its members.
    pub(super) members: &'static [Member],
    /// Whether the reserved run of the administration holds it, and no other run does.
    pub(super) administration: bool,
}

/// Slots for the kinds by a number made of their names; an empty one holds `EMPTY`.
const SLOTS: [u8; 256] = {
    let mut slots = [EMPTY; 256];
    let mut at = 0;
    while at < KINDS.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "what is out of bounds here does not compile"
        )]
        {
            let mut slot = first_slot(KINDS[at].0.as_bytes());
            while slots[slot as usize] != EMPTY {
                slot = slot.wrapping_add(1);
            }
            slots[slot as usize] = at as u8;
        }
        at += 1;
    }
    slots
};
const EMPTY: u8 = u8::MAX;
const _: () = assert!(KINDS.len() < 128, "slots stay half empty");

/// A number that differs for most names.
const fn first_slot(name: &[u8]) -> u8 {
    match name {
        [first, .., b, c, last] => first
            .wrapping_mul(31)
            .wrapping_add(b.wrapping_mul(7))
            .wrapping_add(c.wrapping_mul(3))
            .wrapping_add(*last)
            .wrapping_add((name.len() as u8).wrapping_mul(17)),
        _ => 0,
    }
}

/// The kind of that name.
pub(super) fn find(event: &str) -> Option<Kind> {
    let mut slot = first_slot(event.as_bytes());
    loop {
        let at = SLOTS.get(usize::from(slot)).filter(|at| **at != EMPTY)?;
        let (name, members) = KINDS.get(usize::from(*at))?;
        if *name == event {
            return Some(Kind {
                members,
                administration: IS_ADMINISTRATION.get(usize::from(*at)) == Some(&true),
            });
        }
        slot = slot.wrapping_add(1);
    }
}

const IS_ADMINISTRATION: [bool; KINDS.len()] = {
    let mut is = [false; KINDS.len()];
    let (mut at, mut next) = (0, 0);
    // Both lists rise.
    while next < table::ADMINISTRATION.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "what is out of bounds here does not compile"
        )]
        if same(
            KINDS[at].0.as_bytes(),
            table::ADMINISTRATION[next].as_bytes(),
        ) {
            is[at] = true;
            next += 1;
        }
        at += 1;
    }
    is
};

const fn same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

/// Holds an event's body to the table.
#[must_use]
pub fn judge(event: &str, body: Raw<'_>) -> Schema {
    let Some(kind) = find(event) else {
        return Schema::UnknownKind;
    };
    match forms::fits_members(body, kind.members) {
        Ok(()) => Schema::Fits,
        Err(Some(member)) => Schema::Member(member),
        Err(None) => Schema::UnknownMember,
    }
}
