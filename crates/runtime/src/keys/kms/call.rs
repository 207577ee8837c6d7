//! Calls to KMS over the one way out, signed as Signature Version 4 asks. Credentials lie in a file of AWS's shared form,
//! read again for each call. An answer's message is never repeated in a fault; its type is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_core::pipeline::model::CallFault;
use reqwest::{Method, Url};
use serde_json::Value;
use zeroize::Zeroize;

use super::malformed;
use crate::aws::{self, Credentials};
use crate::clock::Clock;
use crate::egress::{Allow, Egress, OutHeader, Outbound};
use crate::keys::{ProviderFault, allowed, file_secret};
use crate::secret::Secret;

/// How long one call may take.
const CALL_MILLIS_MAX: u64 = 10_000;
/// Bytes of an answer: a page of a hundred aliases and its frame.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const JSON: &str = "application/x-amz-json-1.1";

/// Where KMS is and who calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsAccess {
    /// The region.
    pub region: String,
    /// Scheme, host and port: the region's own, or an endpoint inside the network.
    pub endpoint: String,
    /// Whether a private address is meant. Without TLS only loopback is ever called.
    pub allow_private: bool,
    /// What the epochs' aliases begin with.
    pub alias: String,
    /// Credentials in AWS's shared form, in a file of its owner's alone; the profile `default` is used.
    pub credentials_file: PathBuf,
    /// How long KMS waits before it deletes an epoch's key, 7 to 30 days.
    pub pending_days: u8,
}

pub(super) struct Caller {
    access: KmsAccess,
    host: String,
    allow: Allow,
    egress: Arc<Egress>,
    clock: Arc<dyn Clock>,
}

/// Why KMS did not do it.
pub(super) enum Refusal {
    NotFound,
    AlreadyExists,
    /// The key waits for its deletion.
    Ended,
    /// The ciphertext does not open here.
    Ciphertext,
    Fault(ProviderFault),
}

impl Refusal {
    pub(super) fn into_fault(self, epoch: u32) -> ProviderFault {
        match self {
            Self::NotFound | Self::Ended => ProviderFault::Gone(epoch),
            Self::Ciphertext => ProviderFault::Refused,
            Self::AlreadyExists => malformed(),
            Self::Fault(fault) => fault,
        }
    }
}

/// The `default` profile of a credentials file.
fn credentials(path: &Path) -> Result<Credentials, ProviderFault> {
    let text = file_secret(path)?;
    let (mut id, mut key, mut token) = (None, None, None);
    let mut ours = false;
    for line in text.expose().lines().map(str::trim) {
        if let Some(profile) = line.strip_prefix('[') {
            ours = profile.trim_end_matches(']').trim() == "default";
        }
        if let (true, Some((name, value))) = (ours, line.split_once('=')) {
            match name.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => key = Some(Secret::new(value)),
                "aws_session_token" => token = Some(Secret::new(value)),
                _ => {}
            }
        }
    }
    match (id, key) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(Credentials {
            access_key_id,
            secret_access_key,
            session_token: token,
        }),
        _ => Err(ProviderFault::Configuration(format!(
            "the credential file `{}` has no [default] with aws_access_key_id and aws_secret_access_key",
            path.display()
        ))),
    }
}

impl Caller {
    pub(super) fn new(
        access: KmsAccess,
        egress: Arc<Egress>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProviderFault> {
        let allow = allowed(&access.endpoint, access.allow_private)?;
        let url = Url::parse(&access.endpoint).map_err(|_| malformed())?;
        let host = url.host_str().ok_or_else(malformed)?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            access,
            host,
            allow,
            egress,
            clock,
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.access.endpoint
    }

    /// A call that nothing but success answers.
    pub(super) async fn must(&self, operation: &str, body: &Value) -> Result<Value, ProviderFault> {
        self.call(operation, body)
            .await
            .map_err(|refusal| match refusal {
                Refusal::Fault(fault) => fault,
                Refusal::NotFound | Refusal::AlreadyExists => malformed(),
                Refusal::Ended | Refusal::Ciphertext => ProviderFault::Configuration(format!(
                    "KMS refuses {operation} in this state of the key"
                )),
            })
    }

    pub(super) async fn call(&self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        let body = serde_json::to_vec(body).map_err(|_| Refusal::Fault(malformed()))?;
        let target = format!("TrentService.{operation}");
        let signed = aws::sign(
            aws::Request {
                method: "POST",
                host: &self.host,
                path: "/",
                query: &[],
                headers: &[("content-type", JSON), ("x-amz-target", &target)],
                body: &body,
            },
            &credentials(&self.access.credentials_file).map_err(Refusal::Fault)?,
            &self.access.region,
            "kms",
            self.clock.now(),
        );
        let mut headers = Vec::with_capacity(signed.len() + 1);
        headers.extend(OutHeader::plain("x-amz-target", &target));
        for (name, value) in &signed {
            headers.extend(OutHeader::credential(name, value.expose()));
        }
        let url = format!("{}/", self.access.endpoint);
        let call = Outbound {
            method: Method::POST,
            url: &url,
            headers,
            body: Some((JSON, body)),
            allow: &self.allow,
            timeout: Duration::from_millis(CALL_MILLIS_MAX),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let mut answer = self.egress.send(call).await.map_err(|failure| {
            Refusal::Fault(match failure.fault {
                CallFault::Egress | CallFault::Configuration => {
                    ProviderFault::Configuration(failure.to_string())
                }
                _ => ProviderFault::Unavailable(failure.to_string()),
            })
        })?;
        let status = answer.status;
        let value = if answer.body.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice::<Value>(&answer.body)
        };
        answer.body.zeroize();
        let value = value.map_err(|_| Refusal::Fault(malformed()))?;
        if status == 200 {
            return Ok(value);
        }
        let kind = value.get("__type").and_then(Value::as_str).unwrap_or("");
        Err(refusal(operation, status, kind))
    }
}

fn refusal(operation: &str, status: u16, kind: &str) -> Refusal {
    // The type may come with a namespace before it.
    let kind = kind.rsplit('#').next().unwrap_or_default();
    match kind {
        "NotFoundException" => Refusal::NotFound,
        "AlreadyExistsException" => Refusal::AlreadyExists,
        // A disabled key is not destroyed: it is a fault of the configuration, below.
        "KMSInvalidStateException" => Refusal::Ended,
        "InvalidCiphertextException" | "IncorrectKeyException" => Refusal::Ciphertext,
        _ if status >= 500 || kind == "ThrottlingException" => Refusal::Fault(
            ProviderFault::Unavailable(format!("KMS answered {operation} with status {status}")),
        ),
        _ => {
            let kind: String = kind
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(60)
                .collect();
            Refusal::Fault(ProviderFault::Configuration(format!(
                "KMS refuses {operation}: {kind}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn credentials_are_the_default_profiles_and_their_files_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let check = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            credentials(&path)
        };
        let good = "[other]\naws_access_key_id = B\n[default]\naws_access_key_id = A\naws_secret_access_key=canary\n";
        let read = check(good, 0o600).unwrap();
        assert_eq!(read.access_key_id, "A");
        assert_eq!(read.secret_access_key.expose(), "canary");
        assert!(check(good, 0o640).is_err());
        assert!(check("[other]\naws_access_key_id = B\n", 0o600).is_err());
        assert!(!format!("{:?}", check("aws_secret_access_key=canary", 0o600)).contains("canary"));
    }
}
