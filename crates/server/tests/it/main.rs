//! The server as its callers meet it: denials, forms, the whole road over HTTP, live events, health, the document and a
//! real listener. Each test asks a router over a real engine with a bundle that ships; only its model is scripted.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect fails, in its helpers too"
)]

mod acts;
mod denial;
mod document;
mod drive;
mod erasures;
mod exports;
mod form;
mod health;
mod listener;
mod live;
mod log_files;
mod metrics;
mod offices;
mod readings;
mod road;
mod sight;
mod store;
mod world;
