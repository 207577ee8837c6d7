//! The HTTP clients behind the one way out, one for each reach, and the resolver that lets a name through only
//! if every address it has may be reached. Certificate checks are rustls's, never switched off.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::EgressOptions;
use super::address::Reach;

/// Longest that one connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; its address was checked when it was made.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The way out cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupFault {
    /// The operator's file of certificate authorities cannot be used.
    #[error("read certificate authorities from `{path}`: {why}")]
    Authorities {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS or the client could not be built: a fault in the program.
    #[error("set up TLS: {0}")]
    Tls(String),
}

/// Names to addresses. A seam for tests: the system's resolver answers otherwise.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// A name was not let through.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) &'static str);

/// The refusal in an error's chain of causes.
pub(super) fn refusal_in(error: &reqwest::Error) -> Option<&Refused> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

/// Resolves once and hands the checked addresses to the connector, so that what is checked is what is used.
struct CheckedResolver {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (Arc::clone(&self.lookup), self.reach);
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await?;
            if addresses.is_empty() {
                return Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
            }
            if addresses.iter().any(|address| !reach.permits(*address)) {
                return Err(Refused("the name has an address that is not permitted").into());
            }
            let checked: Addrs = Box::new(
                addresses
                    .into_iter()
                    .map(|address| SocketAddr::new(address, 0)),
            );
            Ok(checked)
        })
    }
}

/// One client for each reach, so that no pooled connection serves a narrower one.
pub(super) struct Clients {
    public: reqwest::Client,
    both: reqwest::Client,
    private: reqwest::Client,
    authorities: usize,
}

impl Clients {
    pub(super) fn new(
        options: &EgressOptions,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, EgressSetupFault> {
        let roots = roots(options.ca_file.as_deref())?;
        let authorities = roots.len();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| EgressSetupFault::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = |reach| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("interlock/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .referer(false)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .dns_resolver(CheckedResolver {
                    lookup: Arc::clone(lookup),
                    reach,
                })
                .build()
                .map_err(|error| EgressSetupFault::Tls(error.to_string()))
        };
        Ok(Self {
            public: client(Reach::Public)?,
            both: client(Reach::PublicOrPrivate)?,
            private: client(Reach::Private)?,
            authorities,
        })
    }

    /// The client of that reach; `None` where TLS is asked for and there is nothing to check it by.
    pub(super) fn of(&self, reach: Reach, scheme: &str) -> Option<&reqwest::Client> {
        if scheme == "https" && self.authorities == 0 {
            return None;
        }
        Some(match reach {
            Reach::Public => &self.public,
            Reach::PublicOrPrivate => &self.both,
            Reach::Private => &self.private,
        })
    }
}

/// The system's certificate authorities and the operator's own.
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, EgressSetupFault> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_added, unusable) = roots.add_parsable_certificates(native.certs);
    if unusable > 0 || !native.errors.is_empty() {
        tracing::warn!(
            unusable,
            unread = native.errors.len(),
            "some system certificate authorities were left out"
        );
    }
    if let Some(path) = ca_file {
        let fault = |why: String| EgressSetupFault::Authorities {
            path: path.display().to_string(),
            why,
        };
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| fault(error.to_string()))?;
        if certificates.is_empty() {
            return Err(fault("no certificate in it".to_owned()));
        }
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| fault(error.to_string()))?;
        }
    }
    Ok(roots)
}
