//! The certificate of an erasure: what the log says of it, for the person and the authority. It can be made again at
//! any time from the log alone, and is signed by the entries being in it.

use interlock_core::id::ErasureId;
use interlock_core::pipeline::identity::Principal;
use serde::Serialize;

use super::{Erasure, ErasureFault, reader};
use crate::administration::{ADMINISTRATION_RUN, Administered, Administration};
use crate::engine::{Engine, Fault};

/// What is left after an erasure, said once for all.
const REMAINS: [&str; 5] = [
    "entries of the log: they hold ids, numbers, digests and names of declared things, and the person's pseudonym, which leads to no name any more",
    "ciphertexts that nothing opens: the person's key is destroyed, and the key that wrapped it with it",
    "keyed commitments, whose keys are gone with the content: a guess cannot be checked against them",
    "the reasons of administrative acts, of this erasure too: sealed, for those who may have them revealed, until their class of retention ends; whoever gives one is asked not to name the person",
    "what tools, models and sources outside of this installation keep on their own account",
];

/// Where an entry of an erasure stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// Its place in the tenant's log; none where it has none yet.
    pub index: Option<u64>,
    /// Its place in the administration chain.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// When it was written.
    pub time: String,
    /// Who did it: a pseudonym.
    pub by: Option<String>,
    /// Its receipt (C2SP tlog-proof), once it is published: with it anybody who trusts the log's key can check that it
    /// is in the log.
    pub receipt: Option<String>,
}

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The form of this document.
    pub format: &'static str,
    /// Whose log it is.
    pub tenant: String,
    /// Which environment.
    pub environment: String,
    /// The log's name in its checkpoints, once it has one.
    pub origin: Option<String>,
    /// The erasure.
    pub erasure: String,
    /// The person's pseudonym.
    pub subject: String,
    /// The order, as whoever asked for this certificate named it; only where it is the one on record.
    pub order: Option<String>,
    /// Keyed digest of the order's reference, as the entries have it.
    pub order_digest: String,
    /// The entry that began it.
    pub requested: Placed,
    /// The entry that ended it.
    pub done: Placed,
    /// Data keys destroyed.
    pub keys: u64,
    /// Payloads that were tried and did not open.
    pub payloads: u64,
    /// How many of them were about other people too, and are gone for these as well.
    pub shared_with_others: u64,
    /// How many of them had to be kept for longer when it began, and were erased despite it.
    pub within_minimum: u64,
    /// Runs that they belong to.
    pub runs: u64,
    /// Key epoch destroyed.
    pub epoch_before: u32,
    /// Key epoch since.
    pub epoch_after: u32,
    /// When the keys were gone.
    pub destroyed_at: String,
    /// From when on no backup of the store leads to them.
    pub backups_dead_at: String,
    /// What is left.
    pub remains: Vec<&'static str>,
}

