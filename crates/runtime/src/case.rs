//! Runs a bundle's test cases on the real machine: real policies, schemas, templates, journal and sealing, in memory;
//! only models, people and, where the case says so, sources and tools are scripted. Used by `interlock test`, by the
//! demo, and by the project's own tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use interlock_bundle::{
    Bundle, CaseOutcome, ExpectedVerdict, OperatorPolicies, TestCase, WaitingFor,
};
use interlock_core::id::{EndpointName, EnvironmentName, ModelAlias, Region, TenantName};
use interlock_core::label::{Allowed, Confidentiality};
use interlock_core::pipeline::identity::{Method, PrincipalKind};
use interlock_core::pipeline::policy::Verdict;
use interlock_core::registry::{Endpoint, Perimeter};
use interlock_core::run::{Event, InboxKind, Outcome, Phase, State};
use interlock_core::time::Timestamp;
use interlock_store::MemoryStore;
use serde_json::Value;

use crate::clock::{Clock, FixedClock, SeededEntropy};
use crate::engine::{Engine, Fault, Parts};
use crate::keys::{FileKeys, Keys, KeysParts};
use crate::live::Recorded;
use crate::seal::{MemoryKeyBook, PayloadSealer};
use crate::service::StartRequest;

mod scripts;

pub use scripts::{CaseDoors, scripted_model};

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The case.
    pub name: String,
    /// Each way in which it differs from what was expected; none: it passed.
    pub differences: Vec<String>,
    /// Decisions made, one line each, for a person who looks into a difference.
    pub decisions: Vec<String>,
}

