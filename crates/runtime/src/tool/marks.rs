//! By what a ledger knows an act again. A mark of the key stays for ever, or the same would be done twice; a mark of
//! the arguments is made with the keys of the people that they are about too, and means nothing once one is erased.

use aws_lc_rs::hmac;
use interlock_bundle::{Bundle, ToolConnector};
use interlock_core::label::Label;
use interlock_core::pipeline::tool::{ExecutableCall, canonical_json};
use zeroize::Zeroizing;

use crate::engine::{Engine, Fault};
use crate::keys::KeyFault;
use crate::seal::{KeyName, SealFault};

/// The purpose of the index key that every mark is made with.
const LEDGER: &str = "ledger";

/// What is kept of an act in place of its content. HMAC-SHA256 as hex; without the keys it can be neither guessed at
/// nor linked.
#[derive(Clone, PartialEq, Eq)]
pub struct ActMarks {
    /// Of the idempotency key.
    pub(super) key: String,
    /// Of the arguments.
    pub(super) arguments: String,
}

impl Engine {
    /// Makes the key of marks where a bundle has a ledger, so that no act is the first to need it.
    pub(crate) async fn ready_for_marks(&self, bundle: &Bundle) -> Result<(), Fault> {
        let mut connectors = bundle.tool_connectors().values();
        if connectors.any(|connector| matches!(connector, ToolConnector::Ledger(_))) {
            self.ledger_key().await?;
        }
        Ok(())
    }

    async fn ledger_key(&self) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let name = KeyName::index(LEDGER);
        let key = self.parts.book.made(self.tenant(), &name).await;
        key.map_err(unreachable)
    }

    /// The marks of a call whose tool is a ledger; `None` for every other.
    ///
    /// # Errors
    /// The keys cannot be had, or one of a person was destroyed.
    pub(crate) async fn act_marks(
        &self,
        bundle: &Bundle,
        label: &Label,
        call: &ExecutableCall,
    ) -> Result<Option<ActMarks>, Fault> {
        let connector = bundle.tool_connectors().get(call.tool());
        if !matches!(connector, Some(ToolConnector::Ledger(_))) {
            return Ok(None);
        }
        let (book, tenant) = (&self.parts.book, self.tenant());
        let index = self.ledger_key().await?;
        let mut people = Vec::new();
        for subject in &label.subjects {
            // Never made here: a key that is gone must not come back.
            let key = book.found(tenant, &KeyName::subject(*subject)).await;
            people.push(
                key.map_err(unreachable)?
                    .ok_or(Fault::Erased("the person is erased"))?,
            );
        }
        Ok(Some(marks(
            &index,
            &people,
            &call.idempotency_key(),
            &canonical_json(call.arguments()),
        )))
    }
}

const fn unreachable(fault: KeyFault) -> Fault {
    Fault::Seal(SealFault::Record(LEDGER, fault))
}

/// Both marks, under the lasting key and the keys of people, in the order of their pseudonyms.
pub(super) fn marks(
    index: &Zeroizing<[u8; 32]>,
    people: &[Zeroizing<[u8; 32]>],
    key: &str,
    arguments: &str,
) -> ActMarks {
    let of = |what: &[u8], text: &str| {
        let parts = [b"interlock/ledger/v1\0", what, b"\0", text.as_bytes()].concat();
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, index.as_slice()), &parts)
    };
    let mut mark = of(b"arguments", arguments);
    for person in people {
        let under = hmac::Key::new(hmac::HMAC_SHA256, person.as_slice());
        let inner = [b"interlock/ledger/v1\0".as_slice(), mark.as_ref()].concat();
        mark = hmac::sign(&under, &inner);
    }
    ActMarks {
        key: crate::identity::hex(of(b"key", key).as_ref()),
        arguments: crate::identity::hex(mark.as_ref()),
    }
}
