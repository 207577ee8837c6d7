//! One run in hand: its head, epoch and folded state, and the one way by which it moves: decide, seal, encode,
//! append, fold. Nothing is folded before it is durable. What comes next (effects) is the driver's concern.

use std::collections::BTreeMap;

use interlock_core::digest::Digest;
use interlock_core::id::{BundleName, PayloadId, RunId, WorkflowName};
use interlock_core::pipeline::policy::Decision;
use interlock_core::run::{Arrival, Draft, Event, Input, Opened, Program, State, decide, evolve};
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, ChainName, Entry, LeafHash, Verdict, verify_chain};
use interlock_store::{Append, AppendFault, Head, NewEntry, SealedPayload};

use crate::administration::ADMINISTRATION_RUN;
use crate::codec::{self, Kept, PayloadNote};
use crate::engine::{Engine, Fault, Progress};
use crate::keep::{self, Names, Vocabulary};
use crate::projection;
use crate::retention::DEFAULT_CLASS;
use crate::seal::{MarkedBy, Place, Terms, ciphertext_digest};

/// How often an append of unknown outcome is looked up before the driver gives the run up.
const LOOKUPS_MAX: u32 = 5;

/// A run in hand. Only the task that holds its lock moves it.
pub(crate) struct Live {
    pub(crate) run: RunId,
    pub(crate) head: Option<Head>,
    pub(crate) epoch: u64,
    pub(crate) state: State,
    pub(crate) notes: BTreeMap<PayloadId, PayloadNote>,
    /// What the current effect needs of content that is not kept in full. It is nowhere else: a driver that takes the
    /// run over asks a person.
    pub(crate) unkept: BTreeMap<PayloadId, serde_json::Value>,
}

/// One entry of a run, read back and verified.
pub struct Recorded {
    /// Its place.
    pub seq: u64,
    /// When it was written, RFC 3339.
    pub time: String,
    /// Its hash.
    pub hash: LeafHash,
    /// What it says.
    pub event: Event,
    /// The payloads that it introduces.
    pub payloads: Vec<PayloadNote>,
}

/// What drafts of one move are sealed with.
struct Seals {
    run: RunId,
    /// Bundle and workflow, which say how long its payloads are kept; none before the first event.
    pinned: Option<(BundleName, WorkflowName)>,
    now: Timestamp,
    names: Names,
    vocabulary: Vocabulary,
}

/// Sealed drafts. No `Debug`: it holds content.
#[derive(Default)]
struct Drafted {
    payloads: Vec<SealedPayload>,
    notes: BTreeMap<PayloadId, PayloadNote>,
    unkept: BTreeMap<PayloadId, serde_json::Value>,
}

/// What one move stored.
#[derive(Default)]
pub(crate) struct Moved {
    pub(crate) events: Vec<Event>,
    pub(crate) denied: Option<Decision>,
}

impl Live {
    pub(crate) const fn new(run: RunId) -> Self {
        Self {
            run,
            head: None,
            epoch: 0,
            state: State::new(run),
            notes: BTreeMap::new(),
            unkept: BTreeMap::new(),
        }
    }
}

impl Engine {
    /// A run's entries, verified and decoded. Takes nothing over.
    ///
    /// # Errors
    /// There is no such run, its log does not verify, or the store cannot be read.
    pub async fn history(&self, run: RunId) -> Result<Vec<Recorded>, Fault> {
        // The administration chain has the form of a run and is none.
        if run == ADMINISTRATION_RUN {
            return Err(Fault::NotFound("the run"));
        }
        let chain = self.parts.store.chain(self.tenant(), run).await?;
        let head = chain.head.ok_or(Fault::NotFound("the run"))?;
        let name = ChainName {
            tenant: self.tenant().to_string(),
            environment: self.environment().to_string(),
            run: run.to_string(),
        };
        let stored = chain
            .entries
            .iter()
            .map(interlock_store::StoredEntry::to_verify);
        match verify_chain(&name, stored, Some(head.into())) {
            Verdict::Whole { .. } => {}
            Verdict::Broken { seq, fault } => {
                return Err(Fault::Damaged {
                    run,
                    seq,
                    fault: fault.to_string(),
                });
            }
        }
        chain
            .entries
            .into_iter()
            .map(|stored| {
                let damaged = |fault: String| Fault::Damaged {
                    run,
                    seq: stored.seq,
                    fault,
                };
                let entry =
                    Entry::parse(&stored.bytes).map_err(|fault| damaged(fault.to_string()))?;
                let body = Canon::Object(entry.body().clone());
                Ok(Recorded {
                    seq: stored.seq,
                    time: entry.time().to_owned(),
                    hash: stored.hash,
                    event: codec::decode(entry.event(), &body)
                        .map_err(|fault| damaged(fault.to_string()))?,
                    payloads: codec::notes(&body).map_err(|fault| damaged(fault.to_string()))?,
                })
            })
            .collect()
    }

