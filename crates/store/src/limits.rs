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
/// Bytes of one payload's marks.
pub const MARKS_BYTES_MAX: usize = 256 * 1024;
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
/// Entries of one page of the log.
pub const LOG_PAGE_MAX: u32 = 1024;
/// Hashes of a full tile.
pub const TILE_HASHES: u64 = 256;
/// Level of the highest tile: 2^63 entries need no higher one.
pub const TILE_LEVEL_MAX: u8 = 7;
/// Tiles of one publication: those of a million new entries, and some.
pub const PUBLICATION_TILES_MAX: usize = 4200;
/// Bytes of one checkpoint with its signatures.
pub const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;
/// Entries that a tenant's log may hold: 2^40.
pub const LOG_ENTRIES_MAX: u64 = 1 << 40;
/// Rows of one step of the search index.
pub const INDEX_ROWS_MAX: usize = LOG_PAGE_MAX as usize;
/// Terms of one row of the search index.
pub const INDEX_TERMS_MAX: usize = 256;
/// Terms of one search.
pub const SEARCH_TERMS_MAX: usize = 16;
/// Events of one search.
pub const SEARCH_EVENTS_MAX: usize = 64;
