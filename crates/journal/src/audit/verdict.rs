//! The audit from end to end: the checkpoint and who signed it, then the entries by the whole log or by receipts,
//! then what lies beside them. A question that an earlier fault left unanswered is said to be so.

use crate::checkpoint::{self, Checkpoint};
use crate::note::{SignedNote, VerifierKey};

use super::anchors::{self, Asked};
use super::disclosures::Disclosures;
use super::handover::{self, Borne, Handover};
use super::ledger::Ledger;
use super::manifest::{self, Kind, Manifest, Watched};
use super::older::History;
use super::partial::{self, Log};
use super::payloads::Payloads;
use super::report::{Finding, Report};
use super::runs::Cover;
use super::semantics::Adoptions;
use super::whole::{self, Whole};
use super::{Expectations, LogFiles, Progress};

/// Answers every question about a log that its files can answer. It reads each file once, and holds in memory what
/// is open: one bundle, the tree's right edge, the runs that have not ended.
pub fn audit(
    files: &dyn LogFiles,
    expect: &Expectations,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let mut refused = None;
    let manifest = match files.read(manifest::PATH) {
        Ok(None) => None,
        Ok(Some(bytes)) => match Manifest::parse(&bytes) {
            Ok(manifest) => Some(manifest),
            Err(why) => {
                refused = Some(Finding::wrong(format!("the manifest {why}")));
                None
            }
        },
        Err(fault) => {
            refused = Some(Finding::unclear(format!(
                "the manifest cannot be read: {fault}"
            )));
            None
        }
    };
    let watched = Watched::new(files, manifest.as_ref());
    let mut report = match head(&watched, expect) {
        Ok(head) => entries(&watched, manifest.as_ref(), head, expect, progress),
        Err(signature) => without_checkpoint(signature),
    };
    let kind = manifest
        .as_ref()
        .map_or(Kind::Log, |manifest| manifest.kind);
    report.part = kind.told();
    report.files = refused.unwrap_or_else(|| watched.finish());
    if let Some(manifest) = &manifest
        && (manifest.origin != report.origin || manifest.size != report.size)
    {
        let other = Finding::wrong("the manifest is of another log, or of another size of it");
        report.files = report.files.and(other);
    }
    if expect.part.as_ref().is_some_and(|part| !part.is(kind)) {
        let other = Finding::wrong(format!("this is not what was expected: {}", kind.told()));
        report.files = report.files.and(other);
    }
    report
}

/// The newest checkpoint, and whether the caller's keys signed it.
struct Head {
    note: Vec<u8>,
    now: Checkpoint,
    keys: Vec<VerifierKey>,
    signature: Finding,
    /// Keys after the caller's that may have been handed the log.
    handover: Option<Handover>,
}

/// The keys that the caller named, witnesses' included.
fn trusted(expect: &Expectations) -> Vec<VerifierKey> {
    let witnesses = expect.witnesses.iter().flat_map(|policy| policy.keys());
    expect.keys.iter().chain(witnesses).cloned().collect()
}

fn head(files: &dyn LogFiles, expect: &Expectations) -> Result<Head, Finding> {
    let note = match files.read("checkpoint") {
        Ok(Some(note)) => note,
        Ok(None) => return Err(Finding::unclear("there is no checkpoint")),
        Err(fault) => {
            return Err(Finding::unclear(format!(
                "the checkpoint cannot be read: {fault}"
            )));
        }
    };
    let parsed = SignedNote::parse(&note).map_err(|fault| Finding::wrong(fault.to_string()))?;
    let now =
        Checkpoint::parse_text(parsed.text()).map_err(|fault| Finding::wrong(fault.to_string()))?;
    let mut keys = trusted(expect);
    let origin = expect.origin.as_ref().unwrap_or(&now.origin);
    let mut handover = None;
    let signature = if expect.keys.is_empty() {
        Finding::unclear("no key was given to trust; a log's own key proves nothing")
    } else {
        match checkpoint::open(&note, origin, &keys) {
            Ok(opened) => Finding::holds(format!(
                "`{}` of size {} is signed by {}",
                now.origin,
                now.size,
                opened
                    .signed_by
                    .iter()
                    .map(VerifierKey::to_string)
                    .collect::<Vec<_>>()
                    .join(" and ")
            )),
            Err(fault) => {
                handover = handover::look(files, &note, origin, &keys, &fault);
                Finding::wrong(fault.to_string())
            }
        }
    };
    if let Some(handover) = &handover {
        keys.clone_from(&handover.keys);
    }
    Ok(Head {
        note,
        now,
        keys,
        signature,
        handover,
    })
}

