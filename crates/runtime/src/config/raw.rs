//! The configuration as typed, and its checks. Every fault names the line and what to do.

use std::collections::BTreeMap;

use interlock_core::id::{Category, EndpointName, ModelAlias, Region, RoleName, SecretName};
use interlock_core::label::{Allowed, Confidentiality};
use interlock_core::registry::{Endpoint, Perimeter};
use serde::Deserialize;
use toml::Spanned;

use super::{Clearance, Config, ConfigFault, EndpointConfig, PersonConfig, Provider};
use crate::price::{Price, PriceTable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    tenant: Option<Spanned<String>>,
    environment: Spanned<String>,
    #[serde(default)]
    listen: Option<Spanned<String>>,
    #[serde(default)]
    endpoint: Vec<RawEndpoint>,
    #[serde(default)]
    aliases: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    prices: BTreeMap<String, RawPrice>,
    #[serde(default)]
    settings: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    roots: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    people: Vec<RawPerson>,
    #[serde(default)]
    egress: Option<RawEgress>,
    #[serde(default)]
    keep: Vec<super::keep::RawKeep>,
    #[serde(default)]
    keys: Option<super::keys::RawKeys>,
    #[serde(default)]
    anchor: Vec<super::anchor::RawAnchor>,
    #[serde(default)]
    witnesses: Option<super::anchor::RawWitnesses>,
    #[serde(default)]
    log: super::log::RawLog,
    #[serde(default)]
    retention: Vec<super::retention::RawClass>,
    #[serde(default, rename = "stream")]
    streams: Vec<super::stream::RawStream>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndpoint {
    name: Spanned<String>,
    provider: Spanned<String>,
    #[serde(default)]
    base_url: Option<Spanned<String>>,
    model: Spanned<String>,
    perimeter: Spanned<String>,
    region: Spanned<String>,
    #[serde(default)]
    agreements: Vec<Spanned<String>>,
    clearance: Spanned<String>,
    categories: Vec<Spanned<String>>,
    #[serde(default)]
    secret: Option<Spanned<String>>,
    #[serde(default)]
    timeout_seconds: Option<Spanned<u32>>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrice {
    input: u64,
    cached: u64,
    output: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    user: Spanned<String>,
    roles: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEgress {
    #[serde(default)]
    ca_file: Option<String>,
}

/// Places faults in the text.
pub(super) struct Reader<'t> {
    text: &'t str,
    file: &'t str,
}

impl Reader<'_> {
    pub(super) fn fault(
        &self,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ConfigFault {
        let before = self.text.get(..at).unwrap_or_default();
        ConfigFault {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn name<T>(
        &self,
        text: &Spanned<String>,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
        hint: &str,
    ) -> Result<T, ConfigFault> {
        parse(text.get_ref()).ok_or_else(|| {
            self.fault(
                text.span().start,
                format!("{what} `{}` is not known", text.get_ref()),
                hint,
            )
        })
    }

    pub(super) fn secret(&self, text: &Spanned<String>) -> Result<SecretName, ConfigFault> {
        let hint = "keep the value with `interlock key set NAME` and write secret://NAME here";
        let name = text
            .get_ref()
            .strip_prefix("secret://")
            .and_then(|name| SecretName::parse(name).ok());
        // The value itself is never repeated: it may be the secret.
        name.ok_or_else(|| {
            self.fault(
                text.span().start,
                "a secret is not a reference of the form secret://NAME",
                hint,
            )
        })
    }

    fn no_plain_secret(&self, name: &str, text: &Spanned<String>) -> Result<(), ConfigFault> {
        let value = text.get_ref();
        let telling = [
            "secret",
            "token",
            "password",
            "api_key",
            "apikey",
            "credential",
        ];
        let named = telling
            .iter()
            .any(|word| name.to_lowercase().contains(word))
            && !value.starts_with("secret://");
        let looks = ["sk-ant-", "sk-", "AKIA", "ghp_", "xoxb-", "-----BEGIN"]
            .iter()
            .any(|start| value.starts_with(start));
        if named || looks {
            return Err(self.fault(
                text.span().start,
                format!("setting `{name}` looks like a plain secret"),
                "keep the value with `interlock key set NAME` and refer to it as secret://NAME in the connector",
            ));
        }
        Ok(())
    }

    fn endpoint(&self, raw: &RawEndpoint) -> Result<EndpointConfig, ConfigFault> {
        let name = self.name(
            &raw.name,
            "endpoint name",
            |text| EndpointName::parse(text).ok(),
            "use a-z, 0-9, `_`, `-`, `.`",
        )?;
        let provider = self.name(
            &raw.provider,
            "provider",
            |text| match text {
                "anthropic" => Some(Provider::Anthropic),
                "compatible" => Some(Provider::Compatible),
                "scripted" => Some(Provider::Scripted),
                _ => None,
            },
            "one of anthropic, compatible, scripted",
        )?;
        let clearance = self.clearance(raw)?;
        let base_url = match (&raw.base_url, &provider) {
            (Some(url), _) => Some(url.get_ref().trim_end_matches('/').to_owned()),
            (None, Provider::Anthropic) => Some("https://api.anthropic.com".to_owned()),
            (None, Provider::Scripted) => None,
            (None, Provider::Compatible) => {
                return Err(self.fault(
                    raw.name.span().start,
                    format!("endpoint `{name}` has no base_url"),
                    "for example http://127.0.0.1:8080/v1",
                ));
            }
        };
        let secret = raw
            .secret
            .as_ref()
            .map(|text| self.secret(text))
            .transpose()?;
        if provider == Provider::Anthropic && secret.is_none() {
            return Err(self.fault(
                raw.name.span().start,
                format!("endpoint `{name}` has no secret"),
                "secret = \"secret://anthropic\"",
            ));
        }
        let seconds = raw
            .timeout_seconds
            .as_ref()
            .map_or(60, |seconds| *seconds.get_ref());
        let timeout_millis = seconds
            .checked_mul(1000)
            .filter(|millis| (1..=interlock_core::limits::MODEL_MILLIS_MAX).contains(millis));
        let at = raw
            .timeout_seconds
            .as_ref()
            .map_or(raw.name.span().start, |seconds| seconds.span().start);
        let timeout_millis = timeout_millis
            .ok_or_else(|| self.fault(at, "timeout_seconds is out of bounds", "1 to 900"))?;
        Ok(EndpointConfig {
            facts: Endpoint {
                name,
                perimeter: clearance.perimeter,
                region: clearance.region,
                agreements: clearance.agreements,
                clearance: clearance.clearance,
                categories: clearance.categories,
                timeout_millis,
            },
            provider,
            base_url,
            model: raw.model.get_ref().clone(),
            secret,
            allow_private: raw.allow_private,
        })
    }

    fn clearance(&self, raw: &RawEndpoint) -> Result<Clearance, ConfigFault> {
        let category = |text: &Spanned<String>| {
            self.name(
                text,
                "category",
                |text| Category::parse(text).ok(),
                "use a-z, 0-9, `_`, `-`, `.`",
            )
        };
        let any = raw.categories.iter().any(|text| text.get_ref() == "any");
        Ok(Clearance {
            perimeter: self.name(
                &raw.perimeter,
                "perimeter",
                |text| {
                    [Perimeter::Inside, Perimeter::External]
                        .into_iter()
                        .find(|p| p.as_str() == text)
                },
                "inside or external",
            )?,
            region: self.name(
                &raw.region,
                "region",
                |text| Region::parse(text).ok(),
                "for example eu or us",
            )?,
            agreements: raw
                .agreements
                .iter()
                .map(category)
                .collect::<Result<_, _>>()?,
            clearance: self.name(
                &raw.clearance,
                "clearance",
                Confidentiality::parse,
                "public, internal, confidential or restricted",
            )?,
            categories: if any {
                Allowed::Any
            } else {
                Allowed::Only(
                    raw.categories
                        .iter()
                        .map(category)
                        .collect::<Result<_, _>>()?,
                )
            },
        })
    }
}

/// Parses and checks.
pub(super) fn parse(text: &str, file: &str) -> Result<Config, ConfigFault> {
    let reader = Reader { text, file };
    let raw: Raw = toml::from_str(text).map_err(|fault| {
        let at = fault.span().map_or(0, |span| span.start);
        reader.fault(
            at,
            fault.message().replace('\n', "; "),
            "docs/configuration.md lists every key",
        )
    })?;
    let mut endpoints = BTreeMap::new();
    for endpoint in &raw.endpoint {
        let checked = reader.endpoint(endpoint)?;
        if let Some(twice) = endpoints.insert(checked.facts.name.clone(), checked) {
            let name = twice.facts.name;
            return Err(reader.fault(
                endpoint.name.span().start,
                format!("endpoint `{name}` is there twice"),
                "give each its own name",
            ));
        }
    }
    let mut aliases = BTreeMap::new();
    for (alias, target) in &raw.aliases {
        let at = target.span().start;
        let alias = ModelAlias::parse(alias)
            .map_err(|fault| reader.fault(at, fault.to_string(), "rename it"))?;
        let name = EndpointName::parse(target.get_ref())
            .ok()
            .filter(|name| endpoints.contains_key(name));
        let name = name.ok_or_else(|| {
            reader.fault(
                at,
                format!(
                    "alias `{alias}` stands for `{}`, which is no endpoint",
                    target.get_ref()
                ),
                "name one of the [[endpoint]] tables",
            )
        })?;
        aliases.insert(alias, name);
    }
    for (name, value) in &raw.settings {
        reader.no_plain_secret(name, value)?;
    }
    let mut people = Vec::new();
    for person in &raw.people {
        let role = |text: &Spanned<String>| {
            reader.name(
                text,
                "role",
                |text| RoleName::parse(text).ok(),
                "use a-z, 0-9, `_`, `-`, `.`",
            )
        };
        people.push(PersonConfig {
            user: person.user.get_ref().clone(),
            roles: person.roles.iter().map(role).collect::<Result<_, _>>()?,
        });
    }
    let listen = match &raw.listen {
        None => std::net::SocketAddr::from(([127, 0, 0, 1], 7411)),
        Some(listen) => reader.name(
            listen,
            "listen address",
            |text| text.parse().ok(),
            "for example 127.0.0.1:7411",
        )?,
    };
    let tenant = match &raw.tenant {
        None => interlock_core::id::TenantName::parse("default")
            .map_err(|fault| reader.fault(0, fault.to_string(), "name the tenant"))?,
        Some(tenant) => reader.name(
            tenant,
            "tenant",
            |text| interlock_core::id::TenantName::parse(text).ok(),
            "use a-z, 0-9, `_`, `-`, `.`",
        )?,
    };
    let environment = reader.name(
        &raw.environment,
        "environment",
        |text| interlock_core::id::EnvironmentName::parse(text).ok(),
        "for example dev, test, staging, production",
    )?;
    Ok(Config {
        tenant,
        keep: super::keep::check(&raw.keep, &environment, &reader)?,
        keys: match &raw.keys {
            Some(keys) => keys.check(&reader)?,
            None => super::KeysConfig::default(),
        },
        environment,
        listen,
        endpoints,
        aliases,
        prices: PriceTable::new(
            raw.prices
                .into_iter()
                .map(|(model, price)| {
                    (
                        model,
                        Price {
                            input: price.input,
                            cached: price.cached,
                            output: price.output,
                        },
                    )
                })
                .collect(),
        ),
        settings: raw
            .settings
            .into_iter()
            .map(|(name, value)| (name, value.into_inner()))
            .collect(),
        roots: raw
            .roots
            .into_iter()
            .map(|(name, value)| (name, value.into_inner().into()))
            .collect(),
        people,
        anchors: super::anchor::check(&raw.anchor, raw.witnesses.as_ref(), &reader)?,
        log: raw.log.check(&reader)?,
        retention: super::retention::check(&raw.retention, &reader)?,
        streams: super::stream::check(raw.streams, &reader)?,
        ca_file: raw.egress.and_then(|egress| egress.ca_file).map(Into::into),
    })
}
