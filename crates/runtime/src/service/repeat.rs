//! Requests that may be repeated: found again by a keyed index of the caller's idempotency key, and held against a
//! digest under a key that is derived from those that the input depends on. What was asked can so be compared for as
//! long as it could be opened, and not guessed at afterwards.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use interlock_bundle::Bundle;
use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, RunId, SubjectId};
use interlock_core::label::Path;
use interlock_core::seams::Shapes as _;
use interlock_core::time::Timestamp;
use interlock_core::workflow::Workflow;

use super::StartRequest;
use crate::engine::{Engine, Fault};
use crate::seal::{MarkedBy, Terms};

/// The purpose of the blind index of idempotency keys.
const REQUEST: &str = "request";

/// What a request asks for, as it is held against an earlier one.
pub(super) struct Asked<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) workflow: &'a Workflow,
    pub(super) request: &'a StartRequest,
    pub(super) subjects: &'a [SubjectId],
}

impl Engine {
    /// Where a request is found again. Keys of different callers never meet.
    pub(super) async fn request_index(
        &self,
        request: &StartRequest,
    ) -> Result<Option<String>, Fault> {
        let Some(key) = &request.key else {
            return Ok(None);
        };
        let book = &self.parts.book;
        let text = format!("{}\n{key}", request.requester.id());
        Ok(Some(book.blind_index(self.tenant(), REQUEST, &text).await?))
    }

    /// The digest of a request that started this run, or is about to.
    ///
    /// # Errors
    /// The keys cannot be reached, or one that the run's input depends on is gone: nothing can be compared then.
    pub(super) async fn request_digest(
        &self,
        run: RunId,
        asked: &Asked<'_>,
    ) -> Result<Digest, Fault> {
        let (bundle, workflow, request) = (asked.bundle, asked.workflow, asked.request);
        let label = bundle.shapes().labels(&workflow.input).at(&Path::root());
        let class = self
            .retention()
            .class_of(bundle.name(), &workflow.name, &label.categories);
        let terms = Terms {
            class: class.to_owned(),
            at: begun(run),
            subjects: asked.subjects.iter().copied().collect::<BTreeSet<_>>(),
        };
        self.refuse_gone(&terms).await?;
        // No payload has the digits of its run: the key is of this digest alone.
        let place = self.place(run, PayloadId::from_bytes(run.to_bytes()), REQUEST);
        let sealer = &self.parts.sealer;
        let keys = sealer.mark_keys(&place, MarkedBy::Terms(&terms)).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, keys.seal.as_slice());
        let mut context = hmac::Context::with_key(&key);
        for part in [
            b"interlock/request/v1".as_slice(),
            &bundle.version().to_bytes(),
            workflow.name.as_str().as_bytes(),
            &request.requester.id().to_bytes(),
            &request.input,
        ] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        <[u8; 32]>::try_from(context.sign().as_ref())
            .map(Digest::from_bytes)
            .map_err(|_| Fault::Bug("a digest of another length".to_owned()))
    }
}

/// When a run began, as its id says: in the same month for whoever asks again.
fn begun(run: RunId) -> Timestamp {
    let bytes = run.to_bytes();
    let millis = bytes.iter().take(6);
    let millis = millis.fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    Timestamp::from_micros(millis.saturating_mul(1000))
}