impl CaseResult {
    /// Whether it passed.
    #[must_use]
    pub const fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// 2026-01-01T00:00:00Z: cases do not depend on the day they are run.
const START_MICROS: u64 = 1_767_225_600_000_000;
/// More people than any case scripts.
const ROUNDS_MAX: usize = 64;

/// The endpoint that stands for an alias in cases and in the demo: inside the perimeter, cleared for everything.
#[must_use]
pub fn scripted_endpoint(alias: &ModelAlias) -> Option<Endpoint> {
    Some(Endpoint {
        name: EndpointName::parse(alias.as_str()).ok()?,
        perimeter: Perimeter::Inside,
        region: Region::parse("local").ok()?,
        agreements: std::collections::BTreeSet::new(),
        clearance: Confidentiality::Restricted,
        categories: Allowed::Any,
        timeout_millis: 10_000,
    })
}

/// Runs one case of a bundle. `scratch` is a directory that real connectors may write to.
///
/// # Errors
/// The machine itself failed; a case that goes otherwise than expected is a result.
pub async fn run_case(
    files: &BTreeMap<String, Vec<u8>>,
    operator: &OperatorPolicies,
    case: &TestCase,
    scratch: &Path,
) -> Result<CaseResult, Fault> {
    let bundle = Bundle::load_files(files.clone(), operator)
        .map_err(|problems| Fault::Pinned(problems.to_string()))?;
    let engine = engine(&bundle, operator, case, scratch)?;
    let name = bundle.name().clone();
    engine
        .set_world(case.world, "the case says so", None)
        .await?;
    engine.deploy(bundle, None).await?;
    let principal = &case.principal;
    let requester = match principal.kind {
        PrincipalKind::Service => {
            engine
                .service("case-requester", principal.roles.clone(), Method::ApiKey)
                .await
        }
        PrincipalKind::Person => {
            engine
                .local_person("case-requester", principal.roles.clone(), Method::LocalUser)
                .await
        }
    };
    let requester = requester.map_err(|fault| Fault::Bug(fault.to_string()))?;
    let answer = engine
        .start(StartRequest {
            bundle: name,
            workflow: Some(case.workflow.clone()),
            requester,
            input: case.input.to_string().into_bytes(),
            source: "case",
            address: "case".to_owned(),
            key: None,
        })
        .await?;
    let mut state = if answer.state.is_ended() {
        answer.state
    } else {
        engine.drive(answer.run).await?
    };
    let mut differences = Vec::new();
    let mut people = case.people.iter();
    for round in 0..ROUNDS_MAX {
        let Phase::Reviewing { review, .. } = &state.phase else {
            break;
        };
        let Some(verdict) = people.next() else { break };
        let step = review.step.as_ref().map_or("output", |step| step.as_str());
        if step != verdict.review {
            differences.push(format!(
                "a person was to decide on `{}`, but `{step}` is under review",
                verdict.review
            ));
            break;
        }
        let voter = engine
            .local_person(
                &format!("case-person-{round}"),
                [verdict.role.clone()].into(),
                Method::LocalUser,
            )
            .await
            .map_err(|fault| Fault::Bug(fault.to_string()))?;
        match engine
            .vote(
                review.id,
                voter,
                review.digest,
                verdict.approve,
                verdict.reason.clone(),
            )
            .await
        {
            Ok(answer) => state = answer.state,
            Err(Fault::Refused(refusal)) => {
                differences.push(format!("the verdict on `{step}` was refused: {refusal}"));
                break;
            }
            Err(fault) => return Err(fault),
        }
    }
    if people.next().is_some() {
        differences.push("not every scripted person was asked".to_owned());
    }
    let history = engine.history(answer.run).await?;
    let reader = Engine::requester(&state);
    let output = engine.run_view(answer.run, reader).await?.output;
    compare(case, &state, &history, output.as_ref(), &mut differences);
    let decisions = history
        .iter()
        .filter(|recorded| matches!(recorded.event, Event::Decided { .. }))
        .map(|recorded| crate::say::line(&recorded.event))
        .collect();
    Ok(CaseResult {
        name: case.name.clone(),
        differences,
        decisions,
    })
}

fn engine(
    bundle: &Bundle,
    operator: &OperatorPolicies,
    case: &TestCase,
    scratch: &Path,
) -> Result<Arc<Engine>, Fault> {
    let bug = |fault: String| Fault::Bug(fault);
    let clock = Arc::new(FixedClock::at(Timestamp::from_micros(START_MICROS)));
    let entropy = Arc::new(SeededEntropy::new(seed(&case.name)));
    let environment = match &case.environment {
        Some(environment) => environment.clone(),
        None => EnvironmentName::parse("test").map_err(|fault| bug(fault.to_string()))?,
    };
    let provider = FileKeys::ephemeral(entropy.clone()).map_err(|fault| bug(fault.to_string()))?;
    let keys = Arc::new(Keys::new(KeysParts {
        provider: Arc::new(provider),
        book: Arc::new(MemoryKeyBook::default()),
        environment: environment.clone(),
        entropy: entropy.clone(),
        clock: clock.clone(),
        holders: Vec::new(),
    }));
    let endpoints: BTreeMap<_, _> = bundle
        .models()
        .iter()
        .filter_map(scripted_endpoint)
        .map(|endpoint| (endpoint.name.clone(), endpoint))
        .collect();
    let aliases = bundle
        .models()
        .iter()
        .filter_map(|alias| Some((alias.clone(), EndpointName::parse(alias.as_str()).ok()?)))
        .collect();
    Ok(Engine::new(Parts {
        tenant: TenantName::parse("default").map_err(|fault| bug(fault.to_string()))?,
        store: Arc::new(MemoryStore::new(environment)),
        sealer: Arc::new(PayloadSealer::new(Arc::clone(&keys), entropy.clone())),
        book: keys,
        clock: clock as Arc<dyn Clock>,
        entropy,
        models: Arc::new(scripted_model(case)),
        doors: Arc::new(CaseDoors::new(case, scratch)),
        endpoints,
        aliases,
        policies: operator.clone(),
        keep: crate::keep::KeepRules::default(),
    }))
}

fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn outcome(state: &State) -> CaseOutcome {
    match &state.phase {
        Phase::Ended { outcome } => match outcome {
            Outcome::Completed => CaseOutcome::Completed,
            Outcome::Degraded => CaseOutcome::Degraded,
            Outcome::Denied => CaseOutcome::Denied,
            Outcome::Rejected => CaseOutcome::Rejected,
            Outcome::Failed => CaseOutcome::Failed,
            Outcome::Cancelled => CaseOutcome::Cancelled,
        },
        Phase::Waiting {
            kind: InboxKind::InDoubt,
            ..
        } => CaseOutcome::InDoubt,
        _ => CaseOutcome::Waiting,
    }
}

fn compare(
    case: &TestCase,
    state: &State,
    history: &[Recorded],
    output: Option<&Value>,
    differences: &mut Vec<String>,
) {
    let expected = &case.expect;
    let found = outcome(state);
    if found != expected.outcome {
        differences.push(format!(
            "outcome: expected {}, found {}",
            expected.outcome.as_str(),
            found.as_str()
        ));
    }
    let waits = match &state.phase {
        Phase::Reviewing { .. } => Some(WaitingFor::Review),
        Phase::Waiting { .. } => Some(WaitingFor::Inbox),
        _ => None,
    };
    if expected.waiting_for.is_some() && expected.waiting_for != waits {
        differences.push(format!(
            "waiting for: expected {:?}, found {waits:?}",
            expected.waiting_for
        ));
    }
    let mut made = history.iter().filter_map(|recorded| match &recorded.event {
        Event::Decided { decision, step, .. } => Some((decision, step)),
        _ => None,
    });
    for wanted in &expected.decisions {
        let fits = made.by_ref().any(|(decision, step)| {
            decision.action == wanted.action
                && (wanted.step.is_none() || *step == wanted.step)
                && verdict(&decision.verdict) == wanted.verdict
                && wanted
                    .policies
                    .iter()
                    .all(|policy| decision.determined_by.contains(policy))
        });
        if !fits {
            differences.push(format!(
                "decision: expected {} {} {:?} by {:?}, and none such follows",
                wanted.action.as_str(),
                wanted.step.as_ref().map_or("", |step| step.as_str()),
                wanted.verdict,
                wanted.policies,
            ));
        }
    }
    for acts in &expected.acts {
        let times = proposed(history, &acts.tool);
        if times != acts.times {
            differences.push(format!(
                "acts of {}: expected {}, found {times}",
                acts.tool, acts.times
            ));
        }
    }
    if let Some(wanted) = &expected.output
        && output != Some(wanted)
    {
        differences.push(format!(
            "output: expected {wanted}, found {}",
            output.map_or("none".to_owned(), Value::to_string)
        ));
    }
}

/// How often a tool finished an act.
fn proposed(history: &[Recorded], tool: &interlock_core::id::ToolName) -> u32 {
    let mine: Vec<_> = history
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::ActProposed {
                act, tool: name, ..
            } if name == tool => Some(*act),
            _ => None,
        })
        .collect();
    let done = history
        .iter()
        .filter(|recorded| matches!(&recorded.event, Event::ActFinished { act, .. } if mine.contains(act)))
        .count();
    u32::try_from(done).unwrap_or(u32::MAX)
}

const fn verdict(verdict: &Verdict) -> ExpectedVerdict {
    match verdict {
        Verdict::Allow => ExpectedVerdict::Allow,
        Verdict::Downgrade(_) => ExpectedVerdict::Downgrade,
        Verdict::Review { .. } => ExpectedVerdict::Review,
        Verdict::Deny(_) => ExpectedVerdict::Deny,
    }
}