    /// Folds a history.
    ///
    /// # Errors
    /// An event does not fit the state that the ones before lead to.
    pub fn fold(run: RunId, history: &[Recorded]) -> Result<State, Fault> {
        history.iter().try_fold(State::new(run), |state, recorded| {
            evolve(state, &recorded.event).map_err(|illegal| Fault::Damaged {
                run,
                seq: recorded.seq,
                fault: illegal.to_string(),
            })
        })
    }

    /// Takes a run over: raises its epoch, so that any other driver of it is fenced, and folds its log.
    pub(crate) async fn take_over(&self, run: RunId) -> Result<Live, Fault> {
        if run == ADMINISTRATION_RUN {
            return Err(Fault::NotFound("the run"));
        }
        let epoch = self
            .parts
            .store
            .claim(self.tenant(), run)
            .await?
            .ok_or(Fault::NotFound("the run"))?;
        let history = self.history(run).await?;
        let state = Self::fold(run, &history)?;
        let head = history.last().map(|last| Head {
            seq: last.seq,
            hash: last.hash,
        });
        let notes = history
            .into_iter()
            .flat_map(|recorded| recorded.payloads)
            .map(|note| (note.id, note))
            .collect();
        let mut live = Live {
            run,
            head,
            epoch,
            state,
            notes,
            unkept: BTreeMap::new(),
        };
        if !live.state.is_ended() {
            let loaded = self.pinned(&live.state).await?;
            let current = self.current(&live.state).await?;
            let program = self.program(&loaded, &current, &live.state, self.world().await?)?;
            let opened = self.open(&program, &live).await?;
            match opened {
                Ok(opened) => {
                    self.apply(
                        &mut live,
                        &program,
                        Input::Recovered { epoch },
                        opened,
                        None,
                    )
                    .await?
                }
                Err(gone) => {
                    let none = Opened::default;
                    self.apply(
                        &mut live,
                        &program,
                        Input::Recovered { epoch },
                        none(),
                        None,
                    )
                    .await?;
                    // An act under way is in doubt by that already, and waits for a person.
                    let input = Input::PayloadGone { payload: gone };
                    match self.apply(&mut live, &program, input, none(), None).await {
                        Ok(moved) => moved,
                        Err(Fault::Refused(_)) => Moved::default(),
                        Err(fault) => return Err(fault),
                    }
                }
            };
        }
        Ok(live)
    }

