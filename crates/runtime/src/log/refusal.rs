//! Why nothing is signed any more: what the publisher found that no repetition mends, each with what to do. While one
//! stands there are no new publications and no new runs; reading goes on. `docs/log.md` says how each is left.

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The store has lost entries: an older one was restored, or somebody cut it.
    #[error("trust the store: it has {found} entries, and {signed} were signed")]
    StoreBehind {
        /// Entries in the store.
        found: u64,
        /// Entries in the last tree that was signed.
        signed: u64,
    },
    /// The store's first entries are others than those that were signed.
    #[error(
        "trust the store: its first {size} entries have another root than the one that was signed"
    )]
    Diverged {
        /// Entries in the tree that was signed.
        size: u64,
    },
    /// An entry's bytes are not those of its hash.
    #[error("trust the store: entry {index} of the log is not the one that its hash names")]
    Row {
        /// The entry's place in the log.
        index: u64,
    },
    /// Entries that were appended cannot be read back.
    #[error("trust the store: entry {index} of the log is missing")]
    Gap {
        /// The place in the log.
        index: u64,
    },
    /// The stored tree does not give the published root.
    #[error("trust the store: tile `{path}` does not give the root that was published")]
    Tile {
        /// The first tile that does not fit, or the lowest of those that may be it.
        path: String,
    },
    /// The checkpoint that the store calls published names another tree than the store does.
    #[error("trust the store: the published tree of {size} entries is not the one that was signed")]
    Published {
        /// Entries that the store says to be published.
        size: u64,
    },
    /// The guard is gone, and checkpoints were signed with it.
    #[error("find the guard: it is gone, and this log was signed before")]
    GuardMissing,
    /// The guard cannot be read.
    #[error("read the guard: it is damaged")]
    GuardDamaged,
    /// The guard is older than what is published: an old one was put back.
    #[error("trust the guard: it knows {guard} entries, and {published} are published")]
    GuardBehind {
        /// Entries in the guard's tree.
        guard: u64,
        /// Entries published.
        published: u64,
    },
    /// The guard is another log's.
    #[error("use the guard: it is that of log `{guard}`, and this is `{log}`")]
    OtherLog {
        /// The guard's origin.
        guard: String,
        /// This log's.
        log: String,
    },
    /// The store does not say which log it is, though its checkpoints, its entries, the guard or the key say that there
    /// was one.
    #[error(
        "find the log's name: this log was opened before, and the store does not say which one it is"
    )]
    NameMissing,
    /// The configuration names another log than the store.
    #[error("open the log: it is `{log}`, and the configuration calls it `{configured}`")]
    Renamed {
        /// Its origin.
        log: String,
        /// The configuration's.
        configured: String,
    },
    /// The signing key is gone.
    #[error("find the log's signing key: it is gone")]
    KeyMissing,
    /// The signing key is not the one that the log says it is signed with.
    #[error("use the log's signing key: it is another than the log's last one")]
    OtherKey,
}

impl Refusal {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::StoreBehind { .. } | Self::Diverged { .. } => {
                "restore a newer copy of the store; docs/log.md says what to do where there is none"
            }
            Self::Row { .. } | Self::Gap { .. } | Self::Tile { .. } | Self::Published { .. } => {
                "`interlock audit verify` names what is wrong; restore the store from a good copy"
            }
            Self::GuardMissing | Self::GuardDamaged | Self::GuardBehind { .. } => {
                "put the guard back, or take the store's word for it, on record: interlock audit guard adopt --reason WHY"
            }
            Self::OtherLog { .. } => {
                "name this log's own guard directory under [log] in interlock.toml"
            }
            Self::NameMissing => {
                "restore the store from a good copy; docs/log.md says how a new store begins beside keys and guard of an old one"
            }
            Self::Renamed { .. } => {
                "a log keeps its name: mend `origin` under [log] in interlock.toml"
            }
            Self::KeyMissing | Self::OtherKey => {
                "put keys/log.key back from where you keep a copy; docs/log.md says what to do where there is none"
            }
        }
    }
}
