//! The context attributes, in the order of the schema's `Circumstances`. Approval facts are a vote's own when
//! the action is `review`: they say what the review would hold with that vote counted.

use cedar_policy::RestrictedExpression;
use interlock_core::label::Label;
use interlock_core::pipeline::policy::{Action, ApprovalFacts, ArgumentFacts, Request, Resource};
use interlock_core::time::Timestamp;

use super::{Inexpressible, Vocabulary, allowed, flag, long, text, texts};

type Pairs = Vec<(String, RestrictedExpression)>;

impl Vocabulary {
    pub(super) fn context(&self, request: &Request<'_>) -> Result<Pairs, Inexpressible> {
        let context = &request.context;
        let mut pairs = vec![
            ("tenant", text(context.tenant.as_str())),
            ("environment", text(context.environment.as_str())),
            ("bundle", text(context.bundle.as_str())),
            ("workflow", text(context.workflow.as_str())),
            ("risk", self.member("Risk", context.risk.as_str())?),
            ("risk_level", long(context.risk as u8)),
            ("label", label(context.label)?),
            ("exceeds_clearance", flag(context.exceeds_clearance)),
            ("step_up", flag(context.step_up)),
            (
                "downgrades",
                texts(context.downgrades.iter().map(|d| d.as_str())),
            ),
            ("standing", flag(context.standing)),
            ("acts_done", long(context.acts_done)),
            ("attempt", long(context.attempt)),
            ("incident", flag(context.world.incident)),
            ("halted", flag(context.world.halted)),
            ("now", instant(context.now)?),
        ];
        if let Some(step) = context.step {
            pairs.push(("step", text(step.as_str())));
        }
        if let Some(class) = context.class {
            pairs.push(("class", self.member("TaskClass", class.as_str())?));
        }
        match (request.action, &context.approval) {
            (_, None) => {}
            (Action::Review, Some(facts)) => {
                pairs.push((
                    "vote",
                    record([("by_requester", flag(facts.by_requester))])?,
                ));
            }
            (_, Some(facts)) => pairs.push(("approval", approval(facts)?)),
        }
        if let Some(facts) = &context.arguments {
            pairs.push(("act", act(facts)?));
        }
        if let (Action::CallTool | Action::AuthoriseStanding, Resource::Tool(tool)) =
            (request.action, request.resource)
        {
            let types = self.arguments.get(&tool.name).ok_or(Inexpressible)?;
            let facts = context.arguments.as_ref().ok_or(Inexpressible)?;
            pairs.push((
                "args",
                types.express(facts.value).map_err(|_| Inexpressible)?,
            ));
        }
        Ok(pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }
}

fn record<const N: usize>(
    fields: [(&str, RestrictedExpression); N],
) -> Result<RestrictedExpression, Inexpressible> {
    RestrictedExpression::new_record(fields.map(|(name, value)| (name.to_owned(), value)))
        .map_err(|_| Inexpressible)
}

fn label(label: &Label) -> Result<RestrictedExpression, Inexpressible> {
    let (any, regions) = allowed(&label.residency, |region| region.as_str());
    let (readers_any, _) = allowed(&label.readers, |reader| reader.as_str());
    record([
        ("confidentiality", long(label.confidentiality.level())),
        (
            "categories",
            texts(label.categories.iter().map(|c| c.as_str())),
        ),
        ("trusted", flag(label.is_trusted())),
        ("residency", record([("any", any), ("regions", regions)])?),
        ("readers_any", readers_any),
        ("sources", texts(label.sources.iter().map(|s| s.as_str()))),
        ("has_subjects", flag(!label.subjects.is_empty())),
    ])
}

fn approval(facts: &ApprovalFacts) -> Result<RestrictedExpression, Inexpressible> {
    // Who reached two of a role reached one too.
    let reached = facts.reached.iter().flat_map(|(role, count)| {
        (1..=*count).map(move |count| RestrictedExpression::new_string(format!("{role}:{count}")))
    });
    record([
        ("count", long(facts.count)),
        ("reached", RestrictedExpression::new_set(reached)),
        ("by_requester", flag(facts.by_requester)),
        ("fits", flag(facts.fits)),
        ("expired", flag(facts.expired)),
    ])
}

fn act(facts: &ArgumentFacts<'_>) -> Result<RestrictedExpression, Inexpressible> {
    let untrusted = facts
        .untrusted_sensitive
        .iter()
        .map(|path| text(&path.to_string()));
    record([
        (
            "untrusted_sensitive",
            RestrictedExpression::new_set(untrusted),
        ),
        ("audience_may_read", flag(facts.audience_may_read)),
        ("reconciled", flag(facts.reconciled)),
    ])
}

/// Cedar's datetimes have milliseconds: the rest is cut, so that `now` is never in the future.
fn instant(now: Timestamp) -> Result<RestrictedExpression, Inexpressible> {
    let printed = now.to_string();
    let millis = printed.get(..23).ok_or(Inexpressible)?;
    Ok(RestrictedExpression::new_datetime(format!("{millis}Z")))
}
