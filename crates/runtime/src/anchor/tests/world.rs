//! A log in memory with a key of its own: entries are administrative acts, checkpoints are made here, by whoever holds
//! the key. Two worlds of one seed and other entries are one log with two histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use interlock_core::id::{EnvironmentName, TenantName};
use interlock_core::time::Timestamp;
use interlock_journal::note::{KeyKind, SignatureLine, VerifierKey, assemble};
use interlock_journal::tile::{Tiles, tile_in};
use interlock_journal::tree::root_at;
use interlock_journal::{Checkpoint, NodeHash};
use interlock_store::{MemoryStore, Publication, Published, Store, TileRow};

use super::super::{Anchors, Told, statuses};
use crate::administration::Administration;
use crate::clock::{Clock, FixedClock, SeededEntropy, SystemClock, SystemEntropy};
use crate::config::{AnchorConfig, AnchorKind, AnchorsConfig};
use crate::connector::Site;
use crate::doors::RealDoors;
use crate::egress::loopback::way_out;
use crate::keys::{FileKeys, KeyProvider, Keys, KeysParts};
use crate::model::Models;
use crate::seal::{MemoryKeyBook, PayloadSealer};
use crate::secret::{Secret, SecretStore};
use crate::{Engine, Parts};

pub(in crate::anchor) const ORIGIN: &str = "log.example.org/test";

pub(in crate::anchor) struct World {
    pub(in crate::anchor) engine: Arc<Engine>,
    pub(in crate::anchor) clock: Arc<FixedClock>,
    _dir: tempfile::TempDir,
    secrets: Arc<SecretStore>,
    pub(in crate::anchor) origin: &'static str,
    key: Ed25519KeyPair,
}

impl World {
    pub(in crate::anchor) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(SystemClock.now()));
        let entropy = Arc::new(SeededEntropy::new(1));
        let environment = EnvironmentName::parse("test").unwrap();
        let provider: Arc<dyn KeyProvider> =
            Arc::new(FileKeys::ephemeral(entropy.clone()).unwrap());
        let keys = Arc::new(Keys::new(KeysParts {
            provider: Arc::clone(&provider),
            book: Arc::new(MemoryKeyBook::default()),
            environment: environment.clone(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            holders: Vec::new(),
        }));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(environment.clone()));
        let secrets = Arc::new(SecretStore::new(dir.path(), environment, provider));
        let engine = Engine::new(Parts {
            tenant: TenantName::parse("default").unwrap(),
            store,
            sealer: Arc::new(PayloadSealer::new(Arc::clone(&keys), entropy)),
            book: keys,
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            models: Arc::new(Models::default()),
            doors: Arc::new(RealDoors(Arc::new(Site::offline(dir.path())))),
            endpoints: BTreeMap::new(),
            aliases: BTreeMap::new(),
            policies: interlock_bundle::OperatorPolicies::default(),
            keep: crate::keep::KeepRules::default(),
        });
        Self {
            engine,
            clock,
            _dir: dir,
            secrets,
            origin: ORIGIN,
            key: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap(),
        }
    }

    /// With so many entries of this history, published.
    pub(in crate::anchor) async fn of(entries: u64, history: u64) -> Self {
        let world = Self::new();
        world.grow(entries, history).await;
        world
    }

    pub(in crate::anchor) fn vkey(&self) -> VerifierKey {
        VerifierKey::new(
            self.origin,
            KeyKind::Ed25519,
            self.key.public_key().as_ref().try_into().unwrap(),
        )
        .unwrap()
    }

    pub(in crate::anchor) async fn secret(&self, name: &str, value: &str) {
        let name = interlock_core::id::SecretName::parse(name).unwrap();
        self.secrets.set(&name, &Secret::new(value)).await.unwrap();
    }

    /// Appends entries and publishes them.
    pub(in crate::anchor) async fn grow(&self, entries: u64, history: u64) -> Published {
        // One moment for all histories, so that equal acts are equal bytes.
        let now = self.clock.now();
        self.clock
            .set(Timestamp::from_micros(1_800_000_000_000_000));
        for _entry in 0..entries {
            let act = Administration::LogPruned { minimum: history };
            self.engine.administer(act, None, None).await.unwrap();
        }
        self.clock.set(now);
        self.publish().await
    }

    /// Signs all that there is.
    pub(in crate::anchor) async fn publish(&self) -> Published {
        let (store, tenant) = (self.engine.store(), self.engine.tenant());
        let size = store.log_size(tenant).await.unwrap();
        let mut leaves = Vec::new();
        while (leaves.len() as u64) < size {
            let page = store.log_entries(tenant, leaves.len() as u64, 256).await;
            leaves.extend(page.unwrap().into_iter().map(|entry| entry.hash));
        }
        let mut tiles = Tiles::new();
        let changed = tiles.extend(0, leaves).unwrap();
        let root = root_at(&tiles, size).unwrap();
        let rows = changed.into_iter().map(|id| TileRow {
            level: id.level,
            index: id.index,
            bytes: tiles
                .bytes(tile_in(id.level, id.index, size).unwrap())
                .unwrap()
                .to_vec(),
        });
        let published = Published {
            size,
            root: root.to_bytes(),
            checkpoint: self.sign(size, root),
            at: self.clock.now(),
        };
        let expected = store
            .published(tenant)
            .await
            .unwrap()
            .map(|before| before.size);
        let publication = Publication {
            expected,
            tiles: rows.collect(),
            published: published.clone(),
        };
        store.publish(tenant, publication).await.unwrap();
        published
    }

    /// What the holder of the key can sign.
    pub(in crate::anchor) fn sign(&self, size: u64, root: NodeHash) -> Vec<u8> {
        let checkpoint = Checkpoint {
            origin: self.origin.to_owned(),
            size,
            root,
        };
        let text = checkpoint.to_text();
        let line = SignatureLine {
            name: self.origin.to_owned(),
            key_id: self.vkey().key_id(),
            signature: self.key.sign(text.as_bytes()).as_ref().to_vec(),
        };
        assemble(&text, &[line]).unwrap()
    }

    /// Anchors of this configuration over this log.
    pub(in crate::anchor) async fn anchors(
        &self,
        anchors: Vec<AnchorConfig>,
        needed: usize,
    ) -> Arc<Anchors> {
        let config = AnchorsConfig {
            anchors,
            witnesses_needed: needed,
        };
        Anchors::open(
            Arc::clone(&self.engine),
            Arc::new(way_out()),
            Arc::clone(&self.secrets),
            config,
        )
        .await
        .unwrap()
    }

    /// One round of one anchor, and what came of it.
    pub(in crate::anchor) async fn told(&self, anchor: AnchorConfig) -> Told {
        let anchors = self.anchors(vec![anchor], 1).await;
        anchors.round(|_| true).await.unwrap().pop().unwrap().1
    }

    pub(in crate::anchor) async fn status(&self, name: &str) -> super::super::AnchorStatus {
        let all = statuses(&self.engine).await.unwrap();
        all.into_iter().find(|status| status.name == name).unwrap()
    }
}

pub(in crate::anchor) fn anchor(name: &str, url: &str, kind: AnchorKind) -> AnchorConfig {
    AnchorConfig {
        name: name.to_owned(),
        kind,
        url: url.to_owned(),
        allow_private: true,
        interval_seconds: 60,
        overdue_seconds: 600,
        required: false,
    }
}
