//! What is kept of the content that runs seal, and what is marked in it (`docs/keep.md`). How much is kept follows
//! the label by the operator's rules; where secret and personal values stand is marked by position with keyed tokens,
//! so that who may not read them sees where the same value flowed. The values themselves are in no mark.

mod find;
mod mask;
mod names;
mod rules;
mod sealed;
mod token;
mod view;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use rules::{KeepRule, KeepRules, On};
pub use sealed::{Mark, Marks};
pub use view::{MarkView, MarkedView};

pub(crate) use find::find;
pub(crate) use mask::mask;
pub(crate) use names::Names;
pub(crate) use vocabulary::Vocabulary;

use interlock_core::label::{Confidentiality, Label};

/// Whether values of this label are marked: secret ones, and those of any declared kind. Kinds are declared because the
/// data is of a sort that somebody must answer for, so none is left out.
pub(crate) fn is_marked(label: &Label) -> bool {
    label.confidentiality == Confidentiality::Restricted || !label.categories.is_empty()
}

/// The words for a marked label: its categories, or that it is secret.
pub(crate) fn words(label: &Label) -> Vec<String> {
    if label.categories.is_empty() {
        vec![label.confidentiality.as_str().to_owned()]
    } else {
        label.categories.iter().map(ToString::to_string).collect()
    }
}
