//! Reading the administration chain back, verified and decoded, a page at a time.

use interlock_core::id::PrincipalId;
use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_journal::{Canon, ChainName, Entry, LeafHash, Verdict, verify_chain};

use super::{ADMINISTRATION_RUN, Administration};
use crate::codec::{self, PayloadNote};
use crate::engine::{Engine, Fault};

/// One act as it stands in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administered {
    /// Its place in the chain.
    pub seq: u64,
    /// When it was written, RFC 3339.
    pub time: String,
    /// Its leaf hash.
    pub hash: LeafHash,
    /// What was done.
    pub act: Administration,
    /// Who did it; none: the system by itself.
    pub by: Option<PrincipalId>,
    /// The sealed reason; opened with [`Engine::payload`] and [`super::ADMINISTRATION_RUN`].
    pub reason: Option<PayloadNote>,
}

impl Engine {
    /// The acts from a place on, at most `limit` and never more than `PAGE_ITEMS_MAX`. The last one's place and one
    /// is where the next page begins. The whole chain is verified each time.
    ///
    /// # Errors
    /// The chain does not verify, or the store cannot be read.
    pub async fn administration_history(
        &self,
        from: u64,
        limit: u32,
    ) -> Result<Vec<Administered>, Fault> {
        let limit = usize::try_from(limit.min(PAGE_ITEMS_MAX)).unwrap_or(0);
        let all = self.administered().await?;
        Ok(all
            .into_iter()
            .filter(|act| act.seq >= from)
            .take(limit)
            .collect())
    }

    /// All acts. There are few beside the entries of runs: a handful for each deployment, erasure or hold.
    pub(crate) async fn administered(&self) -> Result<Vec<Administered>, Fault> {
        let chain = self.administration_chain().await?;
        let name = ChainName {
            tenant: self.tenant().to_string(),
            environment: self.environment().to_string(),
            run: ADMINISTRATION_RUN.to_string(),
        };
        let damaged = |seq: u64, fault: String| Fault::Damaged {
            run: ADMINISTRATION_RUN,
            seq,
            fault,
        };
        let stored = chain
            .entries
            .iter()
            .map(interlock_store::StoredEntry::to_verify);
        match verify_chain(&name, stored, chain.head.map(Into::into)) {
            Verdict::Whole { .. } => {}
            Verdict::Broken { seq, fault } => return Err(damaged(seq, fault.to_string())),
        }
        chain
            .entries
            .iter()
            .map(|stored| {
                let entry = Entry::parse(&stored.bytes)
                    .map_err(|fault| damaged(stored.seq, fault.to_string()))?;
                let body = Canon::Object(entry.body().clone());
                let body = codec::decode_act(entry.event(), &body)
                    .map_err(|fault| damaged(stored.seq, fault.to_string()))?;
                Ok(Administered {
                    seq: stored.seq,
                    time: entry.time().to_owned(),
                    hash: stored.hash,
                    act: body.act,
                    by: body.by,
                    reason: body.reason,
                })
            })
            .collect()
    }
}
