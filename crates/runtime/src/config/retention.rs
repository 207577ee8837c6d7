//! `[[retention]]`: how long what is sealed must be kept and may be kept at most, on which basis, and which payloads
//! it concerns. A class that contradicts itself, or two that claim the same data, are refused at the start.

use std::collections::BTreeSet;

use interlock_core::id::{BundleName, Category, WorkflowName};
use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;
use crate::retention::{Class, Preset, Retention};

/// Months of the longest minimum or maximum: 100 years.
const MONTHS_MAX: u32 = 1200;
/// Classes of one configuration.
const CLASSES_MAX: usize = 64;

/// A class as typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClass {
    name: Spanned<String>,
    #[serde(default)]
    preset: Option<Spanned<String>>,
    #[serde(default)]
    min_months: Option<Spanned<u32>>,
    #[serde(default)]
    max_months: Option<Spanned<u32>>,
    #[serde(default)]
    basis: Option<Spanned<String>>,
    #[serde(default)]
    categories: Vec<Spanned<String>>,
    #[serde(default)]
    bundles: Vec<Spanned<String>>,
    #[serde(default)]
    workflows: Vec<Spanned<String>>,
}

/// Checks all classes together.
pub(super) fn check(raw: &[RawClass], reader: &Reader<'_>) -> Result<Retention, ConfigFault> {
    let mut retention = Retention::default();
    let mut seen = BTreeSet::new();
    for one in raw {
        let at = one.name.span().start;
        let class = one.check(reader)?;
        if !seen.insert(class.name.clone()) {
            let message = format!("retention class `{}` is there twice", class.name);
            return Err(reader.fault(at, message, "give each its own name"));
        }
        if seen.len() > CLASSES_MAX {
            return Err(reader.fault(
                at,
                "there are more than 64 retention classes",
                "remove some",
            ));
        }
        one.claim(&class, &mut retention, reader)?;
        retention.declare(class);
    }
    Ok(retention)
}

impl RawClass {
    fn check(&self, reader: &Reader<'_>) -> Result<Class, ConfigFault> {
        let name = reader.name(
            &self.name,
            "retention class",
            class_name,
            "1 to 32 of a-z, 0-9, `_`, `-`",
        )?;
        let preset = self
            .preset
            .as_ref()
            .map(|text| {
                reader.name(
                    text,
                    "preset",
                    Preset::parse,
                    "one of hipaa, pci, sox, eu_ai_act, gdpr",
                )
            })
            .transpose()?;
        let months = |value: &Option<Spanned<u32>>, least: u32| match value {
            None => Ok(None),
            Some(value) if (least..=MONTHS_MAX).contains(value.get_ref()) => {
                Ok(Some(*value.get_ref()))
            }
            Some(value) => Err(reader.fault(
                value.span().start,
                "a number of months is out of bounds",
                format!("{least} to {MONTHS_MAX}"),
            )),
        };
        let min = months(&self.min_months, 0)?;
        let least = preset.map_or(0, Preset::min_months);
        if let (Some(min), Some(given)) = (min, &self.min_months)
            && min < least
        {
            let message =
                format!("retention class `{name}` keeps for less than its preset demands");
            let hint = format!("min_months = {least} or more, or leave the line out");
            return Err(reader.fault(given.span().start, message, hint));
        }
        let at = self.name.span().start;
        let max_months = months(&self.max_months, 1)?;
        if preset == Some(Preset::Gdpr) && max_months.is_none() {
            let message = format!("retention class `{name}` has no max_months");
            let hint = "as short as the purpose needs: you know it, we do not";
            return Err(reader.fault(at, message, hint));
        }
        let min_months = min.unwrap_or(least);
        if max_months.is_some_and(|max| min_months > max) {
            let message = format!(
                "retention class `{name}` must keep for {min_months} months and may not keep for that long"
            );
            let at = self.max_months.as_ref().map_or(at, |max| max.span().start);
            return Err(reader.fault(at, message, "min_months no more than max_months"));
        }
        let basis = match (&self.basis, preset) {
            (Some(basis), _) => reader.name(
                basis,
                "basis",
                |text| {
                    (!text.trim().is_empty() && text.chars().count() <= 200)
                        .then(|| text.to_owned())
                },
                "the rule that it follows, at most 200 characters",
            )?,
            (None, Some(preset)) => preset.basis().to_owned(),
            (None, None) => {
                let message = format!("retention class `{name}` has no basis");
                return Err(reader.fault(
                    at,
                    message,
                    "basis = \"the rule that it follows\", or a preset",
                ));
            }
        };
        Ok(Class {
            name,
            min_months,
            max_months,
            basis,
        })
    }

