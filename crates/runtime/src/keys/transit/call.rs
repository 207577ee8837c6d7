//! Calls to the transit engine over the one way out, with a token from a file or from an AppRole login. TLS or loopback
//! only. An answer's text is never repeated in a fault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use interlock_core::pipeline::model::CallFault;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::{Zeroize, Zeroizing};

use super::answer::Framed;
use super::malformed;
use crate::egress::{Allow, Answer, Egress, OutHeader, Outbound};
use crate::keys::ProviderFault;
use crate::keys::file_secret;
use crate::secret::Secret;

/// How long one call may take.
const CALL_MILLIS_MAX: u64 = 10_000;
/// Bytes of an answer: a batch of keys and its frame.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long a login's token is used at most.
const LOGIN_SECONDS_MAX: u64 = 300;

/// How Interlock proves to be itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransitAuth {
    /// A token in a file of its owner's alone, read again for each call: an agent may renew it.
    TokenFile(PathBuf),
    /// An AppRole.
    AppRole {
        /// Where the method is mounted, `approle` by default.
        mount: String,
        /// The role's id; no secret.
        role_id: String,
        /// The secret id, in a file of its owner's alone.
        secret_id_file: PathBuf,
    },
}

/// Where the engine is and which key of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitAccess {
    /// Scheme, host and port.
    pub url: String,
    /// Whether a private address is meant. Without TLS only loopback is ever called.
    pub allow_private: bool,
    /// Where the engine is mounted.
    pub mount: String,
    /// The key's name.
    pub key: String,
    /// The namespace, where there is one.
    pub namespace: Option<String>,
    /// How to log in.
    pub auth: TransitAuth,
}

pub(super) struct Caller {
    access: TransitAccess,
    allow: Allow,
    egress: Arc<Egress>,
    login: tokio::sync::Mutex<Option<(Secret, Instant)>>,
}

#[derive(Serialize)]
struct Login<'a> {
    role_id: &'a str,
    secret_id: &'a str,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Option<Token>,
}

#[derive(Deserialize)]
struct Token {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
}

fn configuration(text: &str) -> ProviderFault {
    ProviderFault::Configuration(text.to_owned())
}

