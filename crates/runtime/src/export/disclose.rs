//! One payload opened for a receiver: its content, and the key that makes its commitment again, so that the receiver
//! knows that it is what the entry committed to. A revealing like any other: a permission, a reason, an entry first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_core::id::PayloadId;
use interlock_core::pipeline::identity::Principal;
use serde_json::{Value, json};

use super::ExportFault;
use crate::engine::{Engine, Fault};
use crate::reveal::RevealFault;
use crate::seal::{SealFault, SealedRef};

impl Engine {
    /// What `disclosed/<id>.json` holds.
    pub(super) async fn disclose(
        &self,
        id: PayloadId,
        by: &Principal,
        reason: &str,
    ) -> Result<Value, ExportFault> {
        let refused = |fault: RevealFault| match fault {
            RevealFault::Fault(fault) => fault.into(),
            RevealFault::Denied => ExportFault::Role,
            RevealFault::Reason => ExportFault::Nothing("a disclosure needs a reason"),
            RevealFault::Erased => ExportFault::Nothing("a payload to be disclosed was erased"),
            RevealFault::NotKept => {
                ExportFault::Nothing("a payload to be disclosed was never kept")
            }
        };
        let revealed = self.reveal(id, by, reason).await.map_err(refused)?;
        let stored = self.store().payload(self.tenant(), id).await?;
        let stored = stored.ok_or(ExportFault::Nothing("a payload to be disclosed is gone"))?;
        let place = self.place(revealed.run, id, revealed.slot);
        let commitment = self.commitment(id).await?;
        let sealed = SealedRef {
            header: &stored.header,
            ciphertext: &stored.ciphertext,
            commitment: &commitment,
        };
        // The very bytes that were committed to: content written again from JSON may be spelled otherwise.
        let seal = |fault: SealFault| ExportFault::from(Fault::from(fault));
        let content = self
            .parts
            .sealer
            .open(&place, &sealed)
            .await
            .map_err(seal)?;
        let key = self
            .parts
            .sealer
            .commitment_key(&place, &stored.header)
            .await
            .map_err(seal)?;
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(json!({
            "commitment_key": key,
            "plaintext": STANDARD.encode(content.as_slice()),
            "slot": revealed.slot,
        }))
    }
}
