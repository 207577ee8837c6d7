//! Opens exactly the payloads that the next decision or effect needs, and checks each against what its entry
//! committed to. A payload whose key was destroyed is gone, which is a fact for the run, not an error.

use interlock_core::id::PayloadId;
use interlock_core::pipeline::model::PromptText;
use interlock_core::run::{Content, NeedRoot, Opened, Phase, Program, needs};
use interlock_core::seams::Violation;
use serde_json::{Value, json};

use crate::codec::{Kept, PayloadNote};
use crate::engine::{Engine, Fault};
use crate::live::Live;
use crate::seal::{SealFault, SealedRef};

impl Engine {
    /// What the current state needs, or the first payload that is gone.
    pub(crate) async fn open(
        &self,
        program: &Program<'_>,
        live: &Live,
    ) -> Result<Result<Opened, PayloadId>, Fault> {
        let mut opened = Opened::default();
        opened.scope.run = json!({
            "id": live.run.to_string(),
            "started": live.state.pinned.as_ref().map(|pinned| pinned.requested_at.to_string()),
        });
        for need in needs(program, &live.state) {
            let note = live
                .notes
                .get(&need.payload)
                .ok_or_else(|| Fault::Bug("a payload without an entry".to_owned()))?;
            let value = match note.kept {
                Kept::Full => self.payload(live.run, note).await?,
                // What was sealed is not what the effect is about: that is in hand, or nowhere.
                Kept::Masked | Kept::Digest => live.unkept.get(&need.payload).cloned(),
            };
            let Some(value) = value else {
                // What waits for a person is settled without what is gone.
                if matches!(live.state.phase, Phase::Waiting { .. }) {
                    continue;
                }
                return Ok(Err(need.payload));
            };
            let malformed = || Fault::Bug("a payload of another form than its slot".to_owned());
            match need.root {
                NeedRoot::Inputs => opened.scope.inputs = value,
                NeedRoot::Step(step) => {
                    opened.scope.outputs.insert(step, value);
                }
                NeedRoot::Content => {
                    opened.content = Some(Content::from_json(value).ok_or_else(malformed)?)
                }
                NeedRoot::Prompt => opened.prompt = Some(prompt(&value).ok_or_else(malformed)?),
                NeedRoot::Query => opened.query = Some(value),
                NeedRoot::Problems => opened.problems = problems(&value),
            }
        }
        Ok(Ok(opened))
    }

    /// Whether the stored bytes of a payload are those that its entry committed to; `None` where there are none. Needs
    /// no key.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn ciphertext_is_committed(&self, note: &PayloadNote) -> Result<Option<bool>, Fault> {
        let sealed = self.parts.store.payload(self.tenant(), note.id).await?;
        Ok(sealed.map(|sealed| {
            crate::seal::ciphertext_digest(&sealed.header, &sealed.ciphertext)
                == Some(note.ciphertext_digest)
        }))
    }

    /// One payload, opened and parsed; `None` where it was erased, or never kept. Opened for nobody in particular: what
    /// a person is shown is opened in `reveal`.
    ///
    /// # Errors
    /// The store or the keys cannot be reached, or the payload is not the one that the entry committed to.
    pub async fn payload(
        &self,
        run: interlock_core::id::RunId,
        note: &PayloadNote,
    ) -> Result<Option<Value>, Fault> {
        if note.kept == Kept::Digest {
            return Ok(None);
        }
        let Some(sealed) = self.parts.store.payload(self.tenant(), note.id).await? else {
            return Ok(None);
        };
        let place = self.place(run, note.id, note.slot.as_str());
        let reference = SealedRef {
            header: &sealed.header,
            ciphertext: &sealed.ciphertext,
            commitment: &note.commitment,
        };
        match self.parts.sealer.open(&place, &reference).await {
            Ok(plaintext) => serde_json::from_slice(&plaintext)
                .map(Some)
                .map_err(|_| Fault::Bug("a payload that is no JSON".to_owned())),
            Err(SealFault::Gone(_)) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }
}

fn prompt(value: &Value) -> Option<PromptText> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    Some(PromptText {
        system: text("system")?,
        user: text("user")?,
    })
}

fn problems(value: &Value) -> Vec<Violation> {
    let text = |item: &Value, name: &str| {
        item.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    value
        .get("problems")
        .and_then(Value::as_array)
        .map(|items| {
            items
                .iter()
                .map(|item| Violation {
                    at: text(item, "at"),
                    keyword: text(item, "keyword"),
                    expected: text(item, "expected"),
                })
                .collect()
        })
        .unwrap_or_default()
}
