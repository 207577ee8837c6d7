//! `interlock.yaml`: who owns the bundle, what it is for, how much harm it can do, and what it may use.

use std::collections::BTreeSet;

use interlock_core::id::{BundleName, EnvironmentName, ModelAlias, WorkflowName};
use interlock_core::workflow::RiskTier;

use crate::node::Node;
use crate::reader::{At, Reader};

const LIST_MAX: usize = 64;

/// What `interlock.yaml` says.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    /// Whether all of it could be read; what could not has a stand-in, so that the rest is still checked.
    pub(crate) sound: bool,
    pub(crate) name: BundleName,
    pub(crate) owner: String,
    pub(crate) purpose: String,
    pub(crate) risk: RiskTier,
    pub(crate) workflow: At<WorkflowName>,
    pub(crate) models: BTreeSet<ModelAlias>,
    /// Whether `models` could be read.
    pub(crate) models_known: bool,
    pub(crate) environments: BTreeSet<EnvironmentName>,
    pub(crate) contacts: Vec<String>,
}

/// Reads the manifest.
pub(crate) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Manifest> {
    let mut fields = reader.fields(node, "interlock.yaml")?;
    let head = fields.head();
    let name = fields
        .must("name", reader)
        .and_then(|node| reader.name(node));
    let owner = fields
        .must("owner", reader)
        .and_then(|node| reader.text(node));
    let purpose = fields
        .must("purpose", reader)
        .and_then(|node| reader.text(node));
    let tiers = RiskTier::ALL.map(|tier| (tier.as_str(), tier));
    let risk = fields
        .must("risk", reader)
        .and_then(|node| reader.choice(node, &tiers));
    let workflow = fields
        .must("workflow", reader)
        .and_then(|node| reader.name(node));
    let models = fields
        .may("models")
        .map_or(Some(Vec::new()), |node| reader.names(node, LIST_MAX));
    let environments_node = fields.must("environments", reader);
    let environments = environments_node.and_then(|node| reader.names(node, LIST_MAX));
    let contacts = fields
        .may("contacts")
        .map_or(Some(Vec::new()), |node| reader.texts(node, LIST_MAX));
    fields.end(reader);
    let nowhere = environments.as_ref().is_some_and(Vec::is_empty);
    if nowhere {
        let span = environments_node.map_or(head, |node| node.span.clone());
        reader.refuse(
            &span,
            "a bundle that may run nowhere",
            "name at least one environment, for example `dev`",
        );
    }
    let sound = !nowhere
        && name.is_some()
        && owner.is_some()
        && purpose.is_some()
        && risk.is_some()
        && models.is_some()
        && environments.is_some()
        && contacts.is_some();
    let values = |names: Vec<At<ModelAlias>>| names.into_iter().map(|at| at.value).collect();
    Some(Manifest {
        sound,
        name: name.map_or_else(|| BundleName::parse("unnamed").ok(), |at| Some(at.value))?,
        owner: owner.unwrap_or_default().to_owned(),
        purpose: purpose.unwrap_or_default().to_owned(),
        // Only to go on looking: a manifest that is not sound makes no bundle.
        risk: risk.unwrap_or(RiskTier::Low),
        workflow: workflow?,
        models_known: models.is_some(),
        models: models.map(values).unwrap_or_default(),
        environments: environments
            .unwrap_or_default()
            .into_iter()
            .map(|at| at.value)
            .collect(),
        contacts: contacts.unwrap_or_default(),
    })
}