    /// Moves a run by one input. What is stored is one transaction.
    pub(crate) async fn apply(
        &self,
        live: &mut Live,
        program: &Program<'_>,
        input: Input,
        opened: Opened,
        request_key: Option<(String, Digest)>,
    ) -> Result<Moved, Fault> {
        // No entry cites policies that are not on record.
        self.adopt(program.guards.version()).await?;
        let now = self.parts.clock.now();
        let mut entropy = [0u8; 32];
        self.parts
            .entropy
            .fill(&mut entropy)
            .map_err(|_| Fault::Entropy)?;
        let vocabulary = Vocabulary::of(program, &live.state, &opened.scope);
        let decided = decide(
            program,
            &live.state,
            Arrival {
                now,
                entropy,
                opened,
                input,
            },
        )?;
        if decided.events.is_empty() {
            return Ok(Moved {
                events: Vec::new(),
                denied: decided.denied,
            });
        }
        // Folded before it is stored, and kept only after: what the run is pinned to says how long payloads are kept.
        let state = decided
            .events
            .iter()
            .try_fold(live.state.clone(), evolve)
            .map_err(|illegal| Fault::Bug(illegal.to_string()))?;
        let seals = Seals {
            run: live.run,
            pinned: state
                .pinned
                .as_ref()
                .map(|pinned| (pinned.bundle.clone(), pinned.workflow.clone())),
            now,
            names: Names::of(program),
            vocabulary,
        };
        let Drafted {
            payloads,
            notes,
            unkept,
        } = self.seal(&seals, decided.drafts).await?;
        let mut entries = Vec::with_capacity(decided.events.len());
        let mut head = live.head;
        // A takeover writes its own entries under the new epoch already.
        for event in &decided.events {
            let entry = self.entry(live, head, event, &notes, now)?;
            let hash = entry.leaf_hash();
            let seq = entry.seq();
            entries.push(NewEntry {
                seq,
                bytes: entry.into_bytes(),
                hash,
            });
            head = Some(Head { seq, hash });
        }
        let row = projection::row(&state, now)
            .ok_or_else(|| Fault::Bug("a run without its request".to_owned()))?;
        let append = Append {
            run: live.run,
            expected: live.head,
            epoch: live.epoch,
            entries,
            payloads,
            waits: projection::waits(&state),
            row,
            request_key,
        };
        let first = live.head.map_or(0, |head| head.seq.saturating_add(1));
        self.append(live, append, head).await?;
        live.head = head;
        live.state = state;
        live.notes.extend(notes);
        live.unkept = unkept;
        for (place, event) in (first..).zip(&decided.events) {
            self.tell(Progress {
                run: live.run,
                seq: place,
                event: event.clone(),
            });
        }
        Ok(Moved {
            events: decided.events,
            denied: decided.denied,
        })
    }

    fn entry(
        &self,
        live: &Live,
        head: Option<Head>,
        event: &Event,
        notes: &BTreeMap<PayloadId, PayloadNote>,
        now: Timestamp,
    ) -> Result<Entry, Fault> {
        let bug = |fault: String| Fault::Bug(fault);
        let introduced: Vec<PayloadNote> = event
            .introduces()
            .iter()
            .filter_map(|id| notes.get(id))
            .cloned()
            .collect();
        let Canon::Object(body) =
            codec::encode(event, &introduced).map_err(|fault| bug(fault.to_string()))?
        else {
            return Err(bug("an entry's body is an object".to_owned()));
        };
        Entry::new(interlock_journal::Draft {
            tenant: self.tenant().to_string(),
            environment: self.environment().to_string(),
            run: live.run.to_string(),
            seq: head.map_or(0, |head| head.seq.saturating_add(1)),
            prev: head.map_or(LeafHash::ZERO, |head| head.hash),
            epoch: live.epoch,
            time: now.to_string(),
            event: event.kind().to_owned(),
            body,
        })
        .map_err(|fault| bug(fault.to_string()))
    }

