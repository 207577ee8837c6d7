//! Interlock over HTTP: one table of routes, from which the router, the OpenAPI document and the test of denials are
//! made. Callers are identified before anything else is done for them; what may happen is decided in the engine. No
//! TLS is here and no console; this crate must never depend on `cli`, and must never speak SQL.

mod app;
mod asked;
mod body;
mod caller;
mod dispatch;
mod drive;
mod fault;
mod guard;
mod health;
mod inbox;
mod limits;
mod listing;
mod live;
mod log_files;
mod metrics;
mod offices;
mod openapi;
mod problem;
mod reviews;
mod runs;
mod schema;
mod search;
mod serve;
mod sight;
mod state;
mod table;

use std::sync::Arc;

use interlock_runtime::Engine;

pub use app::{Listed, Permitted, routes};
pub use openapi::document;
pub use serve::{Exposure, ServeFault, serve};

/// The whole API as a router, for a listener of one's own or for tests. Nothing drives its runs: [`serve`] does.
pub fn app(engine: Arc<Engine>) -> axum::Router {
    app::router(state::Server::new(engine))
}
