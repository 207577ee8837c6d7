//! Nobody is shown sealed content before it is on record that they are: revealing by role and reason, and every view of
//! content, over stores whose writes fail.

use std::sync::Arc;

use interlock_core::id::{PayloadId, RunId};
use interlock_core::pipeline::identity::{Method, Principal};
use interlock_core::run::{Phase, Slot};
use interlock_runtime::Engine;
use interlock_runtime::administration::{Administered, Administration, ShownAs};
use interlock_runtime::keep::KeepRules;
use interlock_runtime::reveal::RevealFault;
use interlock_sim::installation::Failure;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour};

use crate::keep::Desk;
use crate::{Outcome, World};

const BODY: &str = "Hello, my card CANARY-4111 was charged twice. When do I get it back?";

async fn person(engine: &Engine, roles: &[&str]) -> Result<Principal, Failure> {
    let roles = roles.iter().map(|role| role.parse());
    let roles = roles.collect::<Result<_, _>>()?;
    Ok(engine
        .local_person("someone", roles, Method::LocalUser)
        .await?)
}

async fn input(engine: &Engine, run: RunId) -> Result<PayloadId, Failure> {
    let history = engine.history(run).await?;
    let mut notes = history.iter().flat_map(|recorded| &recorded.payloads);
    let note = notes.find(|note| note.slot == Slot::Input);
    Ok(note.ok_or("no input")?.id)
}

async fn readings(engine: &Engine) -> Result<Vec<Administered>, Failure> {
    let acts = engine.administration_history(0, 200).await?;
    let is_reading = |act: &Administered| matches!(act.act, Administration::PayloadRead { .. });
    Ok(acts.into_iter().filter(is_reading).collect())
}

#[tokio::test]
async fn revealing_takes_a_role_and_a_reason_and_is_on_record() -> Outcome {
    let desk = Desk::new(World::memory()?, KeepRules::default())?;
    let engine = desk.engine().await?;
    let run = desk.done(&engine, BODY).await?;
    let payload = input(&engine, run).await?;
    let before = readings(&engine).await?.len();
    for roles in [
        &[][..],
        &["auditor"],
        &["admin", "operator"],
        &["investigators"],
    ] {
        let nobody = person(&engine, roles).await?;
        let refused = engine.reveal(payload, &nobody, "a good reason").await;
        assert!(matches!(refused, Err(RevealFault::Denied)), "{roles:?}");
        let unknown = PayloadId::from_bytes([9; 16]);
        let refused = engine.reveal(unknown, &nobody, "a good reason").await;
        assert!(
            matches!(refused, Err(RevealFault::Denied)),
            "no word on whether it is there"
        );
    }
    let service = ["investigator".parse()?].into();
    let service = engine.service("bot", service, Method::ApiKey).await?;
    let refused = engine.reveal(payload, &service, "a good reason").await;
    assert!(matches!(refused, Err(RevealFault::Denied)), "people alone");
    let investigator = person(&engine, &["investigator"]).await?;
    let long = "x".repeat(2001);
    for reason in ["", "  \n", long.as_str()] {
        let refused = engine.reveal(payload, &investigator, reason).await;
        assert!(
            matches!(refused, Err(RevealFault::Reason)),
            "{}",
            reason.len()
        );
    }
    assert_eq!(readings(&engine).await?.len(), before, "nothing was read");
    for role in ["investigator", "dpo"] {
        let allowed = person(&engine, &[role]).await?;
        let revealed = engine.reveal(payload, &allowed, "case CANARY-WHY").await?;
        assert_eq!(revealed.content["body"], BODY);
        let readings = readings(&engine).await?;
        let last = readings.last().ok_or("no entry")?;
        assert_eq!(
            last.act,
            Administration::PayloadRead {
                run,
                read: [payload].into(),
                shown: ShownAs::Reveal
            }
        );
        assert_eq!(last.by, Some(allowed.id()));
        assert!(last.reason.is_some(), "the reason is sealed beside it");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_put_on_record_is_not_shown() -> Outcome {
    for flavour in Flavour::ALL {
        let memory = World::memory()?;
        let mut desk = Desk::new(memory.clone(), KeepRules::default())?;
        let engine = desk.engine().await?;
        let run = desk.done(&engine, BODY).await?;
        let payload = input(&engine, run).await?;
        let investigator = person(&engine, &["investigator"]).await?;
        for reveals in [false, true] {
            for n in 1.. {
                let before = readings(&engine).await?.len();
                let store = Arc::new(FaultyStore::new(memory.clone(), FaultPlan::nth(n, flavour)));
                desk.store = store.clone();
                let again = desk.reopened()?;
                let shown = if reveals {
                    let revealed = again.reveal(payload, &investigator, "why").await;
                    revealed.map(|revealed| revealed.content).ok()
                } else {
                    let view = again.run_view(run, Some(investigator.id())).await;
                    view.ok().and_then(|view| view.output)
                };
                let on_record = readings(&engine).await?.len() - before;
                let what = format!("write {n}, {flavour:?}, reveals: {reveals}");
                assert!(shown.is_none() || on_record == 1, "{what}: {on_record}");
                if store.plan().failed() == 0 {
                    assert!(n > 1 && shown.is_some(), "{what}");
                    break;
                }
                if flavour == Flavour::NotStored && !reveals {
                    assert_eq!((shown, on_record), (None, 0), "{what}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_view_of_content_is_one_entry_and_lists_open_nothing() -> Outcome {
    let desk = Desk::new(World::memory()?, KeepRules::default())?;
    let engine = desk.engine().await?;
    let run = desk.start(&engine, BODY).await?;
    let state = engine.drive(run).await?;
    let Phase::Reviewing { review, .. } = &state.phase else {
        return Err("nothing waits for a review".into());
    };
    let reader = person(&engine, &["support_lead"]).await?.id();
    let listed = engine.review_view(review.id, None).await?;
    assert!(listed.content.is_null() && listed.shown.is_null());
    assert_eq!(engine.run_view(run, None).await?.output, None);
    assert_eq!(readings(&engine).await?.len(), 0);
    let shown = engine.review_view(review.id, Some(reader)).await?;
    assert!(shown.content.is_object());
    desk.finish(&engine, run).await?;
    assert!(engine.run_view(run, Some(reader)).await?.output.is_some());
    let found: Vec<_> = readings(&engine)
        .await?
        .into_iter()
        .map(|act| match act.act {
            Administration::PayloadRead { run, read, shown } => (run, read.len(), shown, act.by),
            _ => unreachable!("readings alone"),
        })
        .collect();
    assert_eq!(
        found,
        [
            (run, 1, ShownAs::Review, Some(reader)),
            (run, 1, ShownAs::Output, Some(reader)),
        ]
    );
    Ok(())
}
