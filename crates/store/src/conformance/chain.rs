//! Cases on the chain: append, compare-and-swap, fencing, durability, concurrency.

use std::sync::Arc;

use interlock_core::digest::Digest;
use interlock_journal::{ChainName, Verdict, leaf_hash, verify_chain};

use super::{Factory, Outcome, Pen};
use crate::Store;
use crate::fault::AppendFault;
use crate::rows::{Append, Chain, Head, RunStatus};

async fn verdict(store: &dyn Store, pen: &Pen) -> Result<Verdict, crate::StoreFault> {
    let Chain { head, entries } = store.chain(&pen.tenant, pen.run).await?;
    let name = ChainName {
        tenant: pen.tenant.to_string(),
        environment: store.environment().to_string(),
        run: pen.run.to_string(),
    };
    Ok(verify_chain(
        &name,
        entries.iter().map(crate::StoredEntry::to_verify),
        head.map(Into::into),
    ))
}

/// What was appended is there, byte for byte, and verifies.
pub async fn appended_entries_read_back_and_verify(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    assert_eq!(store.head(&pen.tenant, pen.run).await?, None);
    assert_eq!(store.chain(&pen.tenant, pen.run).await?, Chain::default());
    assert_eq!(store.run(&pen.tenant, pen.run).await?, None);
    let first = pen.write(3, "step.started")?;
    pen.head = Some(store.append(&pen.tenant, first.clone()).await?);
    let second = pen.write(2, "step.started")?;
    pen.head = Some(store.append(&pen.tenant, second.clone()).await?);

    let stored = store.entries(&pen.tenant, pen.run).await?;
    let wrote = first.entries.iter().chain(&second.entries);
    assert!(
        stored
            .iter()
            .map(|e| (e.seq, &e.bytes, e.hash))
            .eq(wrote.map(|e| (e.seq, &e.bytes, e.hash)))
    );
    assert_eq!(store.head(&pen.tenant, pen.run).await?, pen.head);
    assert_eq!(store.run(&pen.tenant, pen.run).await?, Some(second.row));
    assert_eq!(
        verdict(&*store, &pen).await?,
        Verdict::Whole {
            entries: 5,
            ended: false
        }
    );
    Ok(())
}

/// A head that is not the stored one changes nothing and is told the right one.
pub async fn another_head_is_a_conflict(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    let absent = Pen {
        head: Some(Head {
            seq: 4,
            hash: leaf_hash(b"x"),
        }),
        ..pen.clone()
    };
    let fault = store
        .append(&pen.tenant, absent.write(1, "step.started")?)
        .await;
    assert_eq!(fault, Err(AppendFault::Conflict { found: None }));

    let first = pen.write(2, "step.started")?;
    pen.head = Some(store.append(&pen.tenant, first.clone()).await?);
    assert_eq!(
        store.append(&pen.tenant, first).await,
        Err(AppendFault::Conflict { found: pen.head })
    );
    for head in [
        Head {
            seq: 1,
            hash: leaf_hash(b"x"),
        },
        Head {
            seq: 0,
            hash: leaf_hash(b"x"),
        },
    ] {
        let stale = Pen {
            head: Some(head),
            ..pen.clone()
        };
        let fault = store
            .append(&pen.tenant, stale.write(1, "step.started")?)
            .await;
        assert_eq!(fault, Err(AppendFault::Conflict { found: pen.head }));
    }
    assert_eq!(
        verdict(&*store, &pen).await?,
        Verdict::Whole {
            entries: 2,
            ended: false
        }
    );
    Ok(())
}

/// Once a run is claimed, the driver before it cannot append, even with the right head.
pub async fn a_claim_fences_the_driver_before(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    assert_eq!(store.claim(&pen.tenant, pen.run).await?, None);
    pen.head = Some(
        store
            .append(&pen.tenant, pen.write(1, "step.started")?)
            .await?,
    );
    assert_eq!(store.claim(&pen.tenant, pen.run).await?, Some(2));
    assert_eq!(store.claim(&pen.tenant, pen.run).await?, Some(3));
    for epoch in [1, 2, 4] {
        let zombie = Pen {
            epoch,
            ..pen.clone()
        };
        let fault = store
            .append(&pen.tenant, zombie.write(1, "step.started")?)
            .await;
        assert_eq!(fault, Err(AppendFault::Fenced { epoch: 3 }));
    }
    drop(store);
    let store = factory.open().await?;
    let owner = Pen {
        epoch: 3,
        ..pen.clone()
    };
    store
        .append(&pen.tenant, owner.write(1, "step.started")?)
        .await?;
    assert_eq!(
        verdict(&*store, &pen).await?,
        Verdict::Whole {
            entries: 2,
            ended: false
        }
    );
    Ok(())
}

