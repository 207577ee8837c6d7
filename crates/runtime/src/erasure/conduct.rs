//! The conduct of an erasure: hold check, request on record, live runs fenced off, name forgotten, key destroyed, proof,
//! record, certificate. Each step may be done twice, and the log says how far it came: one that broke off anywhere is
//! finished by asking again.

use interlock_core::digest::Digest;
use interlock_core::id::{ErasureId, HoldId, RunId, SubjectId};
use interlock_core::limits::REASON_CHARS_MAX;
use interlock_core::pipeline::identity::Principal;
use interlock_store::RunStatus;

use super::person::{Found, key_of_names};
use super::plan::Outcome;
use super::survey::{Required, Survey, key_of};
use super::{Certificate, ErasureFault, Ledger, ORDER_BYTES_MAX, Whom, officer};
use crate::administration::Administration;
use crate::engine::{Engine, Fault};
use crate::seal::{KeyName, SealFault, SealedRef};

/// The purpose of the blind index of orders' references.
const ORDER: &str = "erasure_order";

/// What is asked for.
pub struct EraseRequest<'a> {
    /// Whom.
    pub whom: Whom,
    /// Reference of the order, at most `ORDER_BYTES_MAX`. Kept as a keyed digest alone.
    pub order: &'a str,
    /// Why; sealed.
    pub reason: &'a str,
    /// Who erases.
    pub by: &'a Principal,
}

/// What an erasure would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// The person's pseudonym.
    pub subject: String,
    /// Payloads that would open no more.
    pub payloads: u64,
    /// How many of them are about other people too, and would be gone for these as well.
    pub shared_with_others: u64,
    /// Runs that they belong to.
    pub runs: u64,
    /// Runs among them that are not over: they stop, and go to the inbox.
    pub live_runs: u64,
    /// Payloads among them whose retention class says that they must be kept for longer, by class: it is refused unless
    /// [`Engine::erase_despite_minimum`] is asked.
    pub must_be_kept: Vec<Required>,
    /// Holds in the way.
    pub held_by: Vec<String>,
    /// An erasure of this person that was begun and is not done.
    pub resumes: Option<String>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Entries of the log looked at so far, in search of what depends on the person's key.
    Surveyed(u64),
    /// The request is on record.
    Requested(ErasureId),
    /// So many live runs are fenced off.
    Suspended(u64),
    /// The name leads nowhere any more.
    Forgotten,
    /// The key is destroyed, and with its epoch what backups hold of it.
    Destroyed,
    /// Entries of the log looked at so far, trying to open what was erased.
    Proving(u64),
    /// The erasure is on record.
    Recorded,
}

/// A reason that fits.
pub(super) fn reasoned(reason: &str) -> Result<(), ErasureFault> {
    let fits = !reason.trim().is_empty() && reason.chars().count() <= REASON_CHARS_MAX;
    let fault = ErasureFault::Request("a reason is needed, of at most 2000 characters");
    fits.then_some(()).ok_or(fault)
}

impl Engine {
    /// The pseudonym of a person.
    ///
    /// # Errors
    /// The person who asks does not hold the office, or nobody is known by that name.
    pub async fn subject_of(&self, whom: &Whom, by: &Principal) -> Result<SubjectId, ErasureFault> {
        officer(by)?;
        let found = self.find_person(whom, &self.ledger().await?).await?;
        Ok(found.subject)
    }

