//! Cases on payloads, rows, waits, listings, bounds, and on tenants being apart.

use interlock_core::id::PayloadId;
use interlock_core::limits::ENTRY_BYTES_MAX;
use interlock_core::time::Timestamp;

use super::{Factory, Failure, Outcome, Pen, tenant};
use crate::fault::AppendFault;
use crate::limits::{APPEND_BYTES_MAX, APPEND_ENTRIES_MAX, HEADER_BYTES_MAX, WORD_BYTES_MAX};
use crate::rows::{Append, NewEntry, RunFilter, RunRow, RunStatus, Totals, WaitKind, WaitRow};

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Payloads are given back byte for byte, also empty and large ones, and after reopening.
pub async fn payloads_come_back_as_they_were(factory: &dyn Factory) -> Outcome {
    let pen = Pen::new(1)?;
    let payloads = vec![
        pen.payload(1, 0),
        pen.payload(2, 100),
        pen.payload(3, 4 * 1024 * 1024),
    ];
    let store = factory.open().await?;
    let append = Append {
        payloads: payloads.clone(),
        ..pen.write(1, "step.started")?
    };
    store.append(&pen.tenant, append).await?;
    drop(store);
    let store = factory.open().await?;
    for payload in payloads {
        assert_eq!(store.payload(&pen.tenant, payload.id).await?, Some(payload));
    }
    assert_eq!(
        store
            .payload(&pen.tenant, PayloadId::from_bytes([200; 16]))
            .await?,
        None
    );
    Ok(())
}

/// What is over a bound is refused before anything is stored.
pub async fn sizes_are_bounded(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let pen = Pen::new(1)?;
    let spoil: [fn(&mut Append, &Pen); 7] = [
        |a, p| a.payloads = vec![p.payload(1, APPEND_BYTES_MAX)],
        |a, p| {
            let mut payload = p.payload(1, 1);
            payload.header = vec![0; HEADER_BYTES_MAX + 1];
            a.payloads = vec![payload];
        },
        |a, _| a.row.workflow = "x".repeat(WORD_BYTES_MAX + 1),
        |a, _| a.row.outcome = Some("caf\u{e9}".to_owned()),
        |a, p| a.waits = vec![wait(p, "rev_1\n", WaitKind::Review, 1)],
        |a, _| a.request_key = Some(("x".repeat(1000), a.row.bundle)),
        |a, _| {
            let bytes = vec![b' '; ENTRY_BYTES_MAX + 1];
            a.entries = vec![NewEntry {
                seq: 0,
                hash: interlock_journal::leaf_hash(&bytes),
                bytes,
            }];
        },
    ];
    for (i, spoil) in spoil.iter().enumerate() {
        let mut append = pen.write(1, "step.started")?;
        spoil(&mut append, &pen);
        let fault = store.append(&pen.tenant, append).await;
        assert!(
            matches!(fault, Err(AppendFault::TooLarge { .. })),
            "{i}: {fault:?}"
        );
    }
    let many = pen.write(APPEND_ENTRIES_MAX as u64 + 1, "step.started")?;
    assert!(matches!(
        store.append(&pen.tenant, many).await,
        Err(AppendFault::TooLarge { .. })
    ));
    store
        .append(
            &pen.tenant,
            pen.write(APPEND_ENTRIES_MAX as u64, "step.started")?,
        )
        .await?;
    Ok(())
}