/// An idempotency key starts one run, also after reopening, and each tenant has its own keys.
pub async fn a_request_key_starts_one_run(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let pen = Pen::new(1)?;
    let digest = Digest::from_bytes([3; 32]);
    let keyed = |pen: &Pen, digest| -> Result<Append, super::Failure> {
        Ok(Append {
            request_key: Some(("key 1".to_owned(), digest)),
            ..pen.write(1, "run.started")?
        })
    };
    store.append(&pen.tenant, keyed(&pen, digest)?).await?;
    drop(store);
    let store = factory.open().await?;
    let other = Pen::new(2)?;
    for again in [&pen, &other] {
        let fault = store
            .append(&pen.tenant, keyed(again, Digest::from_bytes([4; 32]))?)
            .await;
        assert_eq!(
            fault,
            Err(AppendFault::DuplicateRequest {
                run: pen.run,
                digest
            })
        );
    }
    assert_eq!(store.head(&pen.tenant, other.run).await?, None);
    let stranger = Pen {
        tenant: super::tenant("other")?,
        ..pen.clone()
    };
    store
        .append(&stranger.tenant, keyed(&stranger, digest)?)
        .await?;

    let mut late = keyed(
        &Pen {
            head: store.head(&pen.tenant, pen.run).await?,
            ..pen.clone()
        },
        digest,
    )?;
    late.request_key = Some(("key 2".to_owned(), digest));
    assert!(matches!(
        store.append(&pen.tenant, late).await,
        Err(AppendFault::Broken { .. })
    ));
    Ok(())
}

/// Entries that do not continue the chain, or belong elsewhere, are refused by the store itself.
pub async fn a_broken_chain_is_not_written(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let pen = Pen::new(1)?;
    let other = Pen::new(2)?;
    let elsewhere = Pen {
        tenant: super::tenant("other")?,
        ..pen.clone()
    };
    type Spoil = fn(&mut Append);
    let spoil: [(&str, Spoil); 7] = [
        ("no entry", |a| a.entries.clear()),
        ("gap", |a| drop(a.entries.remove(1))),
        ("order", |a| a.entries.swap(0, 1)),
        ("twice", |a| a.entries.extend(a.entries.clone())),
        ("bytes", |a| {
            a.entries
                .iter_mut()
                .skip(1)
                .for_each(|e| e.bytes.push(b' '))
        }),
        ("hash", |a| {
            a.entries
                .iter_mut()
                .skip(1)
                .for_each(|e| e.hash = leaf_hash(b"x"))
        }),
        ("epoch", |a| a.epoch = 2),
    ];
    for (name, spoil) in spoil {
        let mut append = pen.write(3, "step.started")?;
        spoil(&mut append);
        let fault = store.append(&pen.tenant, append).await;
        assert!(
            matches!(fault, Err(AppendFault::Broken { .. })),
            "{name}: {fault:?}"
        );
    }
    let mixed = [
        Append {
            entries: other.write(1, "step.started")?.entries,
            ..pen.write(1, "step.started")?
        },
        Append {
            entries: elsewhere.write(1, "step.started")?.entries,
            ..pen.write(1, "step.started")?
        },
        Append {
            row: other.row(RunStatus::Active),
            ..pen.write(1, "step.started")?
        },
        Append {
            payloads: vec![other.payload(1, 8)],
            ..pen.write(1, "step.started")?
        },
        Append {
            payloads: vec![pen.payload(1, 8), pen.payload(1, 8)],
            ..pen.write(1, "step.started")?
        },
        pen.write(2, "run.ended")?,
    ];
    for (i, append) in mixed.into_iter().enumerate() {
        let fault = store.append(&pen.tenant, append).await;
        assert!(
            matches!(fault, Err(AppendFault::Broken { .. })),
            "{i}: {fault:?}"
        );
    }
    assert_eq!(store.totals(&pen.tenant).await?, crate::Totals::default());
    assert_eq!(store.tenants().await?, []);
    Ok(())
}

