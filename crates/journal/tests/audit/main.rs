//! Attacks on a log, each by its number in the list that the threat model keeps: what is changed, which verdict
//! finds it, and the first index that the verdict names. Those that need a kept checkpoint say so in their names.

mod forge;
mod honest;
