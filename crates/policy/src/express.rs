//! A request in the engine's terms: principal, action, resource with their attributes, and the context. Built
//! from values, never from JSON, and checked against the schema: what does not fit is no request.

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::{
    Context as EngineContext, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    Request as EngineRequest, RestrictedExpression, Schema,
};
use interlock_core::id::ToolName;
use interlock_core::label::Allowed;
use interlock_core::pipeline::identity::PrincipalKind;
use interlock_core::pipeline::policy::{Action, Request, Resource};

use crate::arguments::Record;

mod context;

/// The request does not fit the vocabulary: no decision can be made of it but no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inexpressible;

/// The schema, and what is parsed once of it.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    schema: Schema,
    arguments: BTreeMap<ToolName, Record>,
    actions: Entities,
    kinds: BTreeMap<&'static str, EntityTypeName>,
}

const KINDS: [&str; 17] = [
    "Action",
    "Effect",
    "Recovery",
    "Perimeter",
    "Audience",
    "FinalDecision",
    "Risk",
    "TaskClass",
    "Role",
    "Person",
    "Service",
    "Workflow",
    "Source",
    "Endpoint",
    "Tool",
    "Output",
    "Product",
];

impl Vocabulary {
    pub(crate) fn new(schema: Schema, arguments: BTreeMap<ToolName, Record>) -> Option<Self> {
        let actions = schema.action_entities().ok()?;
        let kinds = KINDS
            .into_iter()
            .map(|kind| Some((kind, format!("Interlock::{kind}").parse().ok()?)))
            .collect::<Option<_>>()?;
        Some(Self {
            schema,
            arguments,
            actions,
            kinds,
        })
    }

    /// The request and the entities that it is about.
    pub(crate) fn express(
        &self,
        request: &Request<'_>,
    ) -> Result<(EntityUid, EngineRequest, Entities), Inexpressible> {
        let principal = self.principal(request)?;
        let action = self.action(request)?;
        let resource = self.resource(request)?;
        let context =
            EngineContext::from_pairs(self.context(request)?).map_err(|_| Inexpressible)?;
        let asked = EngineRequest::new(
            principal.uid(),
            action.clone(),
            resource.uid(),
            context,
            Some(&self.schema),
        )
        .map_err(|_| Inexpressible)?;
        let entities = self
            .actions
            .clone()
            .add_entities([principal, resource], Some(&self.schema))
            .map_err(|_| Inexpressible)?;
        Ok((action, asked, entities))
    }

    fn uid(&self, kind: &'static str, id: &str) -> Result<EntityUid, Inexpressible> {
        let kind = self.kinds.get(kind).ok_or(Inexpressible)?;
        Ok(EntityUid::from_type_name_and_id(
            kind.clone(),
            EntityId::new(id),
        ))
    }

    /// A member of an enumeration.
    fn member(
        &self,
        kind: &'static str,
        name: &str,
    ) -> Result<RestrictedExpression, Inexpressible> {
        self.uid(kind, name)
            .map(RestrictedExpression::new_entity_uid)
    }

    fn entity(
        &self,
        kind: &'static str,
        id: &str,
        attributes: HashMap<String, RestrictedExpression>,
        parents: HashSet<EntityUid>,
    ) -> Result<Entity, Inexpressible> {
        Entity::new(self.uid(kind, id)?, attributes, parents).map_err(|_| Inexpressible)
    }

    fn principal(&self, request: &Request<'_>) -> Result<Entity, Inexpressible> {
        let facts = request.principal;
        let kind = match facts.kind {
            PrincipalKind::Person => "Person",
            PrincipalKind::Service => "Service",
        };
        let roles = facts
            .roles
            .iter()
            .map(|role| self.uid("Role", role.as_str()));
        let acts_for = facts
            .act_for
            .map(|id| ("acts_for".to_owned(), text(&id.to_string())));
        self.entity(
            kind,
            &facts.id.to_string(),
            acts_for.into_iter().collect(),
            roles.collect::<Result<_, _>>()?,
        )
    }

    fn action(&self, request: &Request<'_>) -> Result<EntityUid, Inexpressible> {
        let name = match (request.action, request.resource) {
            (Action::CallTool | Action::AuthoriseStanding, Resource::Tool(tool)) => {
                format!("{}:{}", request.action.as_str(), tool.name)
            }
            (Action::AuthoriseStanding, Resource::Output { .. }) => "authorise_release".to_owned(),
            (Action::CallTool | Action::AuthoriseStanding, _) => return Err(Inexpressible),
            (action, _) => action.as_str().to_owned(),
        };
        self.uid("Action", &name)
    }

    fn resource(&self, request: &Request<'_>) -> Result<Entity, Inexpressible> {
        let workflow = request.context.workflow.as_str();
        let mut attributes = HashMap::new();
        let mut set = |name: &str, value| drop(attributes.insert(name.to_owned(), value));
        let (kind, id) = match request.resource {
            Resource::Workflow => ("Workflow", workflow),
            Resource::Product(part) => ("Product", part),
            Resource::Source(source) => {
                set("register", flag(source.register));
                set("egress", flag(source.egress));
                ("Source", source.name.as_str())
            }
            Resource::Endpoint(endpoint) => {
                set(
                    "perimeter",
                    self.member("Perimeter", endpoint.perimeter.as_str())?,
                );
                set("region", text(endpoint.region.as_str()));
                set(
                    "agreements",
                    texts(endpoint.agreements.iter().map(|a| a.as_str())),
                );
                set("clearance", long(endpoint.clearance.level()));
                let (any, members) = allowed(&endpoint.categories, |c| c.as_str());
                set("categories_any", any);
                set("categories", members);
                ("Endpoint", endpoint.name.as_str())
            }
            Resource::Tool(tool) => {
                set("effect", self.member("Effect", tool.effect.as_str())?);
                set("external", flag(tool.external));
                set("recovery", self.member("Recovery", tool.recovery.as_str())?);
                set("clearance", long(tool.clearance.level()));
                let (any, members) = allowed(&tool.audience, |r| r.as_str());
                set("audience_any", any);
                set("audience", members);
                set("has_rollback", flag(tool.rollback.is_some()));
                ("Tool", tool.name.as_str())
            }
            Resource::Output { audience, decision } => {
                set("audience", self.member("Audience", audience.as_str())?);
                if let Some(decision) = decision {
                    set("decision", self.member("FinalDecision", decision.as_str())?);
                }
                ("Output", workflow)
            }
        };
        self.entity(kind, id, attributes, HashSet::new())
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn flag(value: bool) -> RestrictedExpression {
    RestrictedExpression::new_bool(value)
}

fn long(value: impl Into<i64>) -> RestrictedExpression {
    RestrictedExpression::new_long(value.into())
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(text))
}

/// Whether anything is allowed, and otherwise what: an empty set beside `true` restricts nothing.
fn allowed<T: Ord>(
    set: &Allowed<T>,
    name: impl Fn(&T) -> &str,
) -> (RestrictedExpression, RestrictedExpression) {
    match set {
        Allowed::Any => (flag(true), texts([])),
        Allowed::Only(members) => (flag(false), texts(members.iter().map(name))),
    }
}
