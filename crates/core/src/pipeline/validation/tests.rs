//! Judging replies.
