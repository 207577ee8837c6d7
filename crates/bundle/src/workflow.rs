//! Workflows: as written (`declare`), and laid out as core's flat graph with all cross checks (`graph`). What a
//! step reads must have run on every way to it; only the released output may read what perhaps did not.

mod audience;
pub(crate) mod declare;
pub(crate) mod fallback;
pub(crate) mod graph;
mod reads;
