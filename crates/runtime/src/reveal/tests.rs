//! Revealing held to its promises: who, why, and on record before anything is shown.