/// After the end nothing follows.
pub async fn an_ended_run_takes_no_more(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    let end = Append {
        row: pen.row(RunStatus::Ended),
        ..pen.write(2, "run.ended")?
    };
    pen.head = Some(store.append(&pen.tenant, end).await?);
    let fault = store
        .append(&pen.tenant, pen.write(1, "step.started")?)
        .await;
    assert!(
        matches!(fault, Err(AppendFault::Broken { seq: 2, .. })),
        "{fault:?}"
    );
    assert_eq!(
        verdict(&*store, &pen).await?,
        Verdict::Whole {
            entries: 2,
            ended: true
        }
    );
    Ok(())
}

/// Reopening sees every acknowledged append, and the chain goes on.
pub async fn what_was_acknowledged_is_there_after_reopening(factory: &dyn Factory) -> Outcome {
    let mut pen = Pen::new(1)?;
    for round in 0..5u64 {
        let store = factory.open().await?;
        assert_eq!(store.head(&pen.tenant, pen.run).await?, pen.head);
        for _ in 0..10 {
            pen.head = Some(
                store
                    .append(&pen.tenant, pen.write(2, "step.started")?)
                    .await?,
            );
        }
        assert_eq!(
            verdict(&*store, &pen).await?,
            Verdict::Whole {
                entries: (round + 1) * 20,
                ended: false
            }
        );
    }
    Ok(())
}

/// An append that fails late in its checks leaves no row, payload, wait or key behind.
pub async fn a_refused_append_leaves_nothing(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let first = Pen::new(1)?;
    let used = Append {
        payloads: vec![first.payload(1, 8)],
        ..first.write(1, "step.started")?
    };
    store.append(&first.tenant, used).await?;
    let second = Pen::new(2)?;
    let append = Append {
        payloads: vec![second.payload(2, 8), second.payload(1, 8)],
        request_key: Some(("key".to_owned(), Digest::from_bytes([0; 32]))),
        ..second.write(1, "step.started")?
    };
    let fault = store.append(&second.tenant, append.clone()).await;
    assert!(
        matches!(fault, Err(AppendFault::Broken { .. })),
        "{fault:?}"
    );
    assert_eq!(store.run(&second.tenant, second.run).await?, None);
    assert_eq!(
        store
            .payload(&second.tenant, second.payload(2, 8).id)
            .await?,
        None
    );
    let repaired = Append {
        payloads: vec![second.payload(2, 8)],
        ..append
    };
    store.append(&second.tenant, repaired).await?;
    Ok(())
}

/// 64 appenders at once, each on its own run: every one is acknowledged and every chain is whole.
pub async fn many_appenders_at_once(factory: &dyn Factory) -> Outcome {
    const EACH: u64 = 20;
    let store = factory.open().await?;
    let mut tasks = Vec::new();
    for n in 0..64 {
        let (store, mut pen) = (Arc::clone(&store), Pen::new(n)?);
        tasks.push(tokio::spawn(async move {
            for _ in 0..EACH {
                pen.head = Some(
                    store
                        .append(&pen.tenant, pen.write(1, "step.started")?)
                        .await?,
                );
            }
            Ok::<_, super::Failure>(pen)
        }));
    }
    for task in tasks {
        let pen = task.await??;
        assert_eq!(
            verdict(&*store, &pen).await?,
            Verdict::Whole {
                entries: EACH,
                ended: false
            }
        );
    }
    Ok(())
}

/// 16 appenders on one run: each round one wins, the others are told where the chain ends.
pub async fn racing_appenders_make_one_chain(factory: &dyn Factory) -> Outcome {
    const EACH: u64 = 10;
    let store = factory.open().await?;
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (store, mut pen) = (Arc::clone(&store), Pen::new(1)?);
        tasks.push(tokio::spawn(async move {
            let mut won = 0;
            while won < EACH {
                match store
                    .append(&pen.tenant, pen.write(1, "step.started")?)
                    .await
                {
                    Ok(head) => {
                        pen.head = Some(head);
                        won += 1;
                    }
                    Err(AppendFault::Conflict { found }) => pen.head = found,
                    Err(fault) => return Err(fault.into()),
                }
            }
            Ok::<_, super::Failure>(pen)
        }));
    }
    for task in tasks {
        task.await??;
    }
    let pen = Pen::new(1)?;
    assert_eq!(
        verdict(&*store, &pen).await?,
        Verdict::Whole {
            entries: 16 * EACH,
            ended: false
        }
    );
    Ok(())
}
