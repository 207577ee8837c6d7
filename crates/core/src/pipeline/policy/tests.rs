//! The ladder as a table.
