//! The store in memory, for tests and simulation: the same contract, durable as long as one handle lives.
//! Clones share what they hold, so that "reopening" is taking another clone.

mod log;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use interlock_core::digest::Digest;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_core::time::Timestamp;

use crate::Store;
use crate::check::{self, Guarded};
use crate::fault::{AppendFault, RecordFault, StoreFault};
use crate::limits::{
    LOG_ENTRIES_MAX, OTHER_ADDRESSES, RECORDS_MAX, REJECTIONS_MAX, WAITS_LISTED_MAX,
};
use crate::log::ADMINISTRATION_RUN;
use crate::rows::{
    Append, Chain, Head, NewEntry, Record, Rejection, RunFilter, RunRow, RunStatus, SealedPayload,
    StoredEntry, Totals, WaitKind, WaitRow,
};

/// Everything that one tenant has.
#[derive(Default)]
struct Tenant {
    runs: BTreeMap<RunId, Run>,
    payloads: BTreeMap<PayloadId, SealedPayload>,
    waits: BTreeMap<String, WaitRow>,
    requests: BTreeMap<String, (RunId, Digest)>,
    record_version: u64,
    records: BTreeMap<(String, String), Record>,
    log: log::Log,
    rejections: BTreeMap<(String, String, String), (u64, Timestamp)>,
}

struct Run {
    head: Head,
    epoch: u64,
    row: RunRow,
    /// Those that are left, in order.
    entries: Vec<NewEntry>,
    /// How many were pruned, from the first on.
    pruned: u64,
    /// The index in the log of each, pruned ones too.
    indexes: Vec<u64>,
}

impl Run {
    fn entry(&self, seq: u64) -> Option<&NewEntry> {
        let place = usize::try_from(seq.checked_sub(self.pruned)?).ok()?;
        self.entries.get(place)
    }
}

/// A store in memory.
#[derive(Clone)]
pub struct MemoryStore {
    environment: EnvironmentName,
    tenants: Arc<Mutex<BTreeMap<TenantName, Tenant>>>,
}

impl MemoryStore {
    /// An empty store of one environment.
    #[must_use]
    pub fn new(environment: EnvironmentName) -> Self {
        Self {
            environment,
            tenants: Arc::default(),
        }
    }

    /// A write, under the lock. Each write below changes something only once all of its checks passed, so a
    /// poisoned lock holds no half-made change.
    fn write<T>(&self, tenant: &TenantName, change: impl FnOnce(&mut Tenant) -> T) -> T {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        change(tenants.entry(tenant.clone()).or_default())
    }

