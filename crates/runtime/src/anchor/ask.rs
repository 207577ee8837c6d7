//! One anchor asked about one checkpoint, each kind in its own way. What comes back is kept and said by `rounds`.

use std::time::Duration;

use super::rounds::Anchors;
use super::s3::{Before, Bucket};
use super::state::State;
use super::timestamp::{Query, REPLY_BYTES_MAX};
use super::witness::Witness;
use super::{Given, Reached, Target, Unanchored, kept};
use crate::aws::Credentials;
use crate::clock::random;
use crate::config::{AnchorConfig, AnchorKind};
use crate::egress::Outbound;

/// How far an authority's time and our clock may lie apart.
const SKEW_MICROS_MAX: u64 = 600_000_000;

impl Anchors {
    /// Takes a checkpoint to an anchor.
    pub(super) async fn ask(
        &self,
        anchor: &AnchorConfig,
        target: &Target,
        state: &State,
    ) -> Result<Given, Unanchored> {
        let unusable = Unanchored::Failed("its address cannot be used");
        let reached =
            Reached::new(&self.egress, &anchor.url, anchor.allow_private).ok_or(unusable)?;
        let now = self.engine.clock().now();
        match &anchor.kind {
            AnchorKind::Witness { key } => {
                let witness = Witness {
                    reached,
                    key,
                    store: self.engine.store(),
                    tenant: self.engine.tenant(),
                };
                let last = state.last.as_ref().map_or(0, |last| last.size);
                witness.cosign(target, last, now).await
            }
            AnchorKind::S3 {
                bucket,
                prefix,
                region,
                access_key_id,
                secret,
                retain_days,
            } => {
                let secret_access_key = self.secrets.get(secret).await.map_err(|fault| {
                    tracing::warn!(%fault, "an anchor's secret cannot be had");
                    Unanchored::Failed("its secret cannot be had")
                })?;
                let place = Bucket {
                    reached,
                    bucket: bucket.as_deref(),
                    prefix,
                    region,
                    credentials: Credentials {
                        access_key_id: access_key_id.clone(),
                        secret_access_key,
                        session_token: None,
                    },
                    retain_days: *retain_days,
                };
                let before = match &state.last {
                    None => None,
                    Some(last) => kept::receipt(&self.engine, &anchor.name, last.size)
                        .await
                        .map_err(|_| Unanchored::Failed("what it gave before cannot be read"))?,
                };
                let before = before.as_ref().and_then(|kept| {
                    Some(Before {
                        size: kept.size,
                        note: &kept.bytes,
                        until: kept.until.as_deref()?,
                    })
                });
                place.put(target, before, now).await
            }
            AnchorKind::Timestamp => self.stamp(&reached, target).await,
        }
    }

    async fn stamp(&self, reached: &Reached<'_>, target: &Target) -> Result<Given, Unanchored> {
        let random = random::<8>(self.entropy.as_ref())
            .map_err(|_| Unanchored::Failed("the system gives no randomness"))?;
        let query = Query::new(&target.note, random)
            .ok_or(Unanchored::Failed("the query cannot be written"))?;
        let call = Outbound {
            method: reqwest::Method::POST,
            url: reached.url,
            headers: Vec::new(),
            body: Some(("application/timestamp-query", query.bytes.clone())),
            allow: &reached.allow,
            timeout: Duration::from_secs(20),
            body_bytes_max: REPLY_BYTES_MAX,
        };
        let answer = self.egress.send(call).await;
        let answer = answer.map_err(|failure| Unanchored::Failed(failure.why))?;
        if answer.status != 200 {
            return Err(Unanchored::Failed(
                "the authority did not answer with a reply",
            ));
        }
        let token = query.check(&answer.body).map_err(|fault| {
            tracing::warn!(%fault, "a timestamp reply is not kept");
            Unanchored::Failed("the authority's reply is refused")
        })?;
        let now = self.engine.clock().now();
        if token.time.as_micros().abs_diff(now.as_micros()) > SKEW_MICROS_MAX {
            return Err(Unanchored::Failed(
                "the authority's clock and ours lie far apart",
            ));
        }
        Ok(Given {
            bytes: answer.body,
            time: Some(token.time),
            until: None,
        })
    }
}
