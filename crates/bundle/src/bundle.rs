//! A whole bundle: from files to values of core, in the order in which one part refers to another. Every part is
//! read even when another is wrong, so that its author sees all problems at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use interlock_core::digest::Digest;
use interlock_core::id::{
    BundleName, EnvironmentName, ModelAlias, PolicyId, PromptName, SchemaName, SourceName,
    ToolName, WorkflowName,
};
use interlock_core::registry::{Source, Tool};
use interlock_core::seams::Guards as _;
use interlock_core::workflow::{NodeKind, Prompt, RiskTier, Workflow};
use interlock_policy::CedarGuards;

use crate::case::{self, Known, TestCase};
use crate::connector::{SourceConnector, ToolConnector};
use crate::files;
use crate::manifest::{self, Manifest};
use crate::node::{Node, parse};
use crate::policies::{self, OperatorPolicies, PolicyText};
use crate::problem::{BundleProblems, Report, one_of};
use crate::prompt::{self, PromptFile};
use crate::reader::Reader;
use crate::registry::{self, Declared, ReadTool};
use crate::schema::{BundleShapes, Schema};
use crate::template::BundleTemplates;
use crate::workflow::declare;
use crate::workflow::graph::{Surroundings, Tables, lay_out};

/// A bundle that was loaded and found sound.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    version: Digest,
    workflows: BTreeMap<WorkflowName, Workflow>,
    prompts: BTreeMap<PromptName, Prompt>,
    sources: BTreeMap<SourceName, Source>,
    tools: BTreeMap<ToolName, Tool>,
    source_connectors: BTreeMap<SourceName, SourceConnector>,
    tool_connectors: BTreeMap<ToolName, ToolConnector>,
    shapes: BundleShapes,
    templates: BundleTemplates,
    degraded: Vec<Value>,
    guards: CedarGuards,
    policy_texts: BTreeMap<PolicyId, PolicyText>,
    tests: Vec<TestCase>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// Loads a bundle from its folder. Hidden files at its top are not part of it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(dir: &Path, operator: &OperatorPolicies) -> Result<Self, BundleProblems> {
        let mut report = Report::default();
        match files::read(dir, &mut report) {
            Some(files) => load(files, operator, report),
            None => report.finish(None),
        }
    }

    /// Loads a bundle from its files, by path with `/` between folders.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_files(
        files: BTreeMap<String, Vec<u8>>,
        operator: &OperatorPolicies,
    ) -> Result<Self, BundleProblems> {
        load(files, operator, Report::default())
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &BundleName {
        &self.manifest.name
    }

    /// SHA-256 over (path, bytes) of all its files in order of paths, each part after its length as eight bytes.
    #[must_use]
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// Who answers for it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.manifest.owner
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.manifest.purpose
    }

    /// Whom to ask.
    #[must_use]
    pub fn contacts(&self) -> &[String] {
        &self.manifest.contacts
    }

    /// Harm that it can do.
    #[must_use]
    pub const fn risk(&self) -> RiskTier {
        self.manifest.risk
    }

    /// Aliases of the models that its steps may use.
    #[must_use]
    pub const fn models(&self) -> &BTreeSet<ModelAlias> {
        &self.manifest.models
    }

    /// Where it may run; at least one.
    #[must_use]
    pub const fn environments(&self) -> &BTreeSet<EnvironmentName> {
        &self.manifest.environments
    }

    /// The workflow that runs when none is named.
    #[must_use]
    pub const fn default_workflow(&self) -> &WorkflowName {
        &self.manifest.workflow.value
    }

    /// Its workflows.
    #[must_use]
    pub const fn workflows(&self) -> &BTreeMap<WorkflowName, Workflow> {
        &self.workflows
    }

    /// Its prompts.
    #[must_use]
    pub const fn prompts(&self) -> &BTreeMap<PromptName, Prompt> {
        &self.prompts
    }

    /// Its sources, as decisions see them.
    #[must_use]
    pub const fn sources(&self) -> &BTreeMap<SourceName, Source> {
        &self.sources
    }

    /// Its tools, as decisions see them.
    #[must_use]
    pub const fn tools(&self) -> &BTreeMap<ToolName, Tool> {
        &self.tools
    }

    /// How its sources are read.
    #[must_use]
    pub const fn source_connectors(&self) -> &BTreeMap<SourceName, SourceConnector> {
        &self.source_connectors
    }

    /// How its tools are called.
    #[must_use]
    pub const fn tool_connectors(&self) -> &BTreeMap<ToolName, ToolConnector> {
        &self.tool_connectors
    }

    /// Its schemas, behind core's seam.
    #[must_use]
    pub const fn shapes(&self) -> &BundleShapes {
        &self.shapes
    }

    /// Its templates, behind core's seam.
    #[must_use]
    pub const fn templates(&self) -> &BundleTemplates {
        &self.templates
    }

    /// The values that `Fallback::Degraded` names by place; each fits the step's output schema.
    #[must_use]
    pub fn degraded(&self) -> &[Value] {
        &self.degraded
    }

    /// The base policies, the operator's and its own as one set, behind core's seam.
    #[must_use]
    pub const fn guards(&self) -> &CedarGuards {
        &self.guards
    }

    /// The text of a policy of the bundle or the operator; the base policies have none here.
    #[must_use]
    pub fn policy_text(&self, id: &PolicyId) -> Option<&PolicyText> {
        self.policy_texts.get(id)
    }

    /// Its tests, in order of files.
    #[must_use]
    pub fn tests(&self) -> &[TestCase] {
        &self.tests
    }

    /// Its files, to be pinned by the version and loaded again.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