/// The same ids in two tenants neither collide nor show each other's content.
pub async fn tenants_are_apart(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let here = Pen::new(1)?;
    let there = Pen {
        tenant: tenant("other")?,
        ..here.clone()
    };
    let absent = tenant("absent")?;
    let full = |pen: &Pen, bytes: usize| -> Result<Append, Failure> {
        Ok(Append {
            payloads: vec![pen.payload(1, bytes)],
            waits: vec![wait(pen, "rev_1", WaitKind::Review, 1)],
            ..pen.write(1, "step.started")?
        })
    };
    store.append(&here.tenant, full(&here, 10)?).await?;
    store.append(&there.tenant, full(&there, 20)?).await?;
    let id = here.payload(1, 0).id;
    assert_eq!(
        store.payload(&here.tenant, id).await?,
        Some(here.payload(1, 10))
    );
    assert_eq!(
        store.payload(&there.tenant, id).await?,
        Some(there.payload(1, 20))
    );
    assert_ne!(
        store.head(&here.tenant, here.run).await?,
        store.head(&there.tenant, here.run).await?
    );
    assert_eq!(store.claim(&there.tenant, here.run).await?, Some(2));
    let next = Pen {
        head: store.head(&here.tenant, here.run).await?,
        ..here.clone()
    };
    store
        .append(&here.tenant, next.write(1, "step.started")?)
        .await?;

    store
        .put_record(&here.tenant, "role", "ann", None, b"a".to_vec())
        .await?;
    store
        .count_rejection(&here.tenant, "api", "host", "schema", at(1))
        .await?;
    for stranger in [&there.tenant, &absent] {
        assert_eq!(store.record(stranger, "role", "ann").await?, None);
        assert_eq!(store.records(stranger, "role").await?, []);
        assert_eq!(store.rejections(stranger).await?, []);
    }
    assert_eq!(
        store.tenants().await?,
        [here.tenant.clone(), there.tenant.clone()]
    );
    assert_eq!(
        store.totals(&here.tenant).await?,
        Totals {
            runs: 1,
            entries: 2,
            payloads: 1
        }
    );
    assert_eq!(
        store.totals(&there.tenant).await?,
        Totals {
            runs: 1,
            entries: 1,
            payloads: 1
        }
    );
    assert_eq!(store.waits(&there.tenant, None).await?.len(), 1);
    assert_eq!(store.payload(&absent, id).await?, None);
    assert_eq!(store.run(&absent, here.run).await?, None);
    assert_eq!(store.entries(&absent, here.run).await?, []);
    assert_eq!(store.claim(&absent, here.run).await?, None);
    assert_eq!(store.waits(&absent, None).await?, []);
    assert_eq!(store.runs(&absent, RunFilter::default(), 10).await?, []);
    assert_eq!(store.runnable(&absent, at(9), 10).await?, []);
    assert_eq!(store.totals(&absent).await?, Totals::default());
    Ok(())
}

/// Pages go from the newest id to the oldest, without gap or overlap, under any filter.
pub async fn listings_come_in_pages(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut all: Vec<RunRow> = Vec::new();
    for n in 1..=25 {
        let pen = Pen::new(n)?;
        let mut append = pen.write(1, "step.started")?;
        append.row.workflow = if n % 2 == 0 { "even" } else { "odd" }.to_owned();
        append.row.state = if n % 3 == 0 {
            RunStatus::Waiting
        } else {
            RunStatus::Active
        };
        append.row.parent = (n % 5 == 0).then_some(pen.run);
        append.row.outcome = (n % 7 == 0).then(|| "done".to_owned());
        append.row.wake_at = (n % 3 == 0).then_some(at(77));
        all.insert(0, append.row.clone());
        store.append(&pen.tenant, append).await?;
    }
    let default = tenant("default")?;
    for (status, workflow) in [
        (None, None),
        (Some(RunStatus::Waiting), None),
        (None, Some("even")),
        (Some(RunStatus::Active), Some("odd")),
        (Some(RunStatus::Ended), None),
    ] {
        let wanted = |row: &&RunRow| {
            status.is_none_or(|status| row.state == status)
                && workflow.is_none_or(|name| row.workflow == name)
        };
        let mut filter = RunFilter {
            status,
            workflow: workflow.map(str::to_owned),
            before: None,
        };
        let mut listed = Vec::new();
        loop {
            let page = store.runs(&default, filter.clone(), 4).await?;
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 4);
            filter.before = Some(last.run);
            listed.extend(page);
        }
        assert_eq!(
            listed,
            all.iter().filter(wanted).cloned().collect::<Vec<_>>()
        );
    }
    assert_eq!(
        store
            .runs(&default, RunFilter::default(), u32::MAX)
            .await?
            .len(),
        25
    );
    assert_eq!(store.runs(&default, RunFilter::default(), 0).await?, []);
    Ok(())
}

