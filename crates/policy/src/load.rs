//! From files to policies in force, or to all the reasons why not. Everything that can be refused before a
//! request comes is refused here: a policy that cannot be read, typed, named or ever apply.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{
    ActionConstraint, EntityUid, Policy, PolicyId as EngineId, PolicySet, Schema, Template,
    ValidationMode, Validator,
};
use interlock_core::digest::Digest;
use interlock_core::id::PolicyId;
use interlock_core::limits::{BUNDLE_FILE_BYTES_MAX, POLICIES_MAX};
use interlock_core::pipeline::policy::Determining;

use crate::arguments::Record;
use crate::evaluate::CedarGuards;
use crate::express::Vocabulary;
use crate::refuse::{REQUEST, describe};
use crate::schema::{self, ToolArguments};
use crate::source::{Piece, PolicyProblem, PolicySource, pieces};

impl CedarGuards {
    /// Loads the base policies, the operator's and the bundle's as one set, and the types of the tools'
    /// arguments. The bundle's are added to the others: an id that is taken stays taken.
    ///
    /// # Errors
    /// Everything that is wrong, in order of file and place.
    pub fn load(
        operator: &[PolicySource],
        bundle: &[PolicySource],
        tools: &[ToolArguments<'_>],
    ) -> Result<Self, Vec<PolicyProblem>> {
        let base = crate::operator::base();
        let types = schema::argument_types(tools);
        let text = schema::text(&types);
        let schema = read_schema(&text)?;
        let validator = Validator::new(schema);
        let mut loading = Loading {
            taken: BTreeMap::new(),
            found: Vec::new(),
            problems: Vec::new(),
        };
        for source in base.iter().chain(operator) {
            loading.take(source, None, &validator);
        }
        for source in bundle {
            loading.take(source, Some(&types), &validator);
        }
        let Loading {
            found,
            mut problems,
            ..
        } = loading;
        if found.len() > POLICIES_MAX {
            problems.extend(found.get(POLICIES_MAX).map(|(piece, _, _)| {
                piece.problem(
                    format!("load policies: more than {POLICIES_MAX}"),
                    "the operator's and the bundle's count together",
                )
            }));
        }
        if !problems.is_empty() {
            problems.sort();
            problems.dedup();
            return Err(problems);
        }
        let parts = parts(&text, &base, operator, bundle);
        let version = Digest::of_parts(parts.iter().map(String::as_bytes));
        let by_action = split(validator.schema(), &found).ok_or_else(fault)?;
        let described: BTreeMap<String, Determining> = found
            .into_iter()
            .map(|(_, _, described)| (described.id.as_str().to_owned(), described))
            .collect();
        let vocabulary = Vocabulary::new(validator.schema().clone(), types).ok_or_else(fault)?;
        let request = PolicyId::parse(REQUEST).map_err(|_| fault())?;
        Ok(Self {
            vocabulary,
            by_action,
            described,
            version,
            parts,
            request,
        })
    }
}

type Found<'a> = (Piece<'a>, Policy, Determining);

struct Loading<'a> {
    taken: BTreeMap<PolicyId, String>,
    found: Vec<Found<'a>>,
    problems: Vec<PolicyProblem>,
}