fn load(
    files: BTreeMap<String, Vec<u8>>,
    operator: &OperatorPolicies,
    mut report: Report,
) -> Result<Bundle, BundleProblems> {
    let texts = files::texts(&files, &mut report);
    let bundle = Loading {
        texts: &texts,
        report: &mut report,
        broken: BTreeSet::new(),
    }
    .bundle(&files, operator);
    let bundle = bundle.map(|bundle| Bundle { files, ..bundle });
    report.finish(bundle)
}

struct Loading<'l> {
    texts: &'l BTreeMap<String, Arc<str>>,
    report: &'l mut Report,
    /// Files that were refused, so that what refers to them is not refused too.
    broken: BTreeSet<String>,
}

impl<'l> Loading<'l> {
    fn bundle(
        mut self,
        files: &BTreeMap<String, Vec<u8>>,
        operator: &OperatorPolicies,
    ) -> Option<Bundle> {
        let manifest = self.manifest();
        let shapes = self.shapes();
        let data: BTreeSet<&str> = files.keys().map(String::as_str).collect();
        let declared = Declared {
            shapes: &shapes,
            files: &data,
        };
        let (sources, source_connectors) = self.sources(declared);
        let (tools, tool_connectors) = self.tools(declared);
        let prompts = self.prompts();
        let version = files::version(files);
        let mut tables = Tables::default();
        let mut workflows = BTreeMap::new();
        if let Some(manifest) = &manifest {
            let broken = std::mem::take(&mut self.broken);
            let around = Surroundings {
                manifest,
                version,
                shapes: &shapes,
                prompts: &prompts,
                sources: &sources,
                tools: &tools,
                broken: &broken,
            };
            workflows = self.workflows(&around, &mut tables);
            self.broken.extend(broken);
        }
        let loaded = policies::load(
            self.texts,
            operator,
            &tools,
            &shapes,
            &self.broken,
            self.report,
        );
        let policy_ids = loaded.as_ref().map(|(guards, _)| guards.policies());
        let manifest = manifest.filter(|manifest| manifest.sound)?;
        let policy_ids =
            policy_ids.map(|ids| ids.iter().map(|id| id.as_str().to_owned()).collect());
        let tests = self.tests(&manifest, &workflows, &sources, &tools, policy_ids);
        let (guards, policy_texts) = loaded?;
        for (name, prompt) in &prompts {
            tables
                .templates
                .add_prompt(name.clone(), prompt.template.clone());
        }
        Some(Bundle {
            manifest,
            version,
            workflows,
            prompts: prompts
                .into_iter()
                .map(|(name, file)| (name, file.prompt))
                .collect(),
            sources,
            tools,
            source_connectors,
            tool_connectors,
            shapes,
            templates: tables.templates,
            degraded: tables.degraded,
            guards,
            policy_texts,
            tests,
            files: BTreeMap::new(),
        })
    }