    async fn seal(&self, seals: &Seals, drafts: Vec<Draft>) -> Result<Drafted, Fault> {
        let mut all = Drafted::default();
        for draft in drafts {
            let terms = Terms {
                class: self.class_of(seals, &draft.label).to_owned(),
                at: seals.now,
                subjects: draft.label.subjects.clone(),
            };
            self.refuse_gone(&terms).await?;
            let place = self.place(seals.run, draft.id, draft.slot.as_str());
            let keeping = self.parts.keep.choose(draft.slot, &draft.label);
            let names = seals.names.with(&draft.parts);
            let found = keep::find(&draft.content, &draft.parts, &names, &seals.vocabulary);
            let keys = if found.findings.is_empty() && keeping.kept != Kept::Masked {
                None
            } else {
                let sealer = &self.parts.sealer;
                Some(sealer.mark_keys(&place, MarkedBy::Terms(&terms)).await?)
            };
            let marks = match &keys {
                Some(keys) => self.seal_marks(&place, &found, keys)?,
                None => None,
            };
            let masked = match (keeping.kept, &keys) {
                (Kept::Masked, Some(keys)) => {
                    let key = keys.links.first().ok_or(Fault::Entropy)?;
                    let content = &draft.content;
                    let vocabulary = &seals.vocabulary;
                    Some(keep::mask(content, &draft.parts, &keeping, vocabulary, key))
                }
                (Kept::Full | Kept::Masked | Kept::Digest, _) => None,
            };
            let content = masked.as_ref().unwrap_or(&draft.content);
            let plaintext = zeroize::Zeroizing::new(content.to_string().into_bytes());
            let mut sealed = self.parts.sealer.seal(&place, &terms, &plaintext).await?;
            if keeping.kept == Kept::Digest {
                // The header stays: by it the commitment can still be held against what somebody else kept.
                sealed.ciphertext.clear();
                sealed.padded_bytes = 0;
                sealed.ciphertext_digest = ciphertext_digest(&sealed.header, &[])
                    .ok_or_else(|| Fault::Bug("a header of another form".to_owned()))?;
            }
            all.notes.insert(
                draft.id,
                PayloadNote {
                    id: draft.id,
                    slot: draft.slot,
                    commitment: sealed.commitment,
                    ciphertext_digest: sealed.ciphertext_digest,
                    padded_bytes: sealed.padded_bytes,
                    class: codec::NotedClass::of(&terms.class)
                        .map_err(|what| Fault::Bug(what.to_owned()))?,
                    kept: keeping.kept,
                    marks: marks.as_ref().map(|marks| marks.digest),
                },
            );
            all.payloads.push(SealedPayload {
                id: draft.id,
                run: seals.run,
                class: terms.class,
                header: sealed.header,
                ciphertext: sealed.ciphertext,
                marks: marks.map_or_else(Vec::new, |marks| marks.bytes),
            });
            if keeping.kept != Kept::Full {
                all.unkept.insert(draft.id, draft.content);
            }
        }
        Ok(all)
    }

    /// The retention class of what a run seals.
    fn class_of(&self, seals: &Seals, label: &interlock_core::label::Label) -> &str {
        seals
            .pinned
            .as_ref()
            .map_or(DEFAULT_CLASS, |(bundle, workflow)| {
                self.retention()
                    .class_of(bundle, workflow, &label.categories)
            })
    }

    pub(crate) fn place(&self, run: RunId, payload: PayloadId, slot: &str) -> Place {
        Place {
            tenant: self.tenant().clone(),
            environment: self.environment().clone(),
            run: crate::administration::sealing_run(run, payload),
            payload,
            slot: slot.to_owned(),
        }
    }

    /// Stores a move. An unknown outcome is learnt by reading the head back, never by writing again unread.
    async fn append(&self, live: &Live, append: Append, wanted: Option<Head>) -> Result<(), Fault> {
        let mut lookups = 0;
        loop {
            match self.parts.store.append(self.tenant(), append.clone()).await {
                Ok(_) => return Ok(()),
                Err(AppendFault::Conflict { .. } | AppendFault::Fenced { .. }) => {
                    return Err(Fault::Elsewhere);
                }
                Err(AppendFault::DuplicateRequest { run, digest }) => {
                    return Err(Fault::Duplicate { run, digest });
                }
                Err(AppendFault::Unavailable(fault)) => return Err(fault.into()),
                Err(fault @ (AppendFault::Broken { .. } | AppendFault::TooLarge { .. })) => {
                    return Err(Fault::Bug(fault.to_string()));
                }
                Err(AppendFault::Unknown) => {}
            }
            loop {
                lookups += 1;
                if lookups > LOOKUPS_MAX {
                    return Err(Fault::Unknown);
                }
                match self.parts.store.head(self.tenant(), live.run).await {
                    Ok(found) if found == wanted => return Ok(()),
                    Ok(found) if found == live.head => break,
                    Ok(_) => return Err(Fault::Elsewhere),
                    Err(_) => {
                        tokio::time::sleep(std::time::Duration::from_millis(20 << lookups)).await
                    }
                }
            }
        }
    }
}
