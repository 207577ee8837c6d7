//! The program on a disk: the samples of `testdata/journal` with the exit codes that stand beside them, as folders and
//! as tars, and tars that no export is.

#[cfg(test)]
#[path = "../../../journal/tests/audit/forge.rs"]
#[expect(
    dead_code,
    reason = "the forge belongs to the audit's tests; here a part of it is enough"
)]
mod forge;
#[cfg(test)]
mod tests;
