//! What is kept beside the payloads and was once kept in clear or under a plain digest: why the world was set, and what
//! a repeated request is known by.

use interlock_core::digest::Digest;
use interlock_core::pipeline::policy::World as Circumstances;
use interlock_runtime::Fault;
use serde_json::json;

use super::{ADA, Office, erase_ada, holds_bytes};
use crate::Outcome;

#[tokio::test]
async fn a_repeated_request_is_known_until_its_content_is_erased_and_never_by_a_plain_digest()
-> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let (over, nobody) = (runs["over"], runs["nobody"]);
    assert_eq!(road.start(&input, "over").await?, over);
    let changed = json!({"case_id": "CASE-1042", "reporter": ADA, "witness": ADA});
    assert!(
        reused(road.start(&changed, "over").await),
        "another request"
    );
    // Version, workflow and requester are in the log: whoever guesses the input has the rest.
    let entries = road.engine().history(over).await?;
    let interlock_core::run::Event::RunRequested {
        version,
        workflow,
        requester,
        ..
    } = &entries[0].event
    else {
        return Err("no request".into());
    };
    let requester = requester.id.to_bytes();
    let bytes = input.to_string();
    let request = [
        &version.to_bytes()[..],
        workflow.as_str().as_bytes(),
        &requester,
        bytes.as_bytes(),
    ];
    let plain = [
        Digest::of_parts(request).to_bytes().to_vec(),
        Digest::of_parts([&requester[..], b"over"])
            .to_string()
            .into_bytes(),
    ];
    erase_ada(&road).await?;
    assert!(
        reused(road.start(&input, "over").await),
        "nothing to compare with"
    );
    let other = json!({"case_id": "CASE-1042"});
    assert_eq!(road.start(&other, "nobody").await?, nobody);
    drop(road);
    for digest in plain {
        assert_eq!(holds_bytes(&office.data, &digest)?, None);
    }
    Ok(())
}

#[tokio::test]
async fn why_the_world_was_set_is_sealed_and_shown() -> Outcome {
    let office = Office::new()?;
    let road = office.road()?;
    let reason = "drill of Ada Canary-7701";
    let halted = Circumstances {
        halted: true,
        incident: false,
    };
    road.engine().set_world(halted, reason, None).await?;
    let kept = road
        .engine()
        .world_record()
        .await?
        .ok_or("nothing was set")?;
    assert_eq!(
        (kept.halted, kept.incident, kept.reason.as_str()),
        (true, false, reason)
    );
    drop(road);
    assert_eq!(holds_bytes(&office.data, reason.as_bytes())?, None);
    // What somebody else wrote there halts, and is no reason.
    let road = office.road()?;
    let (store, tenant) = (road.engine().store(), road.engine().tenant());
    let record = store
        .record(tenant, "world", "state")
        .await?
        .ok_or("no record")?;
    let forged = br#"{"halted":false,"incident":false,"reason":"all is well","by":null,"at":""}"#;
    store
        .put_record(
            tenant,
            "world",
            "state",
            Some(record.version),
            forged.to_vec(),
        )
        .await?;
    let kept = road
        .engine()
        .world_record()
        .await?
        .ok_or("nothing was set")?;
    assert_eq!(
        (kept.halted, kept.reason.as_str()),
        (true, "the record cannot be read")
    );
    Ok(())
}

fn reused<T>(answer: Result<T, interlock_sim::installation::Failure>) -> bool {
    let fault = answer.err();
    let fault = fault
        .as_ref()
        .and_then(|fault| fault.downcast_ref::<Fault>());
    matches!(fault, Some(Fault::KeyReused))
}
