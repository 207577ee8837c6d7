//! A checkpoint as an object in a bucket with Object Lock: put once (`If-None-Match: *`), locked in compliance mode,
//! then read back. An object that says something else, is gone, or is locked for a shorter time is an alarm.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_core::time::Timestamp;
use reqwest::{Method, Url};

use super::{Alarm, Given, Reached, Target, Unanchored};
use crate::aws::{self, Credentials};
use crate::egress::{Answer, OutHeader, Outbound};

/// Bytes of an object: a checkpoint with its signatures.
const OBJECT_BYTES_MAX: usize = 64 * 1024;
const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";

/// A bucket and how to be let in.
pub(super) struct Bucket<'a> {
    pub(super) reached: Reached<'a>,
    /// None where the host names it.
    pub(super) bucket: Option<&'a str>,
    pub(super) prefix: &'a str,
    pub(super) region: &'a str,
    pub(super) credentials: Credentials,
    pub(super) retain_days: u32,
}

/// What was put before, as it is on record.
pub(super) struct Before<'a> {
    pub(super) size: u64,
    pub(super) note: &'a [u8],
    /// `YYYY-MM-DDThh:mm:ssZ`
    pub(super) until: &'a str,
}

impl Bucket<'_> {
    /// Puts a checkpoint, or finds the very same there. `Given::bytes` are the object's, `Given::until` says how long
    /// it is locked.
    pub(super) async fn put(
        &self,
        target: &Target,
        before: Option<Before<'_>>,
        now: Timestamp,
    ) -> Result<Given, Unanchored> {
        if let Some(before) = before {
            self.look_again(&before, now).await?;
        }
        let until = seconds_of(now.plus_seconds(self.retain_days.saturating_mul(86_400)));
        let hash = digest::digest(&digest::SHA256, &target.note);
        let checksum = STANDARD.encode(hash.as_ref());
        let headers = [
            ("if-none-match", "*"),
            (MODE, "COMPLIANCE"),
            (UNTIL, until.as_str()),
            ("x-amz-sdk-checksum-algorithm", "SHA256"),
            ("x-amz-checksum-sha256", checksum.as_str()),
        ];
        let answer = self
            .ask(Method::PUT, target.size, &headers, &target.note, now)
            .await?;
        let fresh = match answer.status {
            200 => true,
            412 => false,
            409 => {
                return Err(Unanchored::Failed(
                    "another request for the object is under way",
                ));
            }
            403 => return Err(Unanchored::Failed("the bucket refuses the credentials")),
            404 => return Err(Unanchored::Failed("there is no such bucket")),
            400 => {
                return Err(Unanchored::Failed(
                    "the bucket refuses the lock: it has no Object Lock",
                ));
            }
            _ => return Err(Unanchored::Failed("the bucket did not take the object")),
        };
        let found = self.get(target.size, now).await?;
        let Some((bytes, locked)) = found else {
            return Err(Unanchored::Failed("the object cannot be read back"));
        };
        if !target.is_said_by(&bytes) {
            return Err(Unanchored::Alarm(Alarm::Altered, bytes));
        }
        let locked = locked.ok_or(Unanchored::Failed(
            "the bucket does not say that the object is locked",
        ))?;
        let least = if fresh { until } else { seconds_of(now) };
        if locked < least {
            return Err(Unanchored::Alarm(Alarm::Shortened, bytes));
        }
        Ok(Given {
            bytes,
            time: None,
            until: Some(locked),
        })
    }

    /// The object that was put last is still there, with the same bytes and no shorter lock.
    async fn look_again(&self, before: &Before<'_>, now: Timestamp) -> Result<(), Unanchored> {
        let Some((bytes, locked)) = self.get(before.size, now).await? else {
            return if before.until <= seconds_of(now).as_str() {
                Ok(())
            } else {
                Err(Unanchored::Alarm(Alarm::Gone, before.note.to_vec()))
            };
        };
        if bytes != before.note {
            return Err(Unanchored::Alarm(Alarm::Altered, bytes));
        }
        match locked {
            Some(locked) if locked.as_str() >= before.until => Ok(()),
            _ => Err(Unanchored::Alarm(Alarm::Shortened, bytes)),
        }
    }

    /// An object with the end of its compliance lock; no object where there is none.
    async fn get(
        &self,
        size: u64,
        now: Timestamp,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, Unanchored> {
        let answer = self.ask(Method::GET, size, &[], &[], now).await?;
        match answer.status {
            200 => {
                let mode = answer.header(MODE) == Some("COMPLIANCE");
                let until = answer.header(UNTIL).filter(|_| mode).and_then(until_of);
                Ok(Some((answer.body, until)))
            }
            404 => Ok(None),
            _ => Err(Unanchored::Failed(
                "the bucket does not let the object be read",
            )),
        }
    }

    async fn ask(
        &self,
        method: Method,
        size: u64,
        headers: &[(&str, &str)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Answer, Unanchored> {
        let unusable = Unanchored::Failed("the bucket's address cannot be used");
        let base = Url::parse(self.reached.url).map_err(|_| unusable.clone())?;
        let mut path = base.path().trim_end_matches('/').to_owned();
        for part in [self.bucket.unwrap_or_default(), self.prefix] {
            if !part.is_empty() {
                path.push('/');
                path.push_str(&aws::encode_path(part));
            }
        }
        path.push_str(&format!("/{size:020}"));
        let host = match (base.host_str(), base.port()) {
            (Some(host), None) => host.to_owned(),
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (None, _) => return Err(unusable),
        };
        let request = aws::Request {
            method: method.as_str(),
            host: &host,
            path: &path,
            query: &[],
            headers,
            body,
        };
        let signed = aws::sign(request, &self.credentials, self.region, "s3", now);
        let plain = headers
            .iter()
            .map(|(name, value)| OutHeader::plain(name, value));
        let secret = signed
            .iter()
            .map(|(name, value)| OutHeader::credential(name, value.expose()));
        let headers = plain
            .chain(secret)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| unusable.clone())?;
        let has_body = method == Method::PUT;
        let call = Outbound {
            method,
            url: &format!("{}://{host}{path}", base.scheme()),
            headers,
            body: has_body.then(|| ("text/plain; charset=utf-8", body.to_vec())),
            allow: &self.reached.allow,
            timeout: Duration::from_secs(20),
            body_bytes_max: OBJECT_BYTES_MAX,
        };
        let answer = self.reached.egress.send(call).await;
        answer.map_err(|failure| Unanchored::Failed(failure.why))
    }
}

/// `YYYY-MM-DDThh:mm:ssZ`: texts of this form are in the order of their times.
fn seconds_of(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

/// The same, from a form with or without a fraction. Anything else tells nothing.
fn until_of(text: &str) -> Option<String> {
    let head = text.get(..19)?;
    let rest = text
        .get(19..)?
        .strip_suffix('Z')
        .or_else(|| text.get(19..)?.strip_suffix("+00:00"))?;
    let fraction = rest.is_empty()
        || rest
            .strip_prefix('.')
            .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let form = head
        .bytes()
        .zip("dddd-dd-ddTdd:dd:dd".bytes())
        .all(|(b, form)| match form {
            b'd' => b.is_ascii_digit(),
            other => b == other,
        });
    (fraction && form).then(|| format!("{head}Z"))
}

#[cfg(test)]
mod tests;
