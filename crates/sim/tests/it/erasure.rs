//! People are erased: nothing that depended on their key opens any more, by any way back; holds are in the way; and an
//! erasure that breaks off anywhere is finished by asking again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_core::pipeline::identity::Principal;
use interlock_core::run::{InboxKind, Phase};
use interlock_journal::Entry;
use interlock_runtime::Engine;
use interlock_runtime::administration::{Administration, HoldScope};
use interlock_runtime::codec::PayloadNote;
use interlock_runtime::erasure::{Certificate, EraseRequest, ErasureFault, Fate, Stage, Whom};
use interlock_sim::example;
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_sim::road::Road;
use interlock_store::Store;
use serde_json::json;

use crate::{Outcome, World};

pub(crate) mod attacks;
pub(crate) mod breaks;
mod canary;
mod late;
mod periods;
mod pruned;
mod stale;

/// Who is erased, and who is not.
pub(crate) const ADA: &str = "Ada Canary-7701";
const BEN: &str = "Ben Canary-7702";
const ORDER: &str = "DSAR-2026-0042";

/// The example with people on its input, over a store in a directory.
pub(crate) struct Office {
    pub(crate) world: Arc<World>,
    pub(crate) data: PathBuf,
    _dir: tempfile::TempDir,
}

impl Office {
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut world = World::load("clean")?;
        let people = r#""properties": {
    "reporter": { "type": "string", "maxLength": 64, "x-interlock": { "subject": true } },
    "witness": { "type": "string", "maxLength": 64, "x-interlock": { "subject": true } },"#;
        let path = "schemas/case.json";
        example::replace(&mut world.files, path, r#""properties": {"#, people)?;
        world.bundle = example::load(world.files.clone())?;
        Self::of(Arc::new(world))
    }

    /// An empty one in the same world.
    pub(crate) fn of(world: Arc<World>) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        Ok(Self {
            world,
            data: dir.path().join("data"),
            _dir: dir,
        })
    }

    pub(crate) fn installation(&self) -> Result<Installation, Failure> {
        Installation::open(&self.data)
    }

    /// A road over the office's own store, opened anew.
    pub(crate) fn road(&self) -> Result<Road, Failure> {
        let installation = self.installation()?;
        let store = installation.sqlite()?;
        self.road_over(&installation, store)
    }

    pub(crate) fn road_over(
        &self,
        installation: &Installation,
        store: Arc<dyn Store>,
    ) -> Result<Road, Failure> {
        let engine = installation.engine(
            store,
            Arc::new(interlock_runtime::case::scripted_model(&self.world.case)),
            Arc::new(interlock_runtime::case::CaseDoors::new(
                &self.world.case,
                installation.dir(),
            )),
            scripted_endpoints(&self.world.bundle),
        )?;
        Ok(Road::new(engine))
    }

    /// Runs: one that is over and one that waits about Ada, one about both, one about Ben, one about nobody.
    pub(crate) async fn peopled(&self) -> Result<(Road, BTreeMap<&'static str, RunId>), Failure> {
        let road = self.road()?;
        road.deploy(&self.world.files).await?;
        let mut runs = BTreeMap::new();
        for (name, input) in [
            ("over", json!({"case_id": "CASE-1042", "reporter": ADA})),
            ("waiting", json!({"case_id": "CASE-1042", "reporter": ADA})),
            (
                "both",
                json!({"case_id": "CASE-1042", "reporter": ADA, "witness": BEN}),
            ),
            ("ben", json!({"case_id": "CASE-1042", "reporter": BEN})),
            ("nobody", json!({"case_id": "CASE-1042"})),
        ] {
            let run = road.start(&input, name).await?;
            if name == "waiting" {
                let state = road.engine().drive(run).await?;
                assert!(matches!(state.phase, Phase::Reviewing { .. }));
            } else {
                let state = road.go_on(run).await?;
                assert!(state.is_ended(), "{name}: {}", state.phase.name());
            }
            runs.insert(name, run);
        }
        Ok((road, runs))
    }
}

pub(crate) async fn officer(road: &Road) -> Result<Principal, Failure> {
    Ok(road.person("dora", "dpo").await?)
}

