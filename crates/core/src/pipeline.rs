//! The rooms in the order in which a request passes them: identity, intake, policy, source, prompt, model,
//! validation, review, tool, release. Each makes a proof that the next one takes; the proofs' fields are
//! private to their room, none is `Deserialize`, and those for one use are not `Clone`.

pub mod identity;
pub mod intake;
pub mod model;
pub mod policy;
pub mod prompt;
pub mod review;
pub mod source;
pub mod tool;
pub mod validation;
