//! Attacks on erasure and holds, by the numbers of the list.

use interlock_core::id::SubjectId;
use interlock_runtime::Fault;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::erasure::{ErasureFault, Fate, Whom};
use interlock_runtime::seal::{KeyName, key_names};
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_store::Record;

use super::{ADA, BEN, Office, check_erased, erase_ada, fates, holds_bytes, officer, opens};
use crate::Outcome;

/// The pages of the book of data keys, as a backup has them.
async fn pages(road: &Road) -> Result<Vec<(String, Record)>, Failure> {
    let engine = road.engine();
    let mut pages = Vec::new();
    for shelf in 0..=255u32 {
        for kind in [format!("data_key.{shelf:02x}"), format!("data_key.{shelf}")] {
            for record in engine.store().records(engine.tenant(), &kind).await? {
                pages.push((kind.clone(), record));
            }
        }
    }
    // Letters spread some of them beyond hexadecimal digits.
    for a in ('0'..='9').chain('a'..='z') {
        for b in ('0'..='9').chain('a'..='z') {
            let kind = format!("data_key.{a}{b}");
            for record in engine.store().records(engine.tenant(), &kind).await? {
                if !pages
                    .iter()
                    .any(|(at, known)| *at == kind && known.key == record.key)
                {
                    pages.push((kind.clone(), record));
                }
            }
        }
    }
    Ok(pages)
}

async fn ada(road: &Road) -> Result<SubjectId, Failure> {
    let by = officer(road).await?;
    let whom = Whom::Named(ADA.to_owned());
    let preview = road
        .engine()
        .preview_erasure(&whom, &by, &mut |_| ())
        .await?;
    Ok(preview.subject.parse()?)
}

#[tokio::test]
async fn attack_35_a_payload_whose_key_is_gone_without_a_record_is_missing() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let subject = ada(&road).await?;
    // An insider destroys the key and says nothing.
    road.engine()
        .destroy_keys(&[KeyName::subject(subject)])
        .await?;
    let over = *runs.get("over").ok_or("no such run")?;
    let fates = fates(road.engine(), over).await?;
    let missing = fates.iter().filter(|(_, fate)| *fate == Fate::Missing);
    assert!(missing.count() > 0, "{fates:?}");
    assert!(
        !fates
            .iter()
            .any(|(_, fate)| matches!(fate, Fate::Erased { .. }))
    );
    // An order that is carried out afterwards puts it on record.
    let (certificate, _) = erase_ada(&road).await?;
    let (_, erased) = opens(road.engine(), over).await?;
    assert!(erased && certificate.payloads > 0);
    Ok(())
}

