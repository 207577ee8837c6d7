//! Bounds of the store alone, with the unit last; the system's own are in `interlock_core::limits`.
//! A value over its bound is refused; a listing that reaches its bound says so in its contract.

/// Entries of one append.
pub const APPEND_ENTRIES_MAX: usize = 256;
/// Payloads of one append.
pub const APPEND_PAYLOADS_MAX: usize = 64;
/// Waits of one run.
pub const APPEND_WAITS_MAX: usize = 64;
/// Bytes of one append: entries, headers and ciphertexts together.
pub const APPEND_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of one payload's header.
pub const HEADER_BYTES_MAX: usize = 4096;
/// Bytes of a small text: workflow, class, outcome, wait id, detail, a record's kind.
pub const WORD_BYTES_MAX: usize = 128;
/// Bytes of an idempotency key, a record's key, a rejection's source, address or fault.
pub const KEY_BYTES_MAX: usize = 512;
/// Bytes of one record.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// Records of one kind, for each tenant.
pub const RECORDS_MAX: u64 = 10_000;
/// Waits in one listing.
pub const WAITS_LISTED_MAX: u32 = 1000;
/// Rejections kept apart for each tenant; further addresses are counted under [`OTHER_ADDRESSES`].
pub const REJECTIONS_MAX: u64 = 10_000;
/// The address under which rejections are counted once there are too many addresses.
pub const OTHER_ADDRESSES: &str = "*";
/// Appends of one commit.
pub const COMMIT_APPENDS_MAX: usize = 1024;
/// Bytes that may wait for the writer; whoever would exceed them waits outside.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