/// Erases Ada, with every stage that was told.
pub(crate) async fn erase_ada(road: &Road) -> Result<(Certificate, Vec<Stage>), ErasureFault> {
    let by = road.person("dora", "dpo").await?;
    let request = EraseRequest {
        whom: Whom::Named(ADA.to_owned()),
        order: ORDER,
        reason: "the person asked for it",
        by: &by,
    };
    let mut stages = Vec::new();
    let certificate = road
        .engine()
        .erase(request, &mut |stage| stages.push(stage))
        .await?;
    Ok((certificate, stages))
}

/// The payloads of a run and what has become of each.
pub(crate) async fn fates(
    engine: &Engine,
    run: RunId,
) -> Result<Vec<(PayloadNote, Fate)>, Failure> {
    let ledger = engine.ledger().await?;
    let mut fates = Vec::new();
    for recorded in engine.history(run).await? {
        for note in recorded.payloads {
            let fate = engine.fate(&ledger, run, &note).await?;
            fates.push((note, fate));
        }
    }
    Ok(fates)
}

/// Whether anything of a run opens, and whether anything of it is erased with a record; nothing may be otherwise.
pub(crate) async fn opens(engine: &Engine, run: RunId) -> Result<(bool, bool), Failure> {
    let (mut open, mut erased) = (false, false);
    for (note, fate) in fates(engine, run).await? {
        match fate {
            Fate::Opens => open = true,
            Fate::Erased { .. } => erased = true,
            Fate::Missing | Fate::Altered | Fate::StillOpens { .. } => {
                return Err(format!("{} of {run}: {fate:?}", note.id).into());
            }
        }
    }
    Ok((open, erased))
}

/// All that must hold once Ada is erased.
pub(crate) async fn check_erased(
    road: &Road,
    runs: &BTreeMap<&'static str, RunId>,
    certificate: &Certificate,
) -> Outcome {
    let engine = road.engine();
    for (name, erased) in [
        ("over", true),
        ("waiting", true),
        ("both", true),
        ("ben", false),
        ("nobody", false),
    ] {
        let run = runs.get(name).ok_or("no such run")?;
        let (_, gone) = opens(engine, *run).await?;
        assert_eq!(gone, erased, "{name}");
        engine.history(*run).await?;
    }
    let (open, _) = opens(engine, *runs.get("ben").ok_or("no such run")?).await?;
    assert!(open, "Ben is not erased");
    let acts = engine.administration_history(0, 200).await?;
    let kinds: Vec<_> = acts.iter().map(|act| act.act.kind()).collect();
    for kind in ["erasure.requested", "erasure.done"] {
        let times = kinds.iter().filter(|known| **known == kind).count();
        assert_eq!(times, 1, "{kind}: {kinds:?}");
    }
    assert!(certificate.payloads > 0);
    assert!(certificate.shared_with_others > 0, "the run about both");
    assert!(certificate.shared_with_others < certificate.payloads);
    assert_eq!(certificate.runs, 3);
    assert!(certificate.epoch_after > certificate.epoch_before);
    assert_eq!(certificate.order.as_deref(), Some(ORDER));
    assert!(certificate.destroyed_at <= certificate.backups_dead_at);
    placed(engine, certificate).await
}

/// The certificate's entries are in the log where it says.
async fn placed(engine: &Engine, certificate: &Certificate) -> Outcome {
    for (placed, kind) in [
        (&certificate.requested, "erasure.requested"),
        (&certificate.done, "erasure.done"),
    ] {
        let index = placed.index.ok_or("it has no place in the log")?;
        let found = engine
            .store()
            .log_entries(engine.tenant(), index, 1)
            .await?
            .pop()
            .ok_or("nothing there")?;
        let entry = Entry::parse(&found.bytes)?;
        assert_eq!(entry.event(), kind);
        assert_eq!(found.hash.to_string(), placed.leaf);
        assert_eq!(interlock_journal::leaf_hash(&found.bytes), found.hash);
        assert!(placed.by.is_some());
    }
    Ok(())
}

