//! What changes an installation: by whom, on record before it is in force where it widens, and in force before it is on
//! record where it narrows, with each write failing both ways.

use std::sync::Arc;

use interlock_core::id::{ApiKeyId, RoleName};
use interlock_core::pipeline::identity::Method;
use interlock_core::pipeline::policy::World as State;
use interlock_runtime::administration::{Administration, Office as Kind};
use interlock_runtime::{Fault, Unidentified};
use interlock_sim::example;
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour};

use crate::Outcome;
use crate::erasure::Office;
use crate::erasure::breaks::reopened;
use crate::log::acts;

const HALTED: State = State {
    halted: true,
    incident: true,
};

#[tokio::test]
async fn the_engine_itself_asks_for_the_office() -> Outcome {
    let office = Office::new()?;
    let road = office.road()?;
    let engine = road.engine();
    let (dora, ann) = (
        road.person("dora", "dpo").await?,
        road.person("ann", "author").await?,
    );
    let robot = engine
        .service("robot", [RoleName::parse("admin")?].into(), Method::ApiKey)
        .await?;
    let before = engine.administration_history(0, 200).await?.len();
    let bundle = || example::load(office.world.files.clone());
    for by in [&dora, &robot] {
        let refused = [
            engine.set_world(HALTED, "x", Some(by)).await.err(),
            engine.rotate_keys_for(by, "x").await.err(),
            engine.create_api_key(&robot, None, Some(by)).await.err(),
            engine.deploy(bundle()?, Some(by)).await.err(),
        ];
        for (kind, fault) in [Kind::World, Kind::Keys, Kind::ApiKeys, Kind::Bundles]
            .into_iter()
            .zip(refused)
        {
            match fault {
                Some(Fault::Office(missing)) => assert_eq!(missing.0, kind),
                other => return Err(format!("{kind:?}: {other:?}").into()),
            }
        }
    }
    assert_eq!(engine.administration_history(0, 200).await?.len(), before);
    engine.deploy(bundle()?, Some(&ann)).await?;
    // What is current already may be loaded by anybody, and is no act.
    engine.deploy(bundle()?, Some(&dora)).await?;
    let deployed = engine.administration_history(0, 200).await?;
    let by: Vec<_> = deployed
        .iter()
        .filter(|done| matches!(done.act, Administration::BundleDeployed { .. }))
        .map(|done| done.by)
        .collect();
    assert_eq!(by, [Some(ann.id())]);
    Ok(())
}

/// One key that works.
async fn keyed(road: &Road) -> Result<(ApiKeyId, String), Failure> {
    let service = road.engine().service("intake", [].into(), Method::ApiKey);
    let service = service.await?;
    let (id, text) = road.engine().create_api_key(&service, None, None).await?;
    Ok((id, text.to_string()))
}

#[tokio::test]
async fn no_record_says_ended_of_a_key_that_works_or_halted_of_a_world_that_is_not() -> Outcome {
    for flavour in Flavour::ALL {
        for n in 1..=4 {
            let office = Office::new()?;
            let road = office.road()?;
            let (id, text) = keyed(&road).await?;
            let (dora, lena) = (
                road.person("dora", "admin").await?,
                road.person("lena", "incident_lead").await?,
            );
            drop(road);
            for halts in [false, true] {
                let what = format!("{flavour:?}, write {n}, halts: {halts}");
                let attempt = async |plan| -> Result<(), Failure> {
                    let road = reopened(&office).await?;
                    drop(road);
                    let installation = office.installation()?;
                    let store = Arc::new(FaultyStore::new(installation.sqlite()?, plan));
                    let road = office.road_over(&installation, store)?;
                    if halts {
                        road.engine().set_world(HALTED, "x", Some(&lena)).await?;
                    } else {
                        road.engine().revoke_api_key(id, Some(&dora)).await?;
                    }
                    Ok(())
                };
                let first = attempt(FaultPlan::nth(n, flavour)).await;
                for tried in [false, true] {
                    if tried {
                        let second = attempt(FaultPlan::none()).await;
                        assert!(first.is_ok() || second.is_ok() || !halts, "{what}");
                    }
                    let road = reopened(&office).await?;
                    let engine = road.engine();
                    let (kind, holds) = if halts {
                        let world = engine.world_record().await?;
                        ("world.set", world.is_some_and(|world| world.halted))
                    } else {
                        let found = engine.by_api_key(&text).await;
                        let ended = matches!(found, Err(Unidentified::Unknown));
                        ("api_key.revoked", ended)
                    };
                    let recorded = !acts(engine, kind).await?.is_empty();
                    assert!(!recorded || holds, "{what}");
                    assert!(!tried || (recorded && holds), "{what}, asked again");
                }
            }
        }
    }
    Ok(())
}
