//! Entries by who, what and when, for overseers: entries hold no content, and still tell who did what. People may be named.

use http::StatusCode;
use interlock_runtime::search::{term, term_names};
use interlock_store::SearchQuery;

use crate::app::{Answering, Query};
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::problem::{Code, Problem};
use crate::state::Server;

/// Parameters of the route: one for each term, and when.
pub(crate) const PARAMETERS: &[Query] = &[
    says("person", "Who acted or asked: a name or `prn_…`."),
    says("subject", "Whom data is about: a name or `sub_…`."),
    says("workflow", "A workflow."),
    says("source", "A source or register."),
    says("tool", "A tool."),
    says("prompt", "A prompt's name or version."),
    says("model", "A model's alias or endpoint."),
    says("policy", "A policy that determined a decision."),
    says("policy_version", "A version of the policies."),
    says(
        "decision",
        "`allow`, `downgrade`, `review`, `deny`; `approve`, `reject`; `approved`, `rejected`, `expired`, `voided`.",
    ),
    says("outcome", "How a run ended."),
    says("token", "A token of a marked value."),
    says("event", "An event, as `policy.decided`."),
    says("run", "One run."),
    says(
        "from",
        "This instant or later, as `2026-11-20T09:00:00.000000Z`.",
    ),
    says("to", "This instant or earlier."),
    says(
        "below",
        "Only entries below this index: `next` of the page before.",
    ),
    says("limit", "Items in the page, 1 to 200; 50 where not given."),
];

const fn says(name: &'static str, says: &'static str) -> Query {
    Query { name, says }
}

pub(crate) fn find(server: Server, _: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let mut query = SearchQuery {
            run: asked.query("run")?,
            below: asked.query("below")?,
            limit: asked.page()?,
            from: instant(&asked, "from")?,
            to: instant(&asked, "to")?,
            events: asked.query::<String>("event")?.into_iter().collect(),
            ..SearchQuery::default()
        };
        for name in term_names() {
            if let (Some(term), Some(text)) = (term(name), asked.query::<String>(name)?) {
                query.terms.push((term, text));
            }
        }
        answer(StatusCode::OK, &server.engine.search(query).await?)
    })
}

fn instant(asked: &Asked, name: &str) -> Result<Option<interlock_core::time::Timestamp>, Problem> {
    let Some(text) = asked.query::<String>(name)? else {
        return Ok(None);
    };
    interlock_runtime::codec::instant(&text)
        .map(Some)
        .ok_or_else(|| Problem::at(Code::InvalidParameter, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_a_parameter() {
        for name in term_names() {
            assert!(
                PARAMETERS.iter().any(|parameter| parameter.name == name),
                "{name}"
            );
        }
    }
}