    /// What erasing a person would do. Changes nothing.
    ///
    /// # Errors
    /// The person does not hold the office, nobody is known by that name, or store or keys cannot be read.
    pub async fn preview_erasure(
        &self,
        whom: &Whom,
        by: &Principal,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Preview, ErasureFault> {
        officer(by)?;
        let ledger = self.ledger().await?;
        let found = self.find_person(whom, &ledger).await?;
        let key = key_of(found.subject);
        let mut seen = |entries| progress(Stage::Surveyed(entries));
        let survey = self.survey(&key, &ledger, &mut seen).await?;
        let erasure = ledger.of_subject(found.subject);
        Ok(Preview {
            subject: found.subject.to_string(),
            payloads: survey.payloads,
            shared_with_others: survey.shared,
            runs: survey.runs.len() as u64,
            live_runs: self.live_runs(&survey).await?.len() as u64,
            must_be_kept: self.required(&survey),
            held_by: survey.held.iter().map(HoldId::to_string).collect(),
            resumes: erasure
                .filter(|erasure| erasure.done.is_none())
                .map(|erasure| erasure.id.to_string()),
        })
    }

    /// Erases a person, or finishes an erasure of theirs that broke off. For one who is erased already it gives the
    /// certificate again.
    ///
    /// # Errors
    /// See [`ErasureFault`]. After a fault of store or keys the same call finishes it. `Policy`: some of it must be kept
    /// for longer.
    pub async fn erase(
        &self,
        request: EraseRequest<'_>,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Certificate, ErasureFault> {
        self.conduct(request, false, progress).await
    }

    /// As [`Engine::erase`], also what a retention class says must be kept for longer: somebody has weighed the person's
    /// right against that duty, and the reason says how.
    ///
    /// # Errors
    /// As [`Engine::erase`]. A hold still refuses it.
    pub async fn erase_despite_minimum(
        &self,
        request: EraseRequest<'_>,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Certificate, ErasureFault> {
        self.conduct(request, true, progress).await
    }

    async fn conduct(
        &self,
        request: EraseRequest<'_>,
        despite_minimum: bool,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Certificate, ErasureFault> {
        officer(request.by)?;
        reasoned(request.reason)?;
        if request.order.trim().is_empty() || request.order.len() > ORDER_BYTES_MAX {
            let what = "the order's reference is needed, of at most 256 bytes";
            return Err(ErasureFault::Request(what));
        }
        let _turn = self.conducting.lock().await;
        let ledger = self.ledger().await?;
        let found = self.find_person(&request.whom, &ledger).await?;
        let order = self.order_digest(request.order).await?;
        let known = ledger.of_subject(found.subject);
        if let Some(done) = known.filter(|erasure| erasure.done.is_some()) {
            self.forget_under_way(done.id).await?;
            self.forget_plan(done.id).await?;
            return self.certify(done, Some(request.order)).await;
        }
        if let Some(other) = known.filter(|erasure| erasure.order != order) {
            return Err(ErasureFault::OtherOrder(other.id));
        }
        let key = key_of(found.subject);
        let mut seen = |entries| progress(Stage::Surveyed(entries));
        let survey = self.survey(&key, &ledger, &mut seen).await?;
        let begun = known.map(|erasure| erasure.id);
        // A hold that came after the beginning holds as long as there is anything left to hold.
        let is_past = begun.is_some() && self.key_is_gone(&key).await?;
        if !is_past && !survey.held.is_empty() {
            return Err(ErasureFault::Held(survey.held.into_iter().collect()));
        }
        if begun.is_none() && !despite_minimum && !survey.required.is_empty() {
            return Err(ErasureFault::Policy(must_be_kept(&self.required(&survey))));
        }
        let erasure = match begun {
            Some(erasure) => erasure,
            None => {
                self.request_erasure(&request, &found, order, &survey)
                    .await?
            }
        };
        progress(Stage::Requested(erasure));
        if !self.key_is_gone(&key).await? || begun.is_none() {
            self.keep_under_way(erasure, &found.names).await?;
        }
        self.carry_out(erasure, order, &found, &ledger, request.by, progress)
            .await?;
        let ledger = self.ledger().await?;
        let done = ledger
            .erasure(erasure)
            .ok_or_else(|| Fault::Bug("an erasure without its entries".to_owned()))?;
        self.certify(done, Some(request.order)).await
    }

    /// The keyed digest of an order's reference: it can be checked by whoever has the reference and the keys, and
    /// guessed by nobody else.
    pub(super) async fn order_digest(&self, order: &str) -> Result<Digest, ErasureFault> {
        let book = &self.parts.book;
        let index = book.blind_index(self.tenant(), ORDER, order).await;
        let index = index.map_err(Fault::from)?;
        Digest::parse_hex(&index)
            .ok_or_else(|| Fault::Bug("an index of another form".to_owned()).into())
    }

    async fn request_erasure(
        &self,
        request: &EraseRequest<'_>,
        found: &Found,
        order: Digest,
        survey: &Survey,
    ) -> Result<ErasureId, ErasureFault> {
        let now = self.clock().now();
        let erasure = ErasureId::from_bytes(
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?,
        );
        let act = Administration::ErasureRequested {
            erasure,
            subject: found.subject,
            order,
            affected: survey.payloads,
            runs: survey.runs.len() as u64,
            minimum: Some(survey.within_minimum).filter(|payloads| *payloads > 0),
        };
        self.administer(act, Some(request.reason), Some(request.by.id()))
            .await?;
        Ok(erasure)
    }

    async fn carry_out(
        &self,
        erasure: ErasureId,
        order: Digest,
        found: &Found,
        ledger: &Ledger,
        by: &Principal,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<(), ErasureFault> {
        // From here on nothing new is sealed for this person, here or, by the entry, in any process that comes later.
        self.gone.learn(ledger);
        self.gone.add_subject(found.subject);
        let key = key_of(found.subject);
        // Looked at again: a run may have begun since the first survey, and what it sealed is gone with the key.
        let mut quietly = |_| ();
        let survey = self.survey(&key, ledger, &mut quietly).await?;
        let live = self.live_runs(&survey).await?;
        for run in &live {
            // Whoever drives it is fenced: what it has in hand is stored nowhere.
            self.store().claim(self.tenant(), *run).await?;
        }
        progress(Stage::Suspended(live.len() as u64));
        let plan = match self.plan_of(erasure).await? {
            Some(plan) => plan,
            None => {
                self.forget_name_indexes(&found.names).await?;
                // What a backup has of the name is found by keys that go with the person's own.
                let mut keys = vec![key.clone(), key_of_names(erasure)];
                keys.extend(self.renew_name_keys().await?);
                self.keep_plan(erasure, &keys).await?
            }
        };
        progress(Stage::Forgotten);
        let outcome = self.carry_out_plan(erasure, plan).await?;
        progress(Stage::Destroyed);
        self.prove_gone(&key, progress).await?;
        // Tokens of the person's values go with the index; it is made again from the log, which has none.
        self.store().index_clear(self.tenant()).await?;
        // Before the record, so that none is left of what is done.
        self.forget_under_way(erasure).await?;
        let act = done(erasure, found.subject, order, &survey, outcome);
        self.administer(act, None, Some(by.id())).await?;
        progress(Stage::Recorded);
        self.forget_plan(erasure).await?;
        for run in live {
            self.meet_the_gap(run).await;
        }
        Ok(())
    }

    /// Runs that are not over.
    async fn live_runs(&self, survey: &Survey) -> Result<Vec<RunId>, ErasureFault> {
        let mut live = Vec::new();
        for run in &survey.runs {
            let row = self.store().run(self.tenant(), *run).await?;
            let is_run = *run != crate::administration::ADMINISTRATION_RUN;
            if is_run && row.is_some_and(|row| row.state != RunStatus::Ended) {
                live.push(*run);
            }
        }
        Ok(live)
    }

    /// Tries to open everything that depended on a key. One that opens is the end of it.
    pub(crate) async fn prove_gone(
        &self,
        key: &KeyName,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<u64, ErasureFault> {
        if !self.key_is_gone(key).await? {
            return Err(ErasureFault::KeyThere);
        }
        let mut tried = 0;
        let mut seen = |entries| progress(Stage::Proving(entries));
        self.each_payload(&mut seen, async |concern| {
            if !concern.keys.contains(key) {
                return Ok(());
            }
            tried += 1;
            let (run, note) = (concern.run, &concern.note);
            let place = self.place(run, note.id, note.slot.as_str());
            let reference = SealedRef {
                header: &concern.sealed.header,
                ciphertext: &concern.sealed.ciphertext,
                commitment: &note.commitment,
            };
            match self.parts.sealer.open(&place, &reference).await {
                Err(SealFault::Gone(_)) => Ok(()),
                // A mismatch is told of keys that are there.
                Ok(_) | Err(SealFault::Mismatch(_)) => Err(ErasureFault::StillOpens {
                    run,
                    payload: note.id,
                }),
                Err(fault) => Err(Fault::from(fault).into()),
            }
        })
        .await?;
        Ok(tried)
    }

    /// Takes a suspended run up until it meets what is gone and waits for a person. A run that somebody else has in
    /// hand meets it there.
    async fn meet_the_gap(&self, run: RunId) {
        let patience = std::time::Duration::from_secs(2);
        let Ok(mut hold) = tokio::time::timeout(patience, self.hold(run)).await else {
            return;
        };
        *hold = None;
        if let Err(fault) = self.take_over(run).await {
            tracing::warn!(%run, %fault, "could not take up a run after an erasure");
        }
    }
}

fn must_be_kept(required: &[Required]) -> String {
    let classes = required.iter().take(8).map(|required| {
        let basis = required.basis.as_deref().unwrap_or("configured no more");
        format!("{} in `{}` ({basis})", required.payloads, required.class)
    });
    let classes: Vec<String> = classes.collect();
    format!(
        "payloads about the person must be kept for longer: {}\nhint: wait, or say that the order comes first: --despite-minimum",
        classes.join(", ")
    )
}

fn done(
    erasure: ErasureId,
    subject: SubjectId,
    order: Digest,
    survey: &Survey,
    outcome: Outcome,
) -> Administration {
    Administration::ErasureDone {
        erasure,
        subject,
        order,
        keys: outcome.keys,
        affected: survey.payloads,
        shared: survey.shared,
        runs: survey.runs.len() as u64,
        epoch_before: outcome.epoch_before,
        epoch_after: outcome.epoch_after,
        destroyed_at: outcome.destroyed_at(),
        backups_dead_at: outcome.backups_dead_at(),
    }
}
