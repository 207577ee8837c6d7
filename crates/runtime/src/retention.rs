//! Retention: which class a payload belongs to, how long a class must and may be kept, expiry by destroying the key of
//! a class and month, and pruning of the log below it. A legal hold beats all of it. What no class claims is kept.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{BundleName, Category, WorkflowName};

mod expire;
mod month;
mod prune;
#[cfg(test)]
mod tests;

pub use expire::{Period, Standing};
pub use month::{Month, day_start};

/// The class of what no other class claims.
pub const DEFAULT_CLASS: &str = "default";
/// The class of the reasons of administrative acts.
pub const ADMINISTRATION_CLASS: &str = "administration";

/// A retention class.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Full months that must be kept after the month in which something was sealed.
    pub min_months: u32,
    /// Full months that may be kept at most; none: it does not expire.
    pub max_months: Option<u32>,
    /// The rule that it follows.
    pub basis: String,
}

/// Classes that laws ask for. They bound what a configuration may say; they are no advice on law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// HIPAA: documentation, 6 years.
    Hipaa,
    /// PCI DSS: audit trail, 12 months.
    Pci,
    /// SOX: audit papers, 7 years.
    Sox,
    /// EU AI Act: logs of high-risk systems, at least 6 months.
    EuAiAct,
    /// GDPR: no longer than needed; how long that is, the operator says.
    Gdpr,
}

impl Preset {
    const ALL: [(Self, &'static str, u32, &'static str); 5] = [
        (Self::Hipaa, "hipaa", 72, "HIPAA, 45 CFR 164.316(b)(2)(i)"),
        (Self::Pci, "pci", 12, "PCI DSS v4, 10.5.1"),
        (Self::Sox, "sox", 84, "Sarbanes-Oxley, 17 CFR 210.2-06"),
        (
            Self::EuAiAct,
            "eu_ai_act",
            6,
            "EU AI Act, articles 19(1) and 26(6)",
        ),
        (Self::Gdpr, "gdpr", 0, "GDPR, article 5(1)(e)"),
    ];

    /// The preset of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == text).map(|row| row.0)
    }

    /// Months that must be kept.
    #[must_use]
    pub fn min_months(self) -> u32 {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or(u32::MAX, |row| row.2)
    }

    /// The rule.
    #[must_use]
    pub fn basis(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.3)
    }
}

/// All classes, and what belongs to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    classes: BTreeMap<String, Class>,
    pub(crate) by_category: BTreeMap<Category, String>,
    pub(crate) by_bundle: BTreeMap<BundleName, String>,
    pub(crate) by_workflow: BTreeMap<WorkflowName, String>,
}

/// Where nothing is configured, nothing expires.
impl Default for Retention {
    fn default() -> Self {
        let kept = |name: &str, basis: &str| {
            let class = Class {
                name: name.to_owned(),
                min_months: 0,
                max_months: None,
                basis: basis.to_owned(),
            };
            (name.to_owned(), class)
        };
        Self {
            classes: BTreeMap::from([
                kept(DEFAULT_CLASS, "none is configured"),
                kept(ADMINISTRATION_CLASS, "accountability for the log itself"),
            ]),
            by_category: BTreeMap::new(),
            by_bundle: BTreeMap::new(),
            by_workflow: BTreeMap::new(),
        }
    }
}

impl Retention {
    /// Adds a class, or replaces a built-in one.
    pub(crate) fn declare(&mut self, class: Class) {
        self.classes.insert(class.name.clone(), class);
    }

    /// A class by name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }

    /// All classes, by name.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.values()
    }

    /// The class of a payload: of those that its bundle, its workflow and its data's categories belong to, the one that
    /// must be kept longest. Of two with the same minimum it is the one that may be kept less long.
    #[must_use]
    pub fn class_of(
        &self,
        bundle: &BundleName,
        workflow: &WorkflowName,
        categories: &BTreeSet<Category>,
    ) -> &str {
        let claimed = categories
            .iter()
            .filter_map(|category| self.by_category.get(category))
            .chain(self.by_bundle.get(bundle))
            .chain(self.by_workflow.get(workflow))
            .filter_map(|name| self.classes.get(name));
        let order = |class: &&Class| {
            let longest_max = class.max_months.unwrap_or(u32::MAX);
            (class.min_months, std::cmp::Reverse(longest_max))
        };
        claimed
            .max_by_key(order)
            .map_or(DEFAULT_CLASS, |class| class.name.as_str())
    }
}
