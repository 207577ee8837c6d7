//! `[[keep]]`: how much of what is sealed is kept, by category or confidentiality and environment. A rule on content
//! that a run still needs is refused here, where somebody reads it, and not found out by a run that stands still.

use interlock_core::id::{Category, EnvironmentName};
use interlock_core::label::Confidentiality;
use interlock_core::run::Slot;
use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;
use crate::codec::Kept;
use crate::keep::{KeepRule, KeepRules, On};

/// Rules of one configuration.
const RULES_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeep {
    #[serde(default)]
    categories: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    confidentiality: Option<Spanned<String>>,
    #[serde(default)]
    environments: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    slots: Option<Spanned<Vec<Spanned<String>>>>,
    keep: Spanned<String>,
}

/// The rules that are in force in this environment; all are checked.
pub(super) fn check(
    raw: &[RawKeep],
    environment: &EnvironmentName,
    reader: &Reader<'_>,
) -> Result<KeepRules, ConfigFault> {
    if let Some(over) = raw.get(RULES_MAX) {
        let at = over.keep.span().start;
        return Err(reader.fault(
            at,
            "there are too many rules",
            "at most 256 [[keep]] tables",
        ));
    }
    let mut rules = Vec::new();
    for raw in raw {
        let (rule, here) = rule(raw, environment, reader)?;
        if here {
            rules.push(rule);
        }
    }
    Ok(KeepRules::new(rules))
}

fn rule(
    raw: &RawKeep,
    environment: &EnvironmentName,
    reader: &Reader<'_>,
) -> Result<(KeepRule, bool), ConfigFault> {
    let at = raw.keep.span().start;
    let keep = reader.name(&raw.keep, "keep", Kept::parse, "full, masked or digest")?;
    let on = match (&raw.categories, &raw.confidentiality) {
        (Some(categories), None) => categories_of(categories, reader)?,
        (None, Some(least)) => On::Confidentiality(reader.name(
            least,
            "confidentiality",
            Confidentiality::parse,
            "public, internal, confidential or restricted",
        )?),
        (Some(_), Some(_)) | (None, None) => {
            return Err(reader.fault(
                at,
                "a rule is on categories or on a confidentiality, one of the two",
                "categories = [\"pii\"] or confidentiality = \"restricted\"",
            ));
        }
    };
    let slots = match &raw.slots {
        None => KeepRules::SLOTS.to_vec(),
        Some(slots) => slots_of(slots, reader)?,
    };
    let here = match &raw.environments {
        None => true,
        Some(names) => {
            let parse = |text: &str| EnvironmentName::parse(text).ok();
            let hint = "for example dev, test, staging, production";
            let mut here = false;
            for name in names {
                here |= reader.name(name, "environment", parse, hint)? == *environment;
            }
            here
        }
    };
    Ok((KeepRule { on, slots, keep }, here))
}

fn categories_of(
    categories: &Spanned<Vec<Spanned<String>>>,
    reader: &Reader<'_>,
) -> Result<On, ConfigFault> {
    let names = categories.get_ref();
    let at = categories.span().start;
    let any = names.iter().any(|name| name.get_ref() == "any");
    match (any, names.len()) {
        (_, 0) => Err(reader.fault(at, "a rule is on no category", "name one, or \"any\"")),
        (true, 1) => Ok(On::AnyCategory),
        (true, _) => Err(reader.fault(
            at,
            "\"any\" stands beside names",
            "write one rule for the names and one for \"any\"",
        )),
        (false, _) => {
            let parse = |text: &str| Category::parse(text).ok();
            let hint = "use a-z, 0-9, `_`, `-`, `.`";
            let names = names
                .iter()
                .map(|name| reader.name(name, "category", parse, hint));
            Ok(On::Categories(names.collect::<Result<_, _>>()?))
        }
    }
}

fn slots_of(
    slots: &Spanned<Vec<Spanned<String>>>,
    reader: &Reader<'_>,
) -> Result<Vec<Slot>, ConfigFault> {
    const NEEDED: [Slot; 7] = [
        Slot::Input,
        Slot::SourceResult,
        Slot::Output,
        Slot::Content,
        Slot::ToolResult,
        Slot::Problems,
        Slot::Release,
    ];
    let names = slots.get_ref();
    if names.is_empty() {
        let at = slots.span().start;
        return Err(reader.fault(at, "a rule is on no slot", "leave `slots` out for all"));
    }
    let mut found = Vec::new();
    for name in names {
        if let Some(slot) = NEEDED.iter().find(|slot| slot.as_str() == name.get_ref()) {
            return Err(reader.fault(
                name.span().start,
                format!("`{}` is always kept in full: a run may need it until it has ended, and people after", slot.as_str()),
                "rules are on prompt, reply, query and reason; retention and erasure end the rest (docs/keep.md)",
            ));
        }
        let parse = |text: &str| {
            let known = |slot: &Slot| slot.as_str() == text;
            KeepRules::SLOTS.into_iter().find(known)
        };
        found.push(reader.name(name, "slot", parse, "prompt, reply, query or reason")?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn parse(rule: &str, environment: &str) -> Result<Config, String> {
        let text = format!("environment = \"{environment}\"\n[[keep]]\n{rule}\n");
        Config::parse(&text, "f").map_err(|fault| {
            assert!(fault.line > 1 && !fault.hint.is_empty(), "{fault}");
            fault.message
        })
    }

    #[test]
    fn a_rule_is_in_force_where_it_says_so() {
        let rule = "categories = [\"pii\"]\nenvironments = [\"production\"]\nkeep = \"digest\"";
        assert!(parse(rule, "dev").unwrap().keep.is_empty());
        assert!(!parse(rule, "production").unwrap().keep.is_empty());
        let all = "confidentiality = \"restricted\"\nslots = [\"reply\"]\nkeep = \"masked\"";
        assert!(!parse(all, "dev").unwrap().keep.is_empty());
    }

    #[test]
    fn a_rule_on_what_a_run_needs_is_refused() {
        for (rule, message) in [
            ("keep = \"digest\"", "one of the two"),
            (
                "categories = [\"pii\"]\nconfidentiality = \"internal\"\nkeep = \"digest\"",
                "one of the two",
            ),
            ("categories = []\nkeep = \"digest\"", "no category"),
            (
                "categories = [\"any\", \"pii\"]\nkeep = \"full\"",
                "beside names",
            ),
            ("categories = [\"PII\"]\nkeep = \"full\"", "category `PII`"),
            ("categories = [\"pii\"]\nkeep = \"some\"", "keep `some`"),
            (
                "categories = [\"pii\"]\nslots = []\nkeep = \"full\"",
                "no slot",
            ),
            (
                "categories = [\"pii\"]\nslots = [\"input\"]\nkeep = \"masked\"",
                "`input` is always kept in full",
            ),
            (
                "categories = [\"pii\"]\nslots = [\"replies\"]\nkeep = \"masked\"",
                "slot `replies`",
            ),
            (
                "categories = [\"pii\"]\nenvironments = [\"P\"]\nkeep = \"masked\"",
                "environment `P`",
            ),
            ("categories = [\"pii\"]\nkeep = \"full\"\nfor = 1", "for"),
        ] {
            let fault = parse(rule, "dev").unwrap_err();
            assert!(fault.contains(message), "{rule}: {fault}");
        }
    }
}