    fn folder(&self, folder: &str) -> Vec<(&'l str, &'l str)> {
        let inside = |file: &str| {
            file.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let found = self.texts.iter().filter(|(file, _)| inside(file));
        found.map(|(file, text)| (file.as_str(), &**text)).collect()
    }

    fn parse(&mut self, file: &str, text: &str) -> Option<Node> {
        let node = parse(file, text, 0, self.report);
        if node.is_none() {
            self.broken.insert(file.to_owned());
        }
        node
    }

    /// Reads each file of a folder with its own reader.
    fn each<T>(
        &mut self,
        folder: &str,
        mut read: impl FnMut(&Node, &mut Reader<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for (file, text) in self.folder(folder) {
            let Some(node) = self.parse(file, text) else {
                continue;
            };
            match read(&node, &mut Reader::new(file, self.report)) {
                Some(value) => found.push(value),
                None => {
                    self.broken.insert(file.to_owned());
                }
            }
        }
        found
    }

    fn manifest(&mut self) -> Option<Manifest> {
        const FILE: &str = "interlock.yaml";
        let Some(text) = self.texts.get(FILE) else {
            self.report.refuse(FILE, 0..0, "this file is missing", "a bundle has `interlock.yaml` with `name`, `owner`, `purpose`, `risk`, `workflow` and `environments`");
            return None;
        };
        let node = self.parse(FILE, text)?;
        let manifest = manifest::read(&node, &mut Reader::new(FILE, self.report))?;
        let wanted = &manifest.workflow;
        let names: Vec<&str> = self
            .folder("workflows")
            .iter()
            .filter_map(|(file, _)| file.strip_prefix("workflows/")?.strip_suffix(".yaml"))
            .collect();
        if !names.contains(&wanted.value.as_str()) {
            let hint = one_of(wanted.value.as_str(), names);
            self.report.refuse(
                FILE,
                wanted.span.clone(),
                format!("`workflows/{}.yaml` is not in this bundle", wanted.value),
                hint,
            );
        }
        Some(manifest)
    }

    fn shapes(&mut self) -> BundleShapes {
        let mut shapes = BundleShapes::default();
        for (file, text) in self.folder("schemas") {
            let Some(name) = self.stem::<SchemaName>(file, ".json") else {
                continue;
            };
            match Schema::read(file, name.clone(), text, self.report) {
                Some(schema) => shapes.add(schema),
                None => shapes.add_broken(name),
            }
        }
        shapes
    }

    /// The name that a file gives.
    fn stem<T: std::str::FromStr>(&mut self, file: &str, ending: &str) -> Option<T> {
        let stem = file
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_suffix(ending))
            .unwrap_or_default();
        let name = stem.parse().ok();
        if name.is_none() {
            self.report.refuse(file, 0..0, format!("`{stem}` is not a name"), "a name has a-z, 0-9, `_`, `-` and `.`, at most 64 characters, and starts with a letter or digit");
        }
        name
    }

    fn sources(
        &mut self,
        declared: Declared<'_>,
    ) -> (
        BTreeMap<SourceName, Source>,
        BTreeMap<SourceName, SourceConnector>,
    ) {
        let read = self.each("sources", |node, reader| {
            registry::read_source(node, declared, reader)
        });
        read.into_iter()
            .map(|(source, connector)| {
                (
                    (source.name.clone(), source.clone()),
                    (source.name, connector),
                )
            })
            .unzip()
    }

    fn tools(
        &mut self,
        declared: Declared<'_>,
    ) -> (BTreeMap<ToolName, Tool>, BTreeMap<ToolName, ToolConnector>) {
        let read: Vec<ReadTool> = self.each("tools", |node, reader| {
            registry::read_tool(node, declared, reader)
        });
        let names: BTreeSet<String> = read.iter().map(|read| read.tool.name.to_string()).collect();
        for found in &read {
            let Some(rollback) = &found.rollback else {
                continue;
            };
            let file = format!("tools/{}.yaml", rollback.value);
            if rollback.value == found.tool.name {
                let at = format!("tools/{}.yaml", found.tool.name);
                self.report.refuse(
                    &at,
                    rollback.span.clone(),
                    "a tool does not undo itself",
                    "name another tool",
                );
            } else if !names.contains(rollback.value.as_str()) && !self.broken.contains(&file) {
                let at = format!("tools/{}.yaml", found.tool.name);
                let own = found.tool.name.as_str();
                let others = names.iter().map(String::as_str).filter(|name| *name != own);
                let hint = one_of(rollback.value.as_str(), others);
                self.report.refuse(
                    &at,
                    rollback.span.clone(),
                    format!("`{file}` is not in this bundle"),
                    hint,
                );
            }
        }
        read.into_iter()
            .map(|read| {
                (
                    (read.tool.name.clone(), read.tool.clone()),
                    (read.tool.name, read.connector),
                )
            })
            .unzip()
    }

    fn prompts(&mut self) -> BTreeMap<PromptName, PromptFile> {
        let mut prompts = BTreeMap::new();
        for (file, text) in self.folder("prompts") {
            let Some(name) = self.stem::<PromptName>(file, ".md") else {
                continue;
            };
            match prompt::read(file, name.clone(), text, self.report) {
                Some(prompt) => {
                    prompts.insert(name, prompt);
                }
                None => {
                    self.broken.insert(file.to_owned());
                }
            }
        }
        prompts
    }

    fn workflows(
        &mut self,
        around: &Surroundings<'_>,
        tables: &mut Tables,
    ) -> BTreeMap<WorkflowName, Workflow> {
        let texts = self.texts;
        let found = self.each("workflows", |node, reader| {
            let source = texts
                .get(reader.file)
                .map(|text| &**text)
                .unwrap_or_default();
            let written = declare::read(node, around.shapes, reader)?;
            lay_out(&written, source, around, tables, reader)
        });
        found
            .into_iter()
            .map(|workflow| (workflow.name.clone(), workflow))
            .collect()
    }

    fn tests(
        &mut self,
        manifest: &Manifest,
        workflows: &BTreeMap<WorkflowName, Workflow>,
        sources: &BTreeMap<SourceName, Source>,
        tools: &BTreeMap<ToolName, Tool>,
        policies: Option<BTreeSet<String>>,
    ) -> Vec<TestCase> {
        // What refers to something that was refused is not refused too.
        if !self.report.is_clean() {
            return Vec::new();
        }
        let known = Known {
            workflows: workflows.keys().map(WorkflowName::as_str).collect(),
            sources: sources.keys().map(SourceName::as_str).collect(),
            tools: tools.keys().map(ToolName::as_str).collect(),
            models: manifest.models.iter().map(ModelAlias::as_str).collect(),
            environments: manifest
                .environments
                .iter()
                .map(EnvironmentName::as_str)
                .collect(),
            steps: workflows
                .values()
                .flat_map(|workflow| &workflow.nodes)
                .filter(|node| !matches!(node.kind, NodeKind::Branch(_)))
                .map(|node| node.step.as_str())
                .collect(),
            policies,
        };
        self.each("tests", |node, reader| case::read(node, &known, reader))
    }
}
