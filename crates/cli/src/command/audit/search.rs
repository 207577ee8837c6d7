//! `interlock audit search`: entries by who, what and when, newest first. Brings the index up first where no server
//! holds the store; beside one it reads what that has indexed, and says how far it is.

use interlock_core::time::Timestamp;
use interlock_runtime::Engine;
use interlock_runtime::search::Found;
use interlock_store::{SearchQuery, Term};

use crate::command::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, SearchOptions};
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    options: SearchOptions,
) -> Result<Exit, Failure> {
    let query = query(&options)?;
    let engine = match installation.engine() {
        Ok(engine) => {
            bring_up(common, &engine, options.rebuild).await?;
            engine
        }
        Err(fault) if options.rebuild => return Err(fault),
        Err(_) => installation.engine_over(installation.store_read_only()?)?,
    };
    let page = engine.search(query).await?;
    if common.json {
        print::json(&page)?;
        return Ok(Exit::Done);
    }
    for found in &page.found {
        print::line(&line(found));
    }
    if page.found.is_empty() {
        print::line("nothing found");
    }
    if let Some(next) = page.next {
        print::aside(&format!("more: --below {next}"));
    }
    if page.indexed < page.size {
        print::aside(&format!(
            "the index covers {} of {} entries: the newest are not found yet",
            page.indexed, page.size
        ));
    }
    Ok(Exit::Done)
}

async fn bring_up(common: &Common, engine: &Engine, rebuild: bool) -> Result<(), Failure> {
    let mut tell = |done: u64, of: u64| {
        if !common.json && of > 10_000 {
            print::aside(&format!("indexed {done} of {of} entries"));
        }
    };
    if rebuild {
        engine.index_again(&mut tell).await?;
    } else {
        engine.index_telling(&mut tell).await?;
    }
    Ok(())
}

fn line(found: &Found) -> String {
    format!(
        "{:>8}  {}  {}  {:>4}  {:<22} {}",
        found.index,
        found.time,
        found.run,
        found.seq,
        found.event,
        print::harmless(&gist(found))
    )
}

/// What an entry is mainly about, in a few words of its own.
fn gist(found: &Found) -> String {
    let body = found.entry.get("body");
    let member = |name: &str| {
        body.and_then(|body| body.get(name))
            .and_then(|value| value.as_str())
    };
    let decision = body.and_then(|body| body.get("decision"));
    let answer = decision
        .and_then(|decision| decision.get("verdict"))
        .and_then(|verdict| verdict.get("answer"))
        .and_then(|answer| answer.as_str());
    let words = [
        answer,
        decision
            .and_then(|decision| decision.get("action"))
            .and_then(|action| action.as_str()),
        member("workflow"),
        member("target"),
        member("tool"),
        member("source"),
        member("model"),
        member("prompt_name"),
        member("outcome"),
        member("voter"),
        member("by"),
        member("run"),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn query(options: &SearchOptions) -> Result<SearchQuery, Failure> {
    let one = |term: Term, text: &Option<String>| text.clone().map(|text| (term, text));
    let many = |term: Term, texts: &[String]| {
        texts
            .iter()
            .map(|text| (term, text.clone()))
            .collect::<Vec<_>>()
    };
    let mut terms = many(Term::Person, &options.person);
    terms.extend(many(Term::Subject, &options.subject));
    terms.extend(many(Term::Policy, &options.policy));
    terms.extend(many(Term::Token, &options.token));
    let single = [
        one(Term::Workflow, &options.workflow),
        one(Term::Source, &options.source),
        one(Term::Tool, &options.tool),
        one(Term::Prompt, &options.prompt),
        one(Term::Model, &options.model),
        one(Term::PolicyVersion, &options.policy_version),
        one(Term::Decision, &options.decision),
        one(Term::Outcome, &options.outcome),
    ];
    terms.extend(single.into_iter().flatten());
    let run = options.run.as_deref();
    Ok(SearchQuery {
        terms,
        from: options
            .from
            .as_deref()
            .map(|text| instant(text, "T00:00:00.000000Z"))
            .transpose()?,
        to: options
            .to
            .as_deref()
            .map(|text| instant(text, "T23:59:59.999999Z"))
            .transpose()?,
        events: options.event.clone(),
        run: run
            .map(|run| input::id(run, "run_ and 26 characters"))
            .transpose()?,
        below: options.below,
        limit: options.limit,
    })
}

/// An instant, or a day with the rest given.
pub(super) fn instant(text: &str, rest: &str) -> Result<Timestamp, Failure> {
    let full = if text.len() == 10 {
        format!("{text}{rest}")
    } else {
        text.to_owned()
    };
    interlock_runtime::codec::instant(&full).ok_or_else(|| {
        Failure::usage(
            format!("failed to read `{text}` as a time"),
            "a day as 2026-11-20, or an instant as 2026-11-20T09:00:00.000000Z",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn a_day_is_all_of_it() {
        let from = instant("2026-11-20", "T00:00:00.000000Z").unwrap();
        let to = instant("2026-11-20", "T23:59:59.999999Z").unwrap();
        assert_eq!(to.as_micros() - from.as_micros(), 86_400_000_000 - 1);
        assert!(instant("2026-02-30", "T00:00:00.000000Z").is_err());
        assert!(instant("yesterday", "T00:00:00.000000Z").is_err());
    }
}