impl<'a> Loading<'a> {
    /// Reads one file. `tools` are those that the file's policies may name, where that is known.
    fn take(
        &mut self,
        source: &'a PolicySource,
        tools: Option<&BTreeMap<interlock_core::id::ToolName, Record>>,
        validator: &Validator,
    ) {
        if source.text.len() > BUNDLE_FILE_BYTES_MAX {
            self.problems.push(PolicyProblem {
                file: source.file.clone(),
                offset: 0,
                length: 0,
                message: format!("load policies: over {BUNDLE_FILE_BYTES_MAX} bytes"),
                hint: "cut the file in two".to_owned(),
            });
            return;
        }
        for piece in pieces(source) {
            match self.one(&piece, tools, validator) {
                Ok((policy, described)) => self.found.push((piece, policy, described)),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn one(
        &mut self,
        piece: &Piece<'_>,
        tools: Option<&BTreeMap<interlock_core::id::ToolName, Record>>,
        validator: &Validator,
    ) -> Result<(Policy, Determining), PolicyProblem> {
        let policy = parse(piece)?;
        let described = describe(piece, &policy)?;
        let id = &described.id;
        if let Some(file) = self.taken.get(id) {
            return Err(piece.problem_at(
                "@id",
                format!("load policy `{id}`: its id is taken in `{file}`"),
                "ids are unique over the base, the operator's policies and the bundle's",
            ));
        }
        self.taken.insert(id.clone(), piece.source.file.clone());
        let policy = policy.new_id(EngineId::new(id.as_str()));
        validate(piece, &policy, validator)?;
        if let Some(tools) = tools {
            check_tools(piece, &policy, id, tools)?;
        }
        Ok((policy, described))
    }
}

fn parse(piece: &Piece<'_>) -> Result<Policy, PolicyProblem> {
    let text = piece.text();
    Policy::parse(None, text).map_err(|errors| {
        if Template::parse(None, text).is_ok() {
            return piece.problem_at(
                "?",
                "load a policy: it is a template",
                "write one policy for each case: what is proved about policies does not cover templates",
            );
        }
        let hint = "see docs/policy.md for the form of a policy";
        match errors.iter().next() {
            Some(error) => piece.problem_from(error, "parse a policy", hint),
            None => piece.problem("parse a policy", hint),
        }
    })
}

/// The engine's strict validation. Its warnings refuse too: a policy that can never apply, and text that
/// reads as something else than it is.
fn validate(
    piece: &Piece<'_>,
    policy: &Policy,
    validator: &Validator,
) -> Result<(), PolicyProblem> {
    let what = format!("validate policy `{}`", policy.id());
    let set = PolicySet::from_policies([policy.clone()])
        .map_err(|error| piece.problem_from(&error, &what, "see docs/policy.md"))?;
    let result = validator.validate(&set, ValidationMode::Strict);
    let hint = "see docs/policy.md for entities, actions and context attributes";
    let mut said: Vec<PolicyProblem> = result
        .validation_errors()
        .map(|error| piece.problem_from(error, &what, hint))
        .collect();
    if said.is_empty() {
        let hint = "a policy that never applies protects nothing: check its actions, kinds and \
                    conditions; a group of actions is written `action in`";
        said.extend(
            result
                .validation_warnings()
                .map(|warning| piece.problem_from(warning, &what, hint)),
        );
    }
    said.sort();
    said.into_iter().next().map_or(Ok(()), Err)
}

/// A bundle's policy about a tool that the bundle does not have never applies.
fn check_tools(
    piece: &Piece<'_>,
    policy: &Policy,
    id: &PolicyId,
    tools: &BTreeMap<interlock_core::id::ToolName, Record>,
) -> Result<(), PolicyProblem> {
    let names: BTreeSet<String> = policy
        .entity_literals()
        .into_iter()
        .filter(|uid| uid.type_name().to_string() == "Interlock::Tool")
        .map(|uid| uid.id().unescaped().to_owned())
        .filter(|name| !tools.keys().any(|tool| tool.as_str() == name))
        .collect();
    names.first().map_or(Ok(()), |name| {
        Err(piece.problem_at(
            name,
            format!("load policy `{id}`: no tool `{name}` in this bundle"),
            "a policy about a tool that is not there never applies",
        ))
    })
}

fn read_schema(text: &str) -> Result<Schema, Vec<PolicyProblem>> {
    Schema::from_cedarschema_str(text)
        .map(|(schema, _)| schema)
        .map_err(|error| {
            vec![PolicyProblem {
                file: "interlock.cedarschema".to_owned(),
                offset: 0,
                length: 0,
                message: format!("type the tools' arguments: {error}"),
                hint: "an argument's name must be a name that policies can use".to_owned(),
            }]
        })
}

/// The policies that can matter for each action, so that a request meets no others.
fn split(schema: &Schema, found: &[Found<'_>]) -> Option<BTreeMap<EntityUid, PolicySet>> {
    let hierarchy = schema.action_entities().ok()?;
    let mut by_action = BTreeMap::new();
    for action in schema.actions() {
        let reaches =
            |named: &EntityUid| named == action || hierarchy.is_ancestor_of(named, action);
        let policies = found.iter().map(|(_, policy, _)| policy).filter(|policy| {
            match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(named) => named == *action,
                ActionConstraint::In(named) => named.iter().any(reaches),
            }
        });
        by_action.insert(
            action.clone(),
            PolicySet::from_policies(policies.cloned()).ok()?,
        );
    }
    Some(by_action)
}

/// What a version is made over: the engine, the schema and each policy file's place and text; not where the files lie.
fn parts(
    schema: &str,
    base: &[PolicySource],
    operator: &[PolicySource],
    bundle: &[PolicySource],
) -> Vec<String> {
    let mut parts = vec![
        cedar_policy::get_sdk_version().to_string(),
        schema.to_owned(),
    ];
    for (origin, sources) in [("base", base), ("operator", operator), ("bundle", bundle)] {
        let mut files: Vec<_> = sources
            .iter()
            .map(|source| (source.layer, source.text.as_str()))
            .collect();
        files.sort_unstable();
        for (layer, text) in files {
            parts.extend([origin, layer.as_str(), text].map(str::to_owned));
        }
    }
    parts
}

/// What cannot happen with a schema that was just read, said rather than assumed.
fn fault() -> Vec<PolicyProblem> {
    vec![PolicyProblem {
        file: "interlock.cedarschema".to_owned(),
        offset: 0,
        length: 0,
        message: "sort policies by action: the schema and the policies do not fit together"
            .to_owned(),
        hint: "this is a fault in the program: please report it".to_owned(),
    }]
}