fn entries(
    files: &dyn LogFiles,
    manifest: Option<&Manifest>,
    mut head: Head,
    expect: &Expectations,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let now = &head.now;
    let mut history = History::read(files, expect.kept.as_ref(), &now.origin, &head.keys);
    let partial = manifest.filter(|manifest| manifest.kind != Kind::Log);
    let payloads = match (expect.payloads, manifest) {
        (Some(false), _) => Payloads::unasked("payloads were not asked for"),
        (None, None) => Payloads::unasked("payloads are no part of a log's tiles"),
        (None, Some(manifest)) if !manifest.payloads => Payloads::left_out(),
        (Some(true), _) | (None, Some(_)) => Payloads::among(files),
    };
    let paths = || {
        manifest
            .into_iter()
            .flat_map(|manifest| manifest.files.keys())
    };
    let disclosures = Disclosures::among(files, paths());
    let payloads = payloads.disclosing(&disclosures);
    let (whole, minimum, ledger) = match partial {
        Some(manifest) => {
            let (cover, adoptions) = match manifest.kind {
                Kind::Run(run) => (Cover::Run(run), Adoptions::Elsewhere),
                Kind::Range(0, _) | Kind::Log => (Cover::Whole, Adoptions::Here),
                Kind::Range(..) => (Cover::From, Adoptions::Elsewhere),
                Kind::Subject => (Cover::Some, Adoptions::Elsewhere),
            };
            let mut ledger = Ledger::new(cover, adoptions, payloads);
            if expect.tree_only {
                ledger = ledger.unasked();
            }
            let log = Log {
                now,
                note: &head.note,
                keys: &head.keys,
            };
            let inclusion = partial::read_listed(files, manifest, &log, &mut ledger, progress);
            let whole = Whole {
                inclusion,
                suspects: ledger.runs.suspects.clone(),
                stopped: None,
            };
            (whole, 0, ledger)
        }
        None => {
            let found = match manifest {
                Some(manifest) if manifest.minimum > 0 => Ok(manifest.minimum.min(now.size)),
                _ => whole::minimum_of(files, now.size),
            };
            let (minimum, unread) = match found {
                Ok(minimum) => (minimum, None),
                Err(why) => (0, Some(Finding::unclear(why))),
            };
            let (cover, adoptions) = if minimum == 0 {
                (Cover::Whole, Adoptions::Here)
            } else {
                (Cover::From, Adoptions::Before(minimum))
            };
            let mut ledger = Ledger::new(cover, adoptions, payloads);
            if expect.tree_only {
                ledger = ledger.unasked();
            }
            let whole = match unread {
                Some(inclusion) => Whole {
                    inclusion,
                    suspects: Vec::new(),
                    stopped: Some(0),
                },
                None => whole::read_all(files, now, minimum, &mut history, &mut ledger, progress),
            };
            (whole, minimum, ledger)
        }
    };
    let suspects = &whole.suspects;
    let append_only = history.finish(files, now, &|from, to| whole::narrowed(suspects, from, to));
    let asked = Asked {
        files,
        now,
        note: &head.note,
        keys: &head.keys,
        policy: expect.witnesses.as_ref(),
    };
    let anchors = anchors::judge(&asked, &history);
    if let Some(handover) = head.handover.take() {
        let borne = Borne {
            rotations: &ledger.rotations,
            extended: &|checkpoint| history.extends(checkpoint),
            whole: partial.is_none()
                && ledger.is_asked()
                && minimum == 0
                && matches!(whole.inclusion, Finding::Holds { .. }),
        };
        head.signature = handover.judge(&head.note, &now.origin, &trusted(expect), &borne);
    }
    let unread = !ledger.is_asked() || whole.stopped.is_some();
    let found = ledger.finish();
    let upto = |finding: Finding| match (finding, whole.stopped) {
        (Finding::Holds { .. }, Some(index)) => {
            Finding::unclear(format!("entries from {index} on could not be read"))
        }
        (finding, _) => finding,
    };
    Report {
        origin: now.origin.clone(),
        size: now.size,
        minimum,
        part: "",
        signature: head.signature,
        append_only,
        inclusion: whole.inclusion,
        runs: upto(found.runs),
        payloads: upto(found.payloads),
        disclosures: disclosures.borrow_mut().finish(paths(), unread),
        anchors,
        schema: upto(found.schema),
        semantics: upto(found.semantics),
        files: Finding::unasked(""),
    }
}

fn without_checkpoint(signature: Finding) -> Report {
    let unclear = || Finding::unclear("there is no checkpoint that can be read to hold it to");
    Report {
        origin: String::new(),
        size: 0,
        minimum: 0,
        part: "",
        signature,
        append_only: unclear(),
        inclusion: unclear(),
        runs: unclear(),
        payloads: unclear(),
        disclosures: unclear(),
        anchors: unclear(),
        schema: unclear(),
        semantics: unclear(),
        files: Finding::unasked(""),
    }
}
