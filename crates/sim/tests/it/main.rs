//! Runs that are broken off, lied to and attacked, each held against every law of journals.

mod attacks;
mod bytes;
mod crash;
mod erasure;
mod faults;
mod keep;
mod killed;
mod laws;
mod local_model;
mod log;
mod offices;
mod reveal;
mod target;
mod writes;

use std::path::Path;
use std::sync::Arc;

use interlock_bundle::{Bundle, TestCase};
use interlock_core::id::EnvironmentName;
use interlock_runtime::case::{CaseDoors, scripted_model};
use interlock_sim::example::{self, Files};
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_sim::road::Road;
use interlock_store::{MemoryStore, Store};

/// What a test returns: the first thing that went wrong fails it.
type Outcome = Result<(), Failure>;

/// The example with one of its cases, loaded once for many roads.
struct World {
    files: Files,
    bundle: Bundle,
    case: TestCase,
}

impl World {
    fn load(case: &str) -> Result<Self, Failure> {
        let files = example::files()?;
        Ok(Self {
            bundle: example::load(files.clone())?,
            case: example::steady(example::case(case)?),
            files,
        })
    }

    /// A road over a store, with the case's replies and doors. Ledgers lie below the directory.
    fn road(&self, dir: &Path, store: Arc<dyn Store>) -> Result<Road, Failure> {
        let installation = Installation::open(dir)?;
        let engine = installation.engine(
            store,
            Arc::new(scripted_model(&self.case)),
            Arc::new(CaseDoors::new(&self.case, dir)),
            scripted_endpoints(&self.bundle),
        )?;
        Ok(Road::new(engine))
    }

    fn memory() -> Result<Arc<MemoryStore>, Failure> {
        Ok(Arc::new(MemoryStore::new(EnvironmentName::parse("test")?)))
    }
}

/// Lines of a ledger; none where there is no file.
fn ledger(dir: &Path, name: &str) -> Vec<String> {
    std::fs::read_to_string(dir.join("ledgers").join(name))
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default()
}