    fn read<T: Default>(&self, tenant: &TenantName, view: impl FnOnce(&Tenant) -> T) -> T {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).map(view).unwrap_or_default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }

    async fn append(&self, tenant: &TenantName, append: Append) -> Result<Head, AppendFault> {
        let head = check::append(tenant, &self.environment, &append)?;
        self.write(tenant, |kept| kept.append(append, head))
    }

    async fn head(&self, tenant: &TenantName, run: RunId) -> Result<Option<Head>, StoreFault> {
        Ok(self.read(tenant, |kept| kept.runs.get(&run).map(|kept| kept.head)))
    }

    async fn chain(&self, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault> {
        let stored = |e: &NewEntry| StoredEntry {
            seq: e.seq,
            bytes: e.bytes.clone(),
            hash: e.hash,
        };
        self.read(tenant, |kept| {
            kept.runs.get(&run).map(|kept| {
                if kept.pruned > 0 && run != ADMINISTRATION_RUN {
                    return Err(StoreFault::Pruned {
                        operation: "entries",
                        entries: kept.pruned,
                    });
                }
                Ok(Chain {
                    head: Some(kept.head),
                    entries: kept.entries.iter().map(stored).collect(),
                })
            })
        })
        .unwrap_or_else(|| Ok(Chain::default()))
    }

    async fn payload(
        &self,
        tenant: &TenantName,
        id: PayloadId,
    ) -> Result<Option<SealedPayload>, StoreFault> {
        Ok(self.read(tenant, |kept| kept.payloads.get(&id).cloned()))
    }

    async fn run(&self, tenant: &TenantName, run: RunId) -> Result<Option<RunRow>, StoreFault> {
        Ok(self.read(tenant, |kept| {
            kept.runs.get(&run).map(|run| run.row.clone())
        }))
    }

    async fn runs(
        &self,
        tenant: &TenantName,
        filter: RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreFault> {
        let wanted = |row: &RunRow| {
            filter.status.is_none_or(|status| status == row.state)
                && filter
                    .workflow
                    .as_ref()
                    .is_none_or(|workflow| *workflow == row.workflow)
                && filter.before.is_none_or(|before| row.run < before)
        };
        let limit = limit.min(PAGE_ITEMS_MAX) as usize;
        Ok(self.read(tenant, |kept| {
            kept.runs
                .values()
                .rev()
                .map(|run| &run.row)
                .filter(|row| row.run != ADMINISTRATION_RUN && wanted(row))
                .take(limit)
                .cloned()
                .collect()
        }))
    }

    async fn waits(
        &self,
        tenant: &TenantName,
        kind: Option<WaitKind>,
    ) -> Result<Vec<WaitRow>, StoreFault> {
        let mut waits: Vec<WaitRow> = self.read(tenant, |kept| {
            kept.waits
                .values()
                .filter(|wait| kind.is_none_or(|kind| kind == wait.kind))
                .cloned()
                .collect()
        });
        waits.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        waits.truncate(WAITS_LISTED_MAX as usize);
        Ok(waits)
    }

    async fn runnable(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreFault> {
        let due = |row: &RunRow| match row.state {
            _ if row.run == ADMINISTRATION_RUN => None,
            RunStatus::Active => Some(row.updated),
            RunStatus::Waiting => row.wake_at.filter(|wake| *wake <= now),
            RunStatus::Ended => None,
        };
        let mut runs: Vec<(Timestamp, RunId)> = self.read(tenant, |kept| {
            kept.runs
                .values()
                .filter_map(|run| due(&run.row).map(|due| (due, run.row.run)))
                .collect()
        });
        runs.sort_unstable();
        runs.truncate(limit as usize);
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    async fn claim(&self, tenant: &TenantName, run: RunId) -> Result<Option<u64>, StoreFault> {
        Ok(self.write(tenant, |kept| {
            kept.runs.get_mut(&run).map(|run| {
                run.epoch = run.epoch.saturating_add(1);
                run.epoch
            })
        }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreFault> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let used = |kept: &Tenant| {
            !kept.runs.is_empty() || kept.record_version > 0 || !kept.rejections.is_empty()
        };
        Ok(tenants
            .iter()
            .filter(|(_, kept)| used(kept))
            .map(|(name, _)| name.clone())
            .collect())
    }

    async fn put_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: Option<u64>,
        bytes: Vec<u8>,
    ) -> Result<u64, RecordFault> {
        check::record("put record", kind, key, &bytes)?;
        self.write(tenant, |kept| {
            let place = (kind.to_owned(), key.to_owned());
            let found = kept.records.get(&place).map(|record| record.version);
            if found != expected {
                return Err(RecordFault::Conflict { found });
            }
            let of_kind = kept.records.keys().filter(|(of, _)| of == kind).count() as u64;
            if found.is_none() && of_kind >= RECORDS_MAX {
                return Err(RecordFault::Full { max: RECORDS_MAX });
            }
            kept.record_version += 1;
            let version = kept.record_version;
            kept.records.insert(
                place,
                Record {
                    key: key.to_owned(),
                    version,
                    bytes,
                },
            );
            Ok(version)
        })
    }

    async fn record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, StoreFault> {
        Ok(self.read(tenant, |kept| {
            kept.records
                .get(&(kind.to_owned(), key.to_owned()))
                .cloned()
        }))
    }

    async fn records(&self, tenant: &TenantName, kind: &str) -> Result<Vec<Record>, StoreFault> {
        Ok(self.read(tenant, |kept| {
            kept.records
                .iter()
                .filter(|((of, _), _)| of == kind)
                .map(|(_, record)| record.clone())
                .collect()
        }))
    }

    async fn delete_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: u64,
    ) -> Result<(), RecordFault> {
        check::record("delete record", kind, key, &[])?;
        self.write(tenant, |kept| {
            let place = (kind.to_owned(), key.to_owned());
            let found = kept.records.get(&place).map(|record| record.version);
            if found != Some(expected) {
                return Err(RecordFault::Conflict { found });
            }
            kept.records.remove(&place);
            Ok(())
        })
    }

    async fn count_rejection(
        &self,
        tenant: &TenantName,
        source: &str,
        address: &str,
        fault: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        check::rejection("count rejection", source, address, fault)?;
        self.write(tenant, |kept| {
            let mut place = (source.to_owned(), address.to_owned(), fault.to_owned());
            if !kept.rejections.contains_key(&place)
                && kept.rejections.len() as u64 >= REJECTIONS_MAX
            {
                place.1 = OTHER_ADDRESSES.to_owned();
            }
            let (count, last) = kept.rejections.entry(place).or_insert((0, now));
            *count = count.saturating_add(1);
            *last = now.max(*last);
        });
        Ok(())
    }

    async fn rejections(&self, tenant: &TenantName) -> Result<Vec<Rejection>, StoreFault> {
        Ok(self.read(tenant, |kept| {
            kept.rejections
                .iter()
                .map(|((source, address, fault), (count, last))| Rejection {
                    source: source.clone(),
                    address: address.clone(),
                    fault: fault.clone(),
                    count: *count,
                    last: *last,
                })
                .collect()
        }))
    }

    async fn totals(&self, tenant: &TenantName) -> Result<Totals, StoreFault> {
        Ok(self.read(tenant, |kept| Totals {
            runs: kept
                .runs
                .keys()
                .filter(|run| **run != ADMINISTRATION_RUN)
                .count() as u64,
            entries: kept.runs.values().map(|run| run.entries.len() as u64).sum(),
            payloads: kept.payloads.len() as u64,
        }))
    }
}

impl Tenant {
    fn append(&mut self, append: Append, head: Head) -> Result<Head, AppendFault> {
        let next = append.expected.map_or(0, |head| head.seq.saturating_add(1));
        if let Some((run, digest)) = append
            .request_key
            .as_ref()
            .and_then(|(key, _)| self.requests.get(key))
        {
            return Err(AppendFault::DuplicateRequest {
                run: *run,
                digest: *digest,
            });
        }
        let stored = self.runs.get(&append.run);
        check::guard(
            stored.map(|run| Guarded {
                head: run.head,
                epoch: run.epoch,
                state: run.row.state,
            }),
            &append,
        )?;
        if append
            .payloads
            .iter()
            .any(|payload| self.payloads.contains_key(&payload.id))
        {
            return Err(AppendFault::Broken {
                seq: next,
                what: "payload id was used before",
            });
        }
        let taken = |wait: &WaitRow| {
            self.waits
                .get(&wait.id)
                .is_some_and(|kept| kept.run != append.run)
        };
        if append.waits.iter().any(taken) {
            return Err(AppendFault::Broken {
                seq: next,
                what: "wait id was used before",
            });
        }
        let size = self.log.size().saturating_add(append.entries.len() as u64);
        if size > LOG_ENTRIES_MAX {
            return Err(AppendFault::TooLarge {
                what: "entries of a log",
                max: LOG_ENTRIES_MAX,
            });
        }
        if let Some((key, digest)) = append.request_key {
            self.requests.insert(key, (append.run, digest));
        }
        self.waits.retain(|_, wait| wait.run != append.run);
        self.waits
            .extend(append.waits.into_iter().map(|wait| (wait.id.clone(), wait)));
        self.payloads.extend(
            append
                .payloads
                .into_iter()
                .map(|payload| (payload.id, payload)),
        );
        let run = self.runs.entry(append.run).or_insert_with(|| Run {
            head,
            epoch: append.epoch,
            row: append.row.clone(),
            entries: Vec::new(),
            pruned: 0,
            indexes: Vec::new(),
        });
        let places = append.entries.iter().map(|entry| (append.run, entry.seq));
        run.indexes.extend(self.log.size()..size);
        self.log.places.extend(places);
        run.head = head;
        run.row = append.row;
        run.entries.extend(append.entries);
        Ok(head)
    }
}
