//! A workflow as the machine runs it: a flat graph of nodes whose templates, schemas and conditions are named
//! by id. The bundle crate parses and checks it; here it is finished and only read.

use crate::digest::Digest;
use crate::id::{
    BundleName, ModelAlias, PromptName, Provenance, RoleName, SchemaName, SourceName, StepName,
    ToolName, WorkflowName,
};
use crate::label::Path;

/// Harm that a workflow can do when it goes wrong, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskTier {
    /// Mistakes cost little.
    Low,
    /// Mistakes cost work.
    Medium,
    /// Mistakes harm people or money.
    High,
    /// No act without a review, whatever a standing authorisation says.
    Critical,
}

impl RiskTier {
    /// All tiers, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in configuration, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The tier of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

/// What an AI step is for; its reply's schema and use differ, the road does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AiKind {
    /// Choose one of few answers.
    Classify,
    /// Take fields out of a document.
    Extract,
    /// Write text for people.
    Generate,
    /// Weigh evidence and conclude.
    Analyze,
}

impl AiKind {
    /// The name in workflow files and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Extract => "extract",
            Self::Generate => "generate",
            Self::Analyze => "analyze",
        }
    }
}

/// What the result of a step may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskClass {
    /// Text that a person will read before use.
    Draft,
    /// Sorting and routing.
    Triage,
    /// Arguments of an act.
    Execute,
}

impl TaskClass {
    /// The name in prompt files, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Triage => "triage",
            Self::Execute => "execute",
        }
    }
}

/// Who a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People of the organisation.
    Internal,
    /// People outside it.
    External,
    /// A regulated use (medical, legal, credit, employment).
    Regulated,
}

impl Audience {
    /// The name in workflow files, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
            Self::Regulated => "regulated",
        }
    }
}

/// A decision about a person or a thing that the output itself is; never released without a person's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalDecision {
    /// Legal effect.
    Legal,
    /// Diagnosis or treatment.
    Clinical,
    /// Credit.
    Credit,
    /// Approval of a request.
    Approval,
}

impl FinalDecision {
    /// The name in workflow files, policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Clinical => "clinical",
            Self::Credit => "credit",
            Self::Approval => "approval",
        }
    }
}

/// What a reference starts from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `inputs`
    Inputs,
    /// `steps.NAME.output`
    Step(StepName),
    /// `run`: the run's id and start time; trusted and public.
    Run,
}

/// One path that a template or an expression reads, known from its syntax alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it starts from.
    pub root: Root,
    /// The path within.
    pub path: Path,
}

/// A composed value: JSON whose leaves are literals or expressions. Evaluated by the seam `Templates`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// Its place in the bundle's table.
    pub id: usize,
    /// Each leaf that is an expression, with all that it reads; other leaves are the author's literals.
    pub leaves: Vec<Leaf>,
}

/// A leaf of a composed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Where it stands in the composed value.
    pub path: Path,
    /// All that it reads.
    pub references: Vec<Reference>,
}

/// A condition, evaluated to true or false by the seam `Templates`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its place in the bundle's table.
    pub id: usize,
    /// All that it reads.
    pub references: Vec<Reference>,
}

/// A prompt, as decisions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its file's name.
    pub name: PromptName,
    /// Digest of the file.
    pub digest: Digest,
    /// What its result may lead to.
    pub class: TaskClass,
    /// On whose behalf the model works and what it may decide: first text of the system layer.
    pub authority: String,
    /// What it must refuse.
    pub refuse: Vec<String>,
    /// When it must hand over to a person.
    pub escalate: Vec<String>,
    /// For each slot, all that it reads: its own paths and those of the conditions and loops around it.
    pub slots: Vec<Vec<Reference>>,
    /// All that its conditions read: what they choose shows in the text that is there, so that their labels stay
    /// with the prompt whatever a downgrade leaves out.
    pub choices: Vec<Reference>,
}

/// People's verdict that a step asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReviewSpec {
    /// Role that each approver must hold.
    pub role: RoleName,
    /// Approvals needed, at least 1.
    pub quorum: u8,
    /// Seconds until it expires; an expired review never approves.
    pub expires_seconds: u32,
}

/// What is tried when a step cannot go on as declared. A list of these is walked in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// Ask the same model again with the faults named, at most so many times.
    Repair(u8),
    /// Ask another model.
    Model(ModelAlias),
    /// Ask the same endpoint or source again, at most so many times.
    Retry(u8),
    /// A person finishes it: the manual queue.
    Inbox,
    /// Go on with this declared value; the run ends degraded.
    Degraded(usize),
    /// End the run.
    Stop,
}