    fn claim(
        &self,
        class: &Class,
        retention: &mut Retention,
        reader: &Reader<'_>,
    ) -> Result<(), ConfigFault> {
        let taken = |text: &Spanned<String>, other: Option<String>| {
            match other {
            None => Ok(()),
            Some(other) => Err(reader.fault(
                text.span().start,
                format!("`{}` belongs to retention class `{other}` already", text.get_ref()),
                "name it in one class; what carries several kinds of data is kept for the longest minimum",
            )),
        }
        };
        let hint = "use a-z, 0-9, `_`, `-`, `.`";
        for text in &self.categories {
            let category = reader.name(text, "category", |t| Category::parse(t).ok(), hint)?;
            taken(
                text,
                retention.by_category.insert(category, class.name.clone()),
            )?;
        }
        for text in &self.bundles {
            let bundle = reader.name(text, "bundle", |t| BundleName::parse(t).ok(), hint)?;
            taken(text, retention.by_bundle.insert(bundle, class.name.clone()))?;
        }
        for text in &self.workflows {
            let workflow = reader.name(text, "workflow", |t| WorkflowName::parse(t).ok(), hint)?;
            taken(
                text,
                retention.by_workflow.insert(workflow, class.name.clone()),
            )?;
        }
        Ok(())
    }
}

/// 1 to 32 of `a-z0-9_-`: part of a key's name, where `.` divides.
fn class_name(text: &str) -> Option<String> {
    let fit = (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    fit.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use crate::retention::Class;

    #[test]
    fn classes_are_checked() {
        let hipaa = Class {
            name: "health".to_owned(),
            min_months: 72,
            max_months: None,
            basis: "HIPAA, 45 CFR 164.316(b)(2)(i)".to_owned(),
        };
        check("name = \"health\"\npreset = \"hipaa\"", Ok(&hipaa));
        let short = Class {
            name: "people".to_owned(),
            min_months: 0,
            max_months: Some(3),
            basis: "contract, article 6(1)(b)".to_owned(),
        };
        check(
            "name = \"people\"\npreset = \"gdpr\"\nmax_months = 3\nbasis = \"contract, article 6(1)(b)\"",
            Ok(&short),
        );
        for (bad, line) in [
            ("name = \"a.b\"\npreset = \"pci\"", 3),
            ("name = \"a\"", 3),
            ("name = \"a\"\npreset = \"pcl\"", 4),
            ("name = \"a\"\npreset = \"gdpr\"", 3),
            ("name = \"a\"\npreset = \"hipaa\"\nmin_months = 71", 5),
            ("name = \"a\"\npreset = \"hipaa\"\nmax_months = 71", 5),
            (
                "name = \"a\"\nbasis = \"b\"\nmin_months = 13\nmax_months = 12",
                6,
            ),
            ("name = \"a\"\nbasis = \"b\"\nmax_months = 0", 5),
            ("name = \"a\"\nbasis = \"b\"\nmin_months = 1201", 5),
            ("name = \"a\"\nbasis = \" \"", 4),
            ("name = \"a\"\nbasis = \"b\"\ncategories = [\"A b\"]", 5),
            ("name = \"a\"\nbasis = \"b\"\nkey = 1", 5),
        ] {
            check(bad, Err(line));
        }
    }

    #[test]
    fn data_that_two_classes_claim_is_refused() {
        let text = "environment = \"test\"\n[[retention]]\nname = \"a\"\npreset = \"pci\"\ncategories = [\"pci\"]\n[[retention]]\nname = \"b\"\npreset = \"sox\"\ncategories = [\"pci\"]\n";
        let fault = Config::parse(text, "interlock.toml").unwrap_err();
        assert_eq!(fault.line, 9, "{fault}");
    }

    /// The class that one table makes, or the line of its fault.
    #[track_caller]
    fn check(table: &str, expected: Result<&Class, usize>) {
        let text = format!("environment = \"test\"\n[[retention]]\n{table}\n");
        let read = Config::parse(&text, "interlock.toml").map_err(|fault| fault.line);
        let name = expected.map_or("", |class| class.name.as_str());
        let found = read
            .as_ref()
            .map(|config| config.retention.class(name).unwrap());
        assert_eq!(found.map_err(|line| *line), expected, "{table}");
    }
}
