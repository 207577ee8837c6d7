//! The format against strangers: a recursive tree written from the RFC's words, other people's crates, Go and
//! Python programs, and the attacks that the tree, its notes and its receipts have to refuse.
//! What a whole log's audit finds is tested beside `audit`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "strangers read a log from files, and run as programs"
)]
#![expect(clippy::disallowed_types, reason = "strangers run as programs")]

mod attacks;
mod ed25519;
mod malformed;
mod notes;
mod page;
mod reference;
mod strangers;
mod tiles;
mod trees;
mod written;