/// Whether any file below a directory holds these bytes.
pub(crate) fn holds_bytes(dir: &Path, needle: &[u8]) -> Result<Option<PathBuf>, Failure> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            holds_bytes(&path, needle)?
        } else {
            let bytes = std::fs::read(&path)?;
            let there = bytes.windows(needle.len()).any(|window| window == needle);
            there.then(|| path.clone())
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[tokio::test]
async fn erasing_one_person_erases_what_is_about_them_and_nothing_else() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let by = officer(&road).await?;
    let whom = Whom::Named(ADA.to_owned());
    let preview = road
        .engine()
        .preview_erasure(&whom, &by, &mut |_| ())
        .await?;
    assert_eq!((preview.runs, preview.live_runs), (3, 1));
    assert!(preview.held_by.is_empty() && preview.resumes.is_none());
    for run in runs.values() {
        assert_eq!(opens(road.engine(), *run).await?, (true, false));
    }
    let (certificate, stages) = erase_ada(&road).await?;
    assert_eq!(certificate.payloads, preview.payloads);
    assert!(stages.contains(&Stage::Destroyed) && stages.contains(&Stage::Recorded));
    check_erased(&road, &runs, &certificate).await?;
    assert!(certificate.text().contains(&certificate.erasure));

    // Her live run waits for a person, who can end it.
    let waiting = *runs.get("waiting").ok_or("no such run")?;
    let state = road.engine().drive(waiting).await?;
    let waits = matches!(
        state.phase,
        Phase::Waiting {
            kind: InboxKind::PayloadGone,
            ..
        } | Phase::Reviewing { .. }
    );
    assert!(waits, "{}", state.phase.name());

    // The name leads nowhere, the pseudonym to the same certificate, and she may come back as somebody new.
    let again = road.engine().preview_erasure(&whom, &by, &mut |_| ()).await;
    assert!(matches!(again, Err(ErasureFault::Unknown)));
    let request = EraseRequest {
        whom: Whom::Known(certificate.subject.parse()?),
        order: ORDER,
        reason: "once more",
        by: &by,
    };
    assert_eq!(
        road.engine().erase(request, &mut |_| ()).await?,
        certificate
    );
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "returned").await?;
    assert!(road.go_on(run).await?.is_ended());
    assert_eq!(opens(road.engine(), run).await?, (true, false));
    check_erased(&road, &runs, &certificate).await
}

#[tokio::test]
async fn only_an_officer_erases_and_holds_and_only_with_a_reason() -> Outcome {
    let office = Office::new()?;
    let (road, _) = office.peopled().await?;
    let engine = road.engine();
    let whom = || Whom::Named(ADA.to_owned());
    for role in ["analyst", "auditor", "admin", "operator"] {
        let by = road.person("eve", role).await?;
        let request = EraseRequest {
            whom: whom(),
            order: ORDER,
            reason: "why not",
            by: &by,
        };
        let refused = engine.erase(request, &mut |_| ()).await;
        assert!(matches!(refused, Err(ErasureFault::Role("dpo"))), "{role}");
        let scope = HoldScope::Run(RunId::from_bytes([1; 16]));
        let refused = engine.place_hold(scope, "why not", &by).await;
        assert!(matches!(refused, Err(ErasureFault::Role("dpo"))), "{role}");
        let listed = engine.list_holds(&by).await;
        assert_eq!(listed.is_ok(), role == "auditor", "{role}");
    }
    let by = officer(&road).await?;
    for (order, reason) in [("", "because"), (ORDER, " "), (ORDER, "")] {
        let request = EraseRequest {
            whom: whom(),
            order,
            reason,
            by: &by,
        };
        let refused = engine.erase(request, &mut |_| ()).await;
        assert!(matches!(refused, Err(ErasureFault::Request(_))));
    }
    let acts = engine.administration_history(0, 200).await?;
    let erasing = |act: &Administration| {
        matches!(
            act,
            Administration::ErasureRequested { .. } | Administration::HoldPlaced { .. }
        )
    };
    assert!(!acts.iter().any(|entry| erasing(&entry.act)));
    Ok(())
}
