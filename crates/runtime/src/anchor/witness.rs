//! The client's side of C2SP tlog-witness: a checkpoint with the proof that it follows what the witness saw last, for
//! a cosignature, which is verified under the configured key before it counts. A refusal that can only mean another
//! history is an alarm.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use interlock_journal::cosignature;
use interlock_journal::note::{SignatureLine, VerifierKey};
use interlock_store::Store;
use reqwest::Method;

use super::growth::{self, Growth};
use super::{Alarm, Given, Reached, Target, Unanchored};
use crate::egress::{Answer, Outbound};

/// Lines of a consistency proof in a request.
const PROOF_LINES_MAX: usize = 63;
/// Bytes of an answer: a handful of signature lines.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Seconds that a cosignature's time and our clock may lie apart: a cosignature from before is no answer to now.
const SKEW_SECONDS_MAX: u64 = 600;

/// A witness and the log that it is to see.
pub(super) struct Witness<'a> {
    pub(super) reached: Reached<'a>,
    pub(super) key: &'a VerifierKey,
    pub(super) store: &'a dyn Store,
    pub(super) tenant: &'a TenantName,
}

/// What a witness said to one request.
enum Said {
    /// Signature lines.
    Cosigned(String),
    /// What it saw last is of another size.
    Elsewhere(u64),
    /// The proof does not lead from what it saw last to this checkpoint.
    NoGrowth(Vec<u8>),
}

impl Witness<'_> {
    /// Has a checkpoint cosigned. `last` is the size that the witness is believed to have seen last; it says where
    /// that is wrong, and is asked once more from there.
    pub(super) async fn cosign(
        &self,
        target: &Target,
        last: u64,
        now: Timestamp,
    ) -> Result<Given, Unanchored> {
        let mut old = if last <= target.size { last } else { 0 };
        for _attempt in 0..2 {
            let growth = self.growth(old, target).await?;
            let request = request(old, &growth, &target.note)?;
            match self.ask(&request).await? {
                Said::Cosigned(lines) => return self.verified(target, &lines, now),
                Said::Elsewhere(size) if size == old && size == target.size => {
                    return Err(Unanchored::Alarm(Alarm::Fork, request));
                }
                Said::Elsewhere(size) if size == old => {
                    return Err(Unanchored::Failed("the witness contradicts itself"));
                }
                Said::Elsewhere(size) if size > target.size => {
                    return Err(self.ahead(size, request).await);
                }
                Said::Elsewhere(size) => old = size,
                // The proof was held against our own tiles before it was sent, so it is the witness's root that is
                // another than ours.
                Said::NoGrowth(answer) => {
                    let mut shown = request;
                    shown.extend_from_slice(&answer);
                    return Err(Unanchored::Alarm(Alarm::Fork, shown));
                }
            }
        }
        Err(Unanchored::Failed("the witness moves while it is asked"))
    }

    async fn growth(&self, old: u64, target: &Target) -> Result<Growth, Unanchored> {
        let (new, root) = (target.size, target.root);
        growth::stored(self.store, self.tenant, old, new, root)
            .await
            .map_err(|_| Unanchored::Failed("the store cannot be read"))?
            .map_err(|_| {
                Unanchored::Failed("the store's own tiles do not prove growth: verify the log")
            })
    }

    /// The witness saw more than the checkpoint has. Another process may have published meanwhile; otherwise entries
    /// were taken away.
    async fn ahead(&self, size: u64, request: Vec<u8>) -> Unanchored {
        match self.store.published(self.tenant).await {
            Ok(Some(published)) if published.size >= size => {
                Unanchored::Failed("the log was published further meanwhile")
            }
            Ok(_) => Unanchored::Alarm(Alarm::Rollback, request),
            Err(_) => Unanchored::Failed("the store cannot be read"),
        }
    }

    async fn ask(&self, request: &[u8]) -> Result<Said, Unanchored> {
        let call = Outbound {
            method: Method::POST,
            url: &format!("{}/add-checkpoint", self.reached.url),
            headers: Vec::new(),
            body: Some(("text/plain; charset=utf-8", request.to_vec())),
            allow: &self.reached.allow,
            timeout: Duration::from_secs(20),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.reached.egress.send(call).await;
        let answer = answer.map_err(|failure| Unanchored::Failed(failure.why))?;
        match answer.status {
            200 => String::from_utf8(answer.body)
                .map(Said::Cosigned)
                .map_err(|_| Unanchored::Failed("the witness's answer is no text")),
            409 => size_of(&answer)
                .map(Said::Elsewhere)
                .ok_or(Unanchored::Failed("the witness's conflict names no size")),
            422 => Ok(Said::NoGrowth(answer.body)),
            403 => Err(Unanchored::Failed(
                "the witness does not know the log's key",
            )),
            404 => Err(Unanchored::Failed("the witness does not know the log")),
            400 => Err(Unanchored::Failed("the witness cannot read the request")),
            _ => Err(Unanchored::Failed("the witness cannot answer now")),
        }
    }

    /// The checkpoint with the witness's own cosignature, made just now, and no other new line.
    fn verified(&self, target: &Target, lines: &str, now: Timestamp) -> Result<Given, Unanchored> {
        let keys = [self.key.clone()];
        let known = cosignature::answered(&target.signed, lines, &keys).map_err(|_| {
            Unanchored::Failed("the answer has no cosignature of the configured key that verifies")
        })?;
        let seconds = now.as_micros() / 1_000_000;
        let timely = |time: u64| time.abs_diff(seconds) <= SKEW_SECONDS_MAX;
        let [(line, said)] = known.as_slice() else {
            return Err(Unanchored::Failed(
                "the answer has several cosignatures of one key",
            ));
        };
        let time = said
            .time
            .filter(|time| timely(*time))
            .ok_or(Unanchored::Failed(
                "the cosignature is stale, or a clock is wrong",
            ))?;
        let lines: [SignatureLine; 1] = [line.clone()];
        let note = target.signed.with(&lines);
        let note = note.map_err(|_| Unanchored::Failed("the cosigned note is over its bound"))?;
        Ok(Given {
            bytes: note.to_bytes(),
            time: Some(Timestamp::from_micros(time.saturating_mul(1_000_000))),
            until: None,
        })
    }
}

/// `old N`, the proof, an empty line, the checkpoint.
fn request(old: u64, growth: &Growth, note: &[u8]) -> Result<Vec<u8>, Unanchored> {
    if growth.proof.len() > PROOF_LINES_MAX {
        return Err(Unanchored::Failed(
            "the proof is longer than a witness takes",
        ));
    }
    let mut body = format!("old {old}\n");
    for hash in &growth.proof {
        body.push_str(&STANDARD.encode(hash.to_bytes()));
        body.push('\n');
    }
    body.push('\n');
    let mut body = body.into_bytes();
    body.extend_from_slice(note);
    Ok(body)
}

/// The size that a conflict names: shortest decimal and a line break, `text/x.tlog.size`.
fn size_of(answer: &Answer) -> Option<u64> {
    let kind = answer.header("content-type")?;
    if kind.split(';').next()?.trim() != "text/x.tlog.size" {
        return None;
    }
    let text = std::str::from_utf8(&answer.body).ok()?.strip_suffix('\n')?;
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && text.len() <= 19;
    let shortest = text == "0" || !text.starts_with('0');
    (digits && shortest).then(|| text.parse().ok()).flatten()
}
