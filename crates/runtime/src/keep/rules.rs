//! The operator's rules of what is kept: by category or confidentiality, for some slots. What no rule speaks of is
//! kept in full where there are no rules at all, and not at all where there are.

use std::collections::BTreeSet;

use interlock_core::id::Category;
use interlock_core::label::{Confidentiality, Label};
use interlock_core::run::Slot;

use crate::codec::Kept;

/// What a rule is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// Data of any of these categories.
    Categories(BTreeSet<Category>),
    /// Data of any category that no other rule names.
    AnyCategory,
    /// Data at least as confidential.
    Confidentiality(Confidentiality),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepRule {
    /// What it is on.
    pub on: On,
    /// Where; each of [`KeepRules::SLOTS`].
    pub slots: Vec<Slot>,
    /// How much is kept.
    pub keep: Kept,
}

/// The rules in force in this environment; none: everything is kept in full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeepRules(Vec<KeepRule>);

/// What is kept of one payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Keeping {
    /// How much.
    pub(crate) kept: Kept,
    categories: BTreeSet<Category>,
    confidentiality: Option<Confidentiality>,
}

impl Keeping {
    /// Whether a part of this label is to be replaced where less than all is kept.
    pub(crate) fn replaces(&self, label: &Label) -> bool {
        !self.categories.is_disjoint(&label.categories)
            || self
                .confidentiality
                .is_some_and(|least| label.confidentiality >= least)
    }
}

impl KeepRules {
    /// The slots that a rule may be on: a run needs everything else in full until it has ended, and its output is what
    /// it was for.
    pub const SLOTS: [Slot; 4] = [Slot::Prompt, Slot::Reply, Slot::Query, Slot::Reason];

    /// From rules, in any order: where several speak, the strictest is followed.
    #[must_use]
    pub const fn new(rules: Vec<KeepRule>) -> Self {
        Self(rules)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn choose(&self, slot: Slot, label: &Label) -> Keeping {
        let mut keeping = Keeping::default();
        let here: Vec<&KeepRule> = self
            .0
            .iter()
            .filter(|rule| rule.slots.contains(&slot))
            .collect();
        if here.is_empty() || !Self::SLOTS.contains(&slot) {
            return keeping;
        }
        for category in &label.categories {
            let kept = for_category(&here, category);
            if kept != Kept::Full {
                keeping.categories.insert(category.clone());
            }
            keeping.kept = keeping.kept.max(kept);
        }
        for rule in here {
            if let On::Confidentiality(least) = rule.on
                && label.confidentiality >= least
                && rule.keep != Kept::Full
            {
                let so_far = keeping.confidentiality.unwrap_or(least);
                keeping.confidentiality = Some(so_far.min(least));
                keeping.kept = keeping.kept.max(rule.keep);
            }
        }
        keeping
    }
}

/// The strictest of the rules that name the category, else of those on any; where none speaks, nothing is kept.
fn for_category(here: &[&KeepRule], category: &Category) -> Kept {
    let named = here.iter().filter(|rule| match &rule.on {
        On::Categories(names) => names.contains(category),
        On::AnyCategory | On::Confidentiality(_) => false,
    });
    let any = here.iter().filter(|rule| rule.on == On::AnyCategory);
    let of_categories = here
        .iter()
        .any(|rule| !matches!(rule.on, On::Confidentiality(_)));
    named
        .map(|rule| rule.keep)
        .max()
        .or_else(|| any.map(|rule| rule.keep).max())
        .unwrap_or(if of_categories {
            Kept::Digest
        } else {
            Kept::Full
        })
}
