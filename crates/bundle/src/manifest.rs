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
    pub(crate) name: BundleName,
    pub(crate) owner: String,
    pub(crate) purpose: String,
    pub(crate) risk: RiskTier,
    pub(crate) workflow: At<WorkflowName>,
    pub(crate) models: BTreeSet<ModelAlias>,
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
    if environments.as_ref().is_some_and(Vec::is_empty) {
        let span = environments_node.map_or(head, |node| node.span.clone());
        reader.refuse(
            &span,
            "a bundle that may run nowhere",
            "name at least one environment, for example `dev`",
        );
        return None;
    }
    Some(Manifest {
        name: name?.value,
        owner: owner?.to_owned(),
        purpose: purpose?.to_owned(),
        risk: risk?,
        workflow: workflow?,
        models: models?.into_iter().map(|at| at.value).collect(),
        environments: environments?.into_iter().map(|at| at.value).collect(),
        contacts: contacts?,
    })
}
