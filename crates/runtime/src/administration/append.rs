//! Appending to the administration chain: compare-and-swap on its head, again where somebody else was faster, and an
//! unknown outcome is learnt by reading. The chain's epoch is 0 for ever: nobody owns it, so nobody fences it.

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId};
use interlock_core::limits::REASON_CHARS_MAX;
use interlock_core::run::Slot;
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, Entry, LeafHash};
use interlock_store::{Append, AppendFault, Head, NewEntry, RunRow, RunStatus, SealedPayload};

use super::{ADMINISTRATION_RUN, ADMINISTRATION_WORKFLOW, Administration};
use crate::codec::{self, ActBody, PayloadNote};
use crate::engine::{Engine, Fault};
use crate::retention::ADMINISTRATION_CLASS;
use crate::seal::Terms;

/// How often another writer may be faster before the act is given up. Nothing is stored then.
const ATTEMPTS_MAX: u32 = 32;
/// How often an append of unknown outcome is looked up.
const LOOKUPS_MAX: u32 = 5;

/// What became of one attempt.
enum Attempt {
    Stored,
    Elsewhere,
}

impl Engine {
    /// Records an administrative act; durable when it returns. Returns its place in the administration chain. The
    /// reason is sealed under a key of its own and never stands in the entry.
    ///
    /// # Errors
    /// The store or the keys cannot be reached, or the outcome could not be learnt: whoever must know looks it up in
    /// [`Engine::administration_history`]. A reason over `REASON_CHARS_MAX` is a bug of the caller.
    pub async fn administer(
        &self,
        act: Administration,
        reason: Option<&str>,
        by: Option<PrincipalId>,
    ) -> Result<u64, Fault> {
        // Within one process writers queue here instead of failing each other's compare-and-swap.
        let _turn = self.administering.lock().await;
        let now = self.parts.clock.now();
        let (note, sealed) = match reason {
            None => (None, None),
            Some(reason) => {
                let (note, sealed) = self.seal_reason(now, reason).await?;
                (Some(note), Some(sealed))
            }
        };
        let kind = act.kind();
        let body = ActBody {
            act,
            by,
            reason: note,
        };
        let Canon::Object(body) =
            codec::encode_act(&body).map_err(|fault| Fault::Bug(fault.to_string()))?
        else {
            return Err(Fault::Bug("an entry's body is an object".to_owned()));
        };
        for _ in 0..ATTEMPTS_MAX {
            let head = self.store().head(self.tenant(), ADMINISTRATION_RUN).await?;
            let entry = self.administration_entry(head, kind, body.clone(), now)?;
            let (seq, hash) = (entry.seq(), entry.leaf_hash());
            let append = Append {
                run: ADMINISTRATION_RUN,
                expected: head,
                epoch: 0,
                entries: vec![NewEntry {
                    seq,
                    bytes: entry.into_bytes(),
                    hash,
                }],
                payloads: sealed.iter().cloned().collect(),
                row: administration_row(now),
                waits: Vec::new(),
                request_key: None,
            };
            match self.attempt(append, head, Head { seq, hash }).await? {
                Attempt::Stored => return Ok(seq),
                Attempt::Elsewhere => {}
            }
        }
        Err(Fault::Elsewhere)
    }

    fn administration_entry(
        &self,
        head: Option<Head>,
        kind: &str,
        body: interlock_journal::Object,
        now: Timestamp,
    ) -> Result<Entry, Fault> {
        Entry::new(interlock_journal::Draft {
            tenant: self.tenant().to_string(),
            environment: self.environment().to_string(),
            run: ADMINISTRATION_RUN.to_string(),
            seq: head.map_or(0, |head| head.seq.saturating_add(1)),
            prev: head.map_or(LeafHash::ZERO, |head| head.hash),
            epoch: 0,
            time: now.to_string(),
            event: kind.to_owned(),
            body,
        })
        .map_err(|fault| Fault::Bug(fault.to_string()))
    }

