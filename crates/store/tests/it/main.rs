//! The conformance suite on every store of this crate.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod kill;

use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::EnvironmentName;
use interlock_store::conformance::{Factory, Failure};
use interlock_store::{MemoryStore, SqliteStore, Store, conformance};

struct InMemory(MemoryStore);

impl InMemory {
    fn new() -> Self {
        Self(MemoryStore::new(dev()))
    }
}

#[async_trait]
impl Factory for InMemory {
    async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(Arc::new(self.0.clone()))
    }
}

struct InSqlite(tempfile::TempDir);

impl InSqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Factory for InSqlite {
    async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(Arc::new(SqliteStore::open(
            &self.0.path().join("data"),
            &dev(),
        )?))
    }
}

fn dev() -> EnvironmentName {
    EnvironmentName::parse("dev").unwrap()
}

conformance!(memory, crate::InMemory::new());
conformance!(sqlite, crate::InSqlite::new());