/// Active runs and those whose time has come, the longest due first; nothing that waits for people or ended.
pub async fn runnable_runs_are_the_longest_due_first(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let default = tenant("default")?;
    let mut ids = Vec::new();
    for (n, state, updated, wake_at) in [
        (1, RunStatus::Active, 50, None),
        (2, RunStatus::Waiting, 1, Some(40)),
        (3, RunStatus::Waiting, 1, Some(101)),
        (4, RunStatus::Waiting, 1, None),
        (5, RunStatus::Ended, 1, Some(1)),
        (6, RunStatus::Active, 30, Some(1000)),
        (7, RunStatus::Waiting, 99, Some(100)),
    ] {
        let pen = Pen::new(n)?;
        let mut append = pen.write(
            1,
            if state == RunStatus::Ended {
                "run.ended"
            } else {
                "step.started"
            },
        )?;
        append.row = RunRow {
            state,
            updated: at(updated),
            wake_at: wake_at.map(at),
            ..append.row
        };
        store.append(&default, append).await?;
        ids.push(pen.run);
    }
    let of = |numbers: &[usize]| {
        numbers
            .iter()
            .filter_map(|n| ids.get(n - 1).copied())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        store.runnable(&default, at(100), 10).await?,
        of(&[6, 2, 1, 7])
    );
    assert_eq!(
        store.runnable(&default, at(101), 10).await?,
        of(&[6, 2, 1, 7, 3])
    );
    assert_eq!(store.runnable(&default, at(100), 2).await?, of(&[6, 2]));
    assert_eq!(store.runnable(&default, at(0), 10).await?, of(&[6, 1]));
    Ok(())
}

/// An append replaces all waits of its run and no other's.
pub async fn waits_are_replaced_and_listed_oldest_first(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let (mut one, two) = (Pen::new(1)?, Pen::new(2)?);
    let review = WaitRow {
        due: Some(at(500)),
        ..wait(&one, "rev_1", WaitKind::Review, 30)
    };
    let inbox = wait(&one, "inb_1", WaitKind::Inbox, 10);
    let other = wait(&two, "inb_2", WaitKind::Inbox, 20);
    let with = |pen: &Pen, waits: Vec<WaitRow>| -> Result<Append, Failure> {
        Ok(Append {
            waits,
            ..pen.write(1, "step.started")?
        })
    };
    let head = store
        .append(
            &one.tenant,
            with(&one, vec![review.clone(), inbox.clone()])?,
        )
        .await?;
    one.head = Some(head);
    store
        .append(&two.tenant, with(&two, vec![other.clone()])?)
        .await?;
    assert_eq!(
        store.waits(&one.tenant, None).await?,
        [inbox.clone(), other.clone(), review.clone()]
    );
    assert_eq!(
        store.waits(&one.tenant, Some(WaitKind::Inbox)).await?,
        [inbox.clone(), other.clone()]
    );
    assert_eq!(
        store.waits(&one.tenant, Some(WaitKind::Review)).await?,
        [review]
    );

    let stolen = WaitRow {
        run: one.run,
        ..other.clone()
    };
    let fault = store.append(&one.tenant, with(&one, vec![stolen])?).await;
    assert!(
        matches!(fault, Err(AppendFault::Broken { .. })),
        "{fault:?}"
    );
    one.head = Some(
        store
            .append(&one.tenant, with(&one, vec![inbox.clone()])?)
            .await?,
    );
    assert_eq!(
        store.waits(&one.tenant, None).await?,
        [inbox, other.clone()]
    );
    store.append(&one.tenant, with(&one, Vec::new())?).await?;
    assert_eq!(store.waits(&one.tenant, None).await?, [other]);
    Ok(())
}

/// Totals are counts of what is there.
pub async fn totals_count_what_is_there(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    for n in 1..=3 {
        let pen = Pen::new(n)?;
        let payloads = vec![pen.payload(n, 4), pen.payload(n + 100, 4)];
        store
            .append(
                &pen.tenant,
                Append {
                    payloads,
                    ..pen.write(4, "step.started")?
                },
            )
            .await?;
    }
    let default = tenant("default")?;
    assert_eq!(
        store.totals(&default).await?,
        Totals {
            runs: 3,
            entries: 12,
            payloads: 6
        }
    );
    Ok(())
}

fn wait(pen: &Pen, id: &str, kind: WaitKind, since: u64) -> WaitRow {
    let detail = "validation_failed".to_owned();
    WaitRow {
        id: id.to_owned(),
        run: pen.run,
        kind,
        detail,
        since: at(since),
        due: None,
    }
}
