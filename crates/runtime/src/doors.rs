//! The real doors: tools and sources of a bundle, reached through the connectors that it declares from this machine.

use std::sync::Arc;

use interlock_bundle::Bundle;

use crate::connector::Site;
use crate::engine::Doors;
use crate::source::{SourceReader, Sources};
use crate::tool::{ToolExecutor, Tools};

/// See the module's text.
pub struct RealDoors(pub Arc<Site>);

impl Doors for RealDoors {
    fn tools(&self, bundle: &Bundle) -> Arc<dyn ToolExecutor> {
        Arc::new(Tools::new(bundle, Arc::clone(&self.0)))
    }

    fn sources(&self, bundle: &Bundle) -> Arc<dyn SourceReader> {
        Arc::new(Sources::new(bundle, Arc::clone(&self.0)))
    }
}
