//! Bounds of the server alone, with the unit last; the system's own are in `interlock_core::limits`. Whatever is over
//! its bound is refused with one clear answer.

use std::time::Duration;

/// Bytes of a request's path and query.
pub(crate) const ADDRESS_BYTES_MAX: usize = 2048;
/// Bytes of all headers of a request, names and values.
pub(crate) const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request.
pub(crate) const HEADERS_MAX: usize = 64;
/// Bytes that one connection may buffer: more than headers may have, so that the answer to too many is ours.
pub(crate) const CONNECTION_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a credential.
pub(crate) const CREDENTIAL_BYTES_MAX: usize = 256;
/// Bytes of an idempotency key.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Requests under way at the same time.
pub(crate) const REQUESTS_MAX: usize = 256;
/// Connections open at the same time; further ones wait to be accepted.
pub(crate) const CONNECTIONS_MAX: usize = 512;
/// Live streams open at the same time.
pub(crate) const STREAMS_MAX: usize = 64;
/// Runs driven at the same time: each may hold a model's or a tool's answer in memory.
pub(crate) const DRIVES_MAX: usize = 16;
/// Long pieces of work under way or waiting at the same time: erasures, expiry, rotations, surveys of the whole log.
pub(crate) const CHORES_MAX: usize = 8;
/// Exports made or sent at the same time: each has a file.
pub(crate) const EXPORTS_MAX: usize = 2;
/// Bytes of one export.
pub(crate) const EXPORT_BYTES_MAX: u64 = 8 << 30;
/// Bytes of an export between two looks at its reader.
pub(crate) const EXPORT_PIECE_BYTES: usize = 16 * 1024;
/// Payloads that one export opens for its receiver.
pub(crate) const DISCLOSED_MAX: usize = 256;
/// Characters of a person's name, as inputs name them.
pub(crate) const SUBJECT_CHARS_MAX: usize = 4096;
/// Items in a page where the caller names no number.
pub(crate) const PAGE_ITEMS_DEFAULT: u32 = 50;
/// Milliseconds between two looks for runs to be driven.
pub(crate) const LOOK_MILLIS: u64 = 250;
/// Milliseconds that a run is left alone at most after it could not be driven several times.
pub(crate) const LEFT_ALONE_MILLIS_MAX: u64 = 60_000;

/// For one request, from its headers to the beginning of its answer.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(30);
/// For an export, from its request's headers to its first byte.
pub(crate) const EXPORT_TIME: Duration = Duration::from_secs(600);
/// For which a long piece of work is waited for before its caller is told that it is under way.
pub(crate) const CHORE_TIME: Duration = Duration::from_secs(20);
/// For the headers of one request.
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(10);
/// Between two signs of life on a live stream; each time the caller's key is looked up again.
pub(crate) const STREAM_BEAT: Duration = Duration::from_secs(15);
/// For one live stream; its reader comes back with `Last-Event-ID`.
pub(crate) const STREAM_TIME: Duration = Duration::from_secs(900);
/// For what is under way when the server is told to stop.
pub(crate) const FAREWELL_TIME: Duration = Duration::from_secs(10);
/// For which an answer of `/readyz` holds: it asks store and keys, and anyone may ask it.
pub(crate) const READINESS_TIME: Duration = Duration::from_secs(1);