    async fn attempt(
        &self,
        append: Append,
        before: Option<Head>,
        wanted: Head,
    ) -> Result<Attempt, Fault> {
        let mut lookups = 0;
        loop {
            match self.store().append(self.tenant(), append.clone()).await {
                Ok(_) => return Ok(Attempt::Stored),
                Err(AppendFault::Conflict { .. }) => return self.found(wanted).await,
                Err(AppendFault::Unavailable(fault)) => return Err(fault.into()),
                Err(
                    fault @ (AppendFault::Fenced { .. }
                    | AppendFault::DuplicateRequest { .. }
                    | AppendFault::Broken { .. }
                    | AppendFault::TooLarge { .. }),
                ) => return Err(Fault::Bug(fault.to_string())),
                Err(AppendFault::Unknown) => {}
            }
            loop {
                lookups += 1;
                if lookups > LOOKUPS_MAX {
                    return Err(Fault::Unknown);
                }
                match self.store().head(self.tenant(), ADMINISTRATION_RUN).await {
                    Ok(Some(found)) if found == wanted => return Ok(Attempt::Stored),
                    Ok(found) if found == before => break,
                    Ok(_) => return self.found(wanted).await,
                    Err(_) => {
                        tokio::time::sleep(std::time::Duration::from_millis(20 << lookups)).await;
                    }
                }
            }
        }
    }

    /// Whether the entry is in the chain, which has gone on since.
    async fn found(&self, wanted: Head) -> Result<Attempt, Fault> {
        let stored = self
            .administration_stored(wanted.seq)
            .await?
            .is_some_and(|entry| entry.hash == wanted.hash);
        Ok(if stored {
            Attempt::Stored
        } else {
            Attempt::Elsewhere
        })
    }

    async fn seal_reason(
        &self,
        now: Timestamp,
        reason: &str,
    ) -> Result<(PayloadNote, SealedPayload), Fault> {
        if reason.chars().count() > REASON_CHARS_MAX {
            return Err(Fault::Bug("a reason over its bound".to_owned()));
        }
        let id = PayloadId::from_bytes(
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?,
        );
        let content =
            zeroize::Zeroizing::new(serde_json::Value::from(reason).to_string().into_bytes());
        let terms = Terms {
            class: ADMINISTRATION_CLASS.to_owned(),
            at: now,
            subjects: std::collections::BTreeSet::new(),
        };
        let place = self.place(ADMINISTRATION_RUN, id, Slot::Reason.as_str());
        let sealed = self.parts.sealer.seal(&place, &terms, &content).await?;
        let note = PayloadNote {
            id,
            slot: Slot::Reason,
            commitment: sealed.commitment,
            ciphertext_digest: sealed.ciphertext_digest,
            padded_bytes: sealed.padded_bytes,
            class: codec::NotedClass::of(&terms.class)
                .map_err(|what| Fault::Bug(what.to_owned()))?,
            kept: codec::Kept::Full,
            marks: None,
        };
        let payload = SealedPayload {
            id,
            run: ADMINISTRATION_RUN,
            class: terms.class,
            header: sealed.header,
            ciphertext: sealed.ciphertext,
            marks: Vec::new(),
        };
        Ok((note, payload))
    }
}

/// The chain's row: it waits for ever and nothing wakes it.
fn administration_row(now: Timestamp) -> RunRow {
    RunRow {
        run: ADMINISTRATION_RUN,
        workflow: ADMINISTRATION_WORKFLOW.to_owned(),
        bundle: Digest::from_bytes([0; 32]),
        state: RunStatus::Waiting,
        outcome: None,
        wake_at: None,
        started: now,
        updated: now,
        requester: PrincipalId::from_bytes([0; 16]),
        parent: None,
    }
}

/// The run in whose place a payload is sealed. A reason of the administration chain has a place, and so a key, of its
/// own: it can be destroyed alone.
pub(crate) const fn sealing_run(run: RunId, payload: PayloadId) -> RunId {
    let bytes = run.to_bytes();
    if u128::from_be_bytes(bytes) == 0 {
        RunId::from_bytes(payload.to_bytes())
    } else {
        run
    }
}
