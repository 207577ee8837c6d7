//! Policies in force, and one evaluation of one request. The engine skips a policy whose evaluation fails;
//! here such a policy makes the whole answer an error, which core's ladder denies.

use std::collections::BTreeMap;

use cedar_policy::{AuthorizationError, Authorizer, Decision, EntityUid, PolicySet};
use interlock_core::digest::Digest;
use interlock_core::id::PolicyId;
use interlock_core::pipeline::policy::{Determining, Evaluation, Request};
use interlock_core::seams::Guards;

use crate::express::Vocabulary;

/// Policies in force: the base, the operator's and one bundle's. Made by [`CedarGuards::load`] only.
#[derive(Debug)]
pub struct CedarGuards {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) by_action: BTreeMap<EntityUid, PolicySet>,
    pub(crate) described: BTreeMap<String, Determining>,
    pub(crate) version: Digest,
    pub(crate) parts: Vec<String>,
    pub(crate) request: PolicyId,
}

impl CedarGuards {
    /// What is known of each policy in force, in order of id.
    pub fn described(&self) -> impl Iterator<Item = &Determining> {
        self.described.values()
    }

    /// The texts that the version is the digest of (`Digest::of_parts`), in its order: the engine's version, the
    /// schema, and for each policy file where it comes from, its layer and its text.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    fn inexpressible(&self) -> Evaluation {
        Evaluation {
            allowed: false,
            determining: Vec::new(),
            errors: vec![self.request.clone()],
        }
    }
}

impl Guards for CedarGuards {
    fn version(&self) -> Digest {
        self.version
    }

    fn evaluate(&self, request: &Request<'_>) -> Evaluation {
        let Ok((action, asked, entities)) = self.vocabulary.express(request) else {
            return self.inexpressible();
        };
        let Some(policies) = self.by_action.get(&action) else {
            return self.inexpressible();
        };
        let response = Authorizer::new().is_authorized(&asked, policies, &entities);
        let mut errors: Vec<PolicyId> = response
            .diagnostics()
            .errors()
            .map(|error| match error {
                AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
            })
            .map(|id| {
                self.described
                    .get(&id)
                    .map_or(&self.request, |policy| &policy.id)
                    .clone()
            })
            .collect();
        let reasons: Option<Vec<Determining>> = response
            .diagnostics()
            .reason()
            .map(|id| self.described.get(AsRef::<str>::as_ref(id)).cloned())
            .collect();
        let Some(mut determining) = reasons else {
            return self.inexpressible();
        };
        determining.sort();
        errors.sort();
        errors.dedup();
        let allowed = response.decision() == Decision::Allow && errors.is_empty();
        Evaluation {
            allowed,
            determining,
            errors,
        }
    }

    fn policies(&self) -> Vec<PolicyId> {
        self.described
            .values()
            .map(|policy| policy.id.clone())
            .collect()
    }
}