#[tokio::test]
async fn attack_36_what_is_erased_does_not_open_from_a_backup_or_a_cache_on_one_node() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let subject = ada(&road).await?;
    let key = KeyName::subject(subject);
    // A whole backup of the directory's store, and the pages of the book.
    drop(road);
    let backup = tempfile::tempdir()?;
    let old = backup.path().join("data");
    copy(&office.data, &old)?;
    let road = office.road()?;
    let kept = pages(&road).await?;
    assert!(kept.iter().any(|(_, page)| page.key == key.as_str()));
    // The key is open in this process when it is destroyed.
    let over = *runs.get("over").ok_or("no such run")?;
    assert_eq!(opens(road.engine(), over).await?, (true, false));
    let (certificate, _) = erase_ada(&road).await?;
    check_erased(&road, &runs, &certificate).await?;

    // The page is put back where it was.
    let engine = road.engine();
    let (kind, page) = kept
        .iter()
        .find(|(_, page)| page.key == key.as_str())
        .ok_or("no page")?;
    engine
        .store()
        .put_record(engine.tenant(), kind, &page.key, None, page.bytes.clone())
        .await?;
    for (_, fate) in fates(engine, over).await? {
        assert!(!matches!(fate, Fate::StillOpens { .. }), "{fate:?}");
    }
    drop(road);

    // The store of the backup with the keys of now.
    for file in std::fs::read_dir(&old)? {
        let path = file?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name != "keys" && name != "interlock.toml" && path.is_file() {
            let to = office.data.join(name);
            std::fs::copy(&path, to)?;
        }
    }
    let road = office.road()?;
    let engine = road.engine();
    for recorded in engine.history(over).await? {
        for note in recorded.payloads {
            let sealed = engine.store().payload(engine.tenant(), note.id).await?;
            let sealed = sealed.ok_or("no payload")?;
            let keys = key_names(&sealed.header).ok_or("no header")?;
            if keys.contains(&key) {
                let opened = engine.payload(over, &note).await;
                assert!(!matches!(opened, Ok(Some(_))), "{} opens", note.id);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn attack_37_no_guess_can_be_checked_after_an_erasure() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let over = *runs.get("over").ok_or("no such run")?;
    let notes: Vec<_> = road
        .engine()
        .history(over)
        .await?
        .into_iter()
        .flat_map(|recorded| recorded.payloads)
        .collect();
    let (certificate, _) = erase_ada(&road).await?;
    // The dictionary holds the true content of every payload, and of the whole record of the person.
    let dictionary = [
        format!("{{\"case_id\":\"CASE-1042\",\"reporter\":\"{ADA}\"}}"),
        ADA.to_owned(),
        certificate.subject.clone(),
        certificate.order.clone().unwrap_or_default(),
        "approve".to_owned(),
    ];
    let sha = |text: &[u8]| interlock_core::digest::Digest::of_parts([text]).to_string();
    for guess in &dictionary {
        for note in &notes {
            let commitment = interlock_core::digest::Digest::from_bytes(note.commitment);
            assert_ne!(sha(guess.as_bytes()), commitment.to_string());
            // Nor with any of the keys that are left: opening says that a key is gone before it looks at content.
            let opened = road.engine().payload(over, note).await?;
            let kept = road
                .engine()
                .store()
                .payload(road.engine().tenant(), note.id)
                .await?;
            let keys = kept
                .and_then(|kept| key_names(&kept.header))
                .ok_or("no header")?;
            let about = keys.iter().any(KeyName::is_subject);
            assert!(opened.is_none() || !about, "{} opens", note.id);
        }
        assert_ne!(sha(guess.as_bytes()), certificate.order_digest);
    }
    drop(road);
    // Neither her name nor the order's reference is anywhere in clear; Ben's never was.
    for needle in [ADA, BEN, super::ORDER, "the person asked for it"] {
        assert_eq!(
            holds_bytes(&office.data, needle.as_bytes())?,
            None,
            "{needle}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn attack_55_an_erasure_under_a_legal_hold_is_refused() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let by = officer(&road).await?;
    let engine = road.engine();
    let whom = Whom::Named(BEN.to_owned());
    let ben = engine.preview_erasure(&whom, &by, &mut |_| ()).await?;
    let over = *runs.get("over").ok_or("no such run")?;
    let month: String = engine.clock().now().to_string().chars().take(7).collect();
    for scope in [
        // A payload about both: the hold on Ben holds it against Ada's erasure too.
        HoldScope::Subject(ben.subject.parse()?),
        HoldScope::Subject(ada(&road).await?),
        HoldScope::Run(over),
        HoldScope::Period {
            class: "default".to_owned(),
            month,
        },
    ] {
        let hold = engine.place_hold(scope.clone(), "case 12/26", &by).await?;
        let refused = erase_ada(&road).await;
        let Err(ErasureFault::Held(holds)) = refused else {
            return Err(format!("{scope:?}: it was not refused").into());
        };
        assert_eq!(holds, [hold], "{scope:?}");
        let text = ErasureFault::Held(holds).to_string();
        assert!(text.contains(&hold.to_string()), "{text}");
        for run in runs.values() {
            assert_eq!(opens(engine, *run).await?, (true, false), "{scope:?}");
        }
        engine.release_hold(hold, "settled", &by).await?;
        let twice = engine.release_hold(hold, "settled", &by).await;
        assert!(matches!(twice, Err(ErasureFault::NoHold)));
    }
    let (certificate, _) = erase_ada(&road).await?;
    check_erased(&road, &runs, &certificate).await
}

#[tokio::test]
async fn nothing_new_is_sealed_for_somebody_who_is_erased() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    let subject = ada(&road).await?;
    let waiting = *runs.get("waiting").ok_or("no such run")?;
    erase_ada(&road).await?;
    drop(road);
    // Another process, which knows it from the log alone.
    let road = office.road()?;
    for _ in 0..3 {
        match road.engine().drive(waiting).await {
            Ok(_) | Err(Fault::Erased(_)) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    assert!(
        road.engine()
            .key_is_gone(&KeyName::subject(subject))
            .await?
    );
    Ok(())
}

pub(crate) fn copy(from: &std::path::Path, to: &std::path::Path) -> Outcome {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