/// The declared fallbacks of a step. An exhausted list goes to the inbox: never silence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fallbacks {
    /// The answer does not fit its schema.
    pub on_invalid: Vec<Fallback>,
    /// The endpoint, source or tool does not answer.
    pub on_unavailable: Vec<Fallback>,
    /// Policy or a person said no.
    pub on_denied: Vec<Fallback>,
    /// It took too long.
    pub on_timeout: Vec<Fallback>,
    /// The model abstained, or its evidence does not hold.
    pub on_uncertain: Vec<Fallback>,
}

/// A check that quotes in a reply stand verbatim in what the model was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteCheck {
    /// Where in the reply the quotes are.
    pub quotes: Path,
    /// Where they must stand.
    pub within: Vec<Reference>,
}

/// An AI step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStep {
    /// What it is for.
    pub kind: AiKind,
    /// What it is asked.
    pub prompt: PromptName,
    /// Shape and labels of the answer.
    pub output: SchemaName,
    /// Which model.
    pub model: ModelAlias,
    /// Who the answer is for.
    pub audience: Audience,
    /// Quotes that must hold; a reply whose quotes fail is uncertain.
    pub evidence: Vec<QuoteCheck>,
    /// A person's verdict on the answer before anything follows.
    pub review: Option<ReviewSpec>,
    /// Tokens that the answer may have.
    pub output_tokens_max: u32,
}

/// A read of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveStep {
    /// Which source.
    pub source: SourceName,
    /// The query.
    pub query: Compose,
    /// Values that must equal the record's field exactly, for the record to stand for them (reconciliation):
    /// the field in the answer, and its place in the composed `expected` value.
    pub reconcile: Option<Reconcile>,
}

/// Endorsement by reconciliation with a trusted register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconcile {
    /// Composed object of the values to be reconciled; each member names a path of the answer.
    pub expected: Compose,
    /// Member of `expected`, and the field of the register's answer that it must equal.
    pub fields: Vec<(String, Path)>,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolStep {
    /// Which tool.
    pub tool: ToolName,
    /// Its arguments.
    pub arguments: Compose,
    /// A person's verdict before it acts.
    pub review: Option<ReviewSpec>,
    /// Text or values that the reviewer is shown beside the arguments (evidence, rationale).
    pub show: Option<Compose>,
}

/// A person's verdict as a step of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewStep {
    /// What is shown.
    pub show: Compose,
    /// Who decides.
    pub review: ReviewSpec,
}

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Taken when this holds; the last arm may have none.
    pub when: Option<Condition>,
    /// Where it leads.
    pub to: Next,
}

/// Where the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To this node.
    Node(usize),
    /// To the release of the output.
    End,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Asks a model.
    Model(ModelStep),
    /// Reads a source.
    Retrieve(RetrieveStep),
    /// Calls a tool.
    Tool(ToolStep),
    /// Asks people.
    Review(ReviewStep),
    /// Chooses the way on: the first arm that holds.
    Branch(Vec<Arm>),
}

/// One node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The step's name, unique in the workflow.
    pub step: StepName,
    /// All that the conditions around it read: their label is joined into everything under them.
    pub control: Vec<Reference>,
    /// What it does.
    pub kind: NodeKind,
    /// What is tried when it cannot go on.
    pub fallbacks: Fallbacks,
    /// What follows; a branch's arms say for themselves.
    pub next: Next,
}

/// What a run gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its shape and labels.
    pub schema: SchemaName,
    /// How it is composed. Leaves of steps that did not run are left out.
    pub value: Compose,
    /// Who it is for.
    pub audience: Audience,
    /// Whether it is itself a final decision.
    pub decision: Option<FinalDecision>,
    /// Who gives the verdict that a release asks for.
    pub review: Option<ReviewSpec>,
}

/// The declared process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// The bundle that it is in.
    pub bundle: BundleName,
    /// Digest of the bundle's files: runs are pinned to it.
    pub version: Digest,
    /// Harm that it can do.
    pub risk: RiskTier,
    /// Shape and labels of its input.
    pub input: SchemaName,
    /// What it gives back.
    pub output: Output,
    /// The graph.
    pub nodes: Vec<Node>,
    /// Where it starts.
    pub start: Next,
}

impl Workflow {
    /// The node at a place.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// Where an input came from, as labels name it.
    #[must_use]
    pub fn input_provenance(&self) -> Option<Provenance> {
        Provenance::parse("input").ok()
    }
}