/// The list of the one host that this URL names. Loopback may do without TLS.
pub(crate) fn allowed(url: &str, private: bool) -> Result<Allow, ProviderFault> {
    let url = Url::parse(url).map_err(|_| configuration("its url cannot be read"))?;
    let host = url
        .host_str()
        .ok_or_else(|| configuration("its url has no host"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare
        .parse::<std::net::IpAddr>()
        .map_or(bare == "localhost", |address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => {
            return Err(configuration(
                "its url has no TLS, which only loopback may do without",
            ));
        }
    }
    if !url.path().trim_matches('/').is_empty() || url.query().is_some() {
        return Err(configuration("its url has more than scheme, host and port"));
    }
    Allow::new([host.to_owned()], private || loopback)
        .map_err(|_| configuration("its host has another spelling than URLs have"))
}

impl Caller {
    pub(super) fn new(access: TransitAccess, egress: Arc<Egress>) -> Result<Self, ProviderFault> {
        Ok(Self {
            allow: allowed(&access.url, access.allow_private)?,
            access,
            egress,
            login: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn address(&self) -> String {
        let TransitAccess {
            url, mount, key, ..
        } = &self.access;
        format!("{url}/v1/{mount}/keys/{key}")
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        rest: &str,
    ) -> Result<T, ProviderFault> {
        self.call(Method::GET, operation, rest, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        operation: &str,
        rest: &str,
        body: &impl Serialize,
    ) -> Result<T, ProviderFault> {
        let body = serde_json::to_vec(body).map_err(|_| malformed())?;
        self.call(Method::POST, operation, rest, Some(Zeroizing::new(body)))
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        operation: &str,
        rest: &str,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<T, ProviderFault> {
        let TransitAccess {
            url, mount, key, ..
        } = &self.access;
        let url = format!("{url}/v1/{mount}/{operation}/{key}{rest}");
        let mut tries = 0;
        loop {
            let (token, of_login) = self.token().await?;
            let mut answer = self
                .send(method.clone(), &url, Some(&token), body.as_ref())
                .await?;
            match answer.status {
                200 | 204 => {
                    let framed: Result<Framed<T>, _> = if answer.body.is_empty() {
                        serde_json::from_str("{\"data\":{}}")
                    } else {
                        serde_json::from_slice(&answer.body)
                    };
                    answer.body.zeroize();
                    return framed
                        .ok()
                        .and_then(|framed| framed.data)
                        .ok_or_else(malformed);
                }
                // A login's token may have ended before its time.
                403 if of_login && tries == 0 => {
                    *self.login.lock().await = None;
                    tries += 1;
                }
                403 => {
                    return Err(configuration(
                        "the transit engine refuses the token, or the token this call",
                    ));
                }
                404 => {
                    return Err(configuration(
                        "the transit engine has no such mount or key\nhint: make it: bao write -f MOUNT/keys/KEY",
                    ));
                }
                // A batch of one that fails may be answered as a fault of the whole.
                400 => {
                    return serde_json::from_slice::<Framed<T>>(&answer.body)
                        .ok()
                        .and_then(|framed| framed.data)
                        .ok_or_else(|| configuration("the transit engine refuses the request"));
                }
                status => {
                    return Err(ProviderFault::Unavailable(format!(
                        "the transit engine answered with status {status}"
                    )));
                }
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        token: Option<&Secret>,
        body: Option<&Zeroizing<Vec<u8>>>,
    ) -> Result<Answer, ProviderFault> {
        let bad = || configuration("a header of the transit engine's cannot be made");
        let mut headers = vec![OutHeader::plain("x-vault-request", "true").ok_or_else(bad)?];
        if let Some(token) = token {
            headers.push(OutHeader::credential("x-vault-token", token.expose()).ok_or_else(bad)?);
        }
        if let Some(namespace) = &self.access.namespace {
            headers.push(OutHeader::plain("x-vault-namespace", namespace).ok_or_else(bad)?);
        }
        let call = Outbound {
            method,
            url,
            headers,
            body: body.map(|body| ("application/json", body.to_vec())),
            allow: &self.allow,
            timeout: Duration::from_millis(CALL_MILLIS_MAX),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        self.egress.send(call).await.map_err(|failure| {
            if failure.fault == CallFault::Egress || failure.fault == CallFault::Configuration {
                ProviderFault::Configuration(failure.to_string())
            } else {
                ProviderFault::Unavailable(failure.to_string())
            }
        })
    }

    /// The token, and whether it came from a login.
    async fn token(&self) -> Result<(Secret, bool), ProviderFault> {
        let (mount, role_id, file) = match &self.access.auth {
            TransitAuth::TokenFile(file) => return Ok((file_secret(file)?, false)),
            TransitAuth::AppRole {
                mount,
                role_id,
                secret_id_file,
            } => (mount, role_id, secret_id_file),
        };
        let mut login = self.login.lock().await;
        if let Some((token, until)) = login.as_ref()
            && *until > Instant::now()
        {
            return Ok((token.clone(), true));
        }
        let secret_id = file_secret(file)?;
        let body = serde_json::to_vec(&Login {
            role_id,
            secret_id: secret_id.expose(),
        });
        let body = Zeroizing::new(body.map_err(|_| malformed())?);
        let url = format!("{}/v1/auth/{mount}/login", self.access.url);
        let mut answer = self.send(Method::POST, &url, None, Some(&body)).await?;
        if answer.status != 200 {
            return Err(configuration("the AppRole login is refused"));
        }
        let logged_in: Result<LoggedIn, _> = serde_json::from_slice(&answer.body);
        answer.body.zeroize();
        let mut auth = logged_in
            .ok()
            .and_then(|logged_in| logged_in.auth)
            .ok_or_else(malformed)?;
        let token = Secret::new(&auth.client_token);
        auth.client_token.zeroize();
        let seconds = (auth.lease_duration / 2).min(LOGIN_SECONDS_MAX);
        *login = Some((token.clone(), Instant::now() + Duration::from_secs(seconds)));
        Ok((token, true))
    }
}
