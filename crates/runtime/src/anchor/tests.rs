//! Anchors over a real engine in memory: what they do when the far side fails or lies, what is kept and said, and what
//! an auditor with a kept checkpoint sees of every way to rewrite a log. Real witnesses, buckets and authorities are
//! in `strangers`.

mod attacks;
mod rounds;
mod strangers;
pub(super) mod world;
