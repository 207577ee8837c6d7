//! Which hosts one destination may be at, and how far a call to a URL may reach. A URL that is not plainly on the
//! list is refused with a reason that repeats nothing of it.

use reqwest::Url;

use super::address::Reach;

/// Where one destination may be: hosts spelled exactly as a parsed URL spells them, and whether these are meant to
/// be on loopback or private addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    hosts: Vec<String>,
    private: bool,
}

/// A host cannot be on a list in this spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("list host `{host}`: not a host name or address in its one spelling")]
pub struct AllowFault {
    /// As it was written.
    pub host: String,
}

impl Allow {
    /// A list of hosts: lower case, no trailing dot, no port, punycode; an IPv6 address with or without brackets.
    ///
    /// # Errors
    /// A host has another spelling, which no URL would ever match.
    pub fn new(hosts: impl IntoIterator<Item = String>, private: bool) -> Result<Self, AllowFault> {
        let hosts = hosts
            .into_iter()
            .map(|host| {
                let bare = host
                    .trim_start_matches('[')
                    .trim_end_matches(']')
                    .to_owned();
                let spelled = if bare.contains(':') {
                    format!("https://[{bare}]/")
                } else {
                    format!("https://{bare}/")
                };
                let parsed = Url::parse(&spelled).ok().and_then(|url| bare_host(&url));
                let plain = bare
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".:-_".contains(&b));
                if plain && parsed.as_deref() == Some(bare.as_str()) && !bare.ends_with('.') {
                    Ok(bare)
                } else {
                    Err(AllowFault {
                        host: host.chars().take(64).collect(),
                    })
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { hosts, private })
    }

    /// Whether loopback and private addresses are meant.
    #[must_use]
    pub const fn private(&self) -> bool {
        self.private
    }

    /// How far a call to this URL may reach; an error says why it may not be called at all.
    pub(super) fn reach(&self, url: &Url) -> Result<Reach, &'static str> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL names a user");
        }
        let reach = match (url.scheme(), self.private) {
            ("https", false) => Reach::Public,
            ("https", true) => Reach::PublicOrPrivate,
            ("http", true) => Reach::Private,
            ("http", false) => return Err("the URL has no TLS"),
            _ => return Err("the URL is neither http nor https"),
        };
        let host = bare_host(url).ok_or("the URL has no host")?;
        if !self.hosts.contains(&host) {
            return Err("the host is not listed");
        }
        // The resolver never sees a host that is an address, so it is checked here.
        match host.parse() {
            Ok(literal) if !reach.permits(literal) => Err("the address is not permitted"),
            _ => Ok(reach),
        }
    }
}

fn bare_host(url: &Url) -> Option<String> {
    url.host_str().map(|host| {
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned()
    })
}