impl Engine {
    /// A certificate with receipts for its entries, as far as they are published by now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn with_receipts(
        &self,
        mut certificate: Certificate,
    ) -> Result<Certificate, ErasureFault> {
        for placed in [&mut certificate.requested, &mut certificate.done] {
            if let Some(index) = placed.index {
                let receipt = self.receipt(index).await?;
                placed.receipt = receipt.and_then(|bytes| String::from_utf8(bytes).ok());
            }
        }
        Ok(certificate)
    }

    /// The certificate of an erasure on record, with receipts as far as its entries are published; `None` where it is
    /// not done.
    ///
    /// # Errors
    /// The caller may not read it, there is no such erasure, or the store or keys cannot be read.
    pub async fn certificate_of(
        &self,
        erasure: ErasureId,
        by: &Principal,
    ) -> Result<Option<Certificate>, ErasureFault> {
        reader(by)?;
        let ledger = self.ledger().await?;
        let known = ledger.erasure(erasure);
        let known = known.ok_or(Fault::NotFound("the erasure"))?;
        if known.done.is_none() {
            return Ok(None);
        }
        let certificate = self.certify(known, None).await?;
        self.with_receipts(certificate).await.map(Some)
    }

    /// The certificate of an erasure that is done. `order` appears in it only if it is the one on record.
    ///
    /// # Errors
    /// It is not done, or the store or keys cannot be read.
    pub(super) async fn certify(
        &self,
        erasure: &Erasure,
        order: Option<&str>,
    ) -> Result<Certificate, ErasureFault> {
        let done = erasure.done.as_ref();
        let done =
            done.ok_or_else(|| Fault::Bug("a certificate of what is not done".to_owned()))?;
        let Administration::ErasureDone {
            keys,
            affected,
            shared,
            runs,
            epoch_before,
            epoch_after,
            destroyed_at,
            backups_dead_at,
            ..
        } = &done.act
        else {
            return Err(Fault::Bug("an erasure ended by another act".to_owned()).into());
        };
        let within_minimum = match &erasure.requested.act {
            Administration::ErasureRequested { minimum, .. } => minimum.unwrap_or(0),
            _ => return Err(Fault::Bug("an erasure begun by another act".to_owned()).into()),
        };
        let order = match order {
            Some(order) if self.order_digest(order).await? == erasure.order => {
                Some(order.to_owned())
            }
            Some(_) | None => None,
        };
        Ok(Certificate {
            format: "interlock-erasure-certificate/1",
            tenant: self.tenant().to_string(),
            environment: self.environment().to_string(),
            origin: self.origin_on_record().await?,
            erasure: erasure.id.to_string(),
            subject: erasure.subject.to_string(),
            order,
            order_digest: erasure.order.to_string(),
            requested: self.placed(&erasure.requested).await?,
            done: self.placed(done).await?,
            keys: *keys,
            payloads: *affected,
            shared_with_others: *shared,
            within_minimum,
            runs: *runs,
            epoch_before: *epoch_before,
            epoch_after: *epoch_after,
            destroyed_at: destroyed_at.to_string(),
            backups_dead_at: backups_dead_at.to_string(),
            remains: REMAINS.to_vec(),
        })
    }

    async fn placed(&self, entry: &Administered) -> Result<Placed, ErasureFault> {
        let index = self
            .store()
            .log_index(self.tenant(), ADMINISTRATION_RUN, entry.seq)
            .await?;
        Ok(Placed {
            index,
            seq: entry.seq,
            leaf: entry.hash.to_string(),
            time: entry.time.clone(),
            by: entry.by.map(|by| by.to_string()),
            receipt: None,
        })
    }

    async fn origin_on_record(&self) -> Result<Option<String>, ErasureFault> {
        let acts = self.administered().await?;
        Ok(acts.iter().find_map(|entry| match &entry.act {
            Administration::LogOpened { origin, .. } => Some(origin.as_str().to_owned()),
            _ => None,
        }))
    }
}

impl Certificate {
    /// The same for people to read.
    #[must_use]
    pub fn text(&self) -> String {
        let place = |placed: &Placed| {
            let index = placed
                .index
                .map_or_else(|| "none yet".to_owned(), |n| n.to_string());
            format!(
                "entry {index} of the log, leaf {}, at {}",
                placed.leaf, placed.time
            )
        };
        let mut lines = vec![
            format!("Certificate of erasure {}", self.erasure),
            String::new(),
            format!("person           {}", self.subject),
            format!(
                "order            {}",
                self.order.as_deref().unwrap_or(&self.order_digest)
            ),
            format!("requested        {}", place(&self.requested)),
            format!("done             {}", place(&self.done)),
            format!(
                "log              {}",
                self.origin.as_deref().unwrap_or("not opened yet")
            ),
            format!("keys destroyed   {}", self.keys),
            format!(
                "payloads         {} in {} runs, none of which opens",
                self.payloads, self.runs
            ),
            format!(
                "shared           {} of them were about other people too",
                self.shared_with_others
            ),
            format!(
                "minimum          {} of them had to be kept for longer, and were erased despite it",
                self.within_minimum
            ),
            format!(
                "key epoch        {} is destroyed, {} is in use",
                self.epoch_before, self.epoch_after
            ),
            format!("destroyed at     {}", self.destroyed_at),
            format!("backups dead at  {}", self.backups_dead_at),
            String::new(),
            "What remains:".to_owned(),
        ];
        lines.extend(self.remains.iter().map(|what| format!("- {what}")));
        lines.join("\n")
    }
}
