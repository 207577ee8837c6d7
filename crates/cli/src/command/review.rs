//! `interlock review`: what waits for a verdict, and the verdict. A yes is bound to the digest of what was shown.

use interlock_core::digest::Digest;
use interlock_core::id::ReviewId;
use interlock_runtime::view::ReviewView;
use interlock_store::WaitKind;

use super::{input, run::report};
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, ReviewCommand};
use crate::print;
use crate::progress::Progress;

const FORM: &str = "rev_ and 26 characters";

pub(super) async fn run(common: &Common, command: ReviewCommand) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    match command {
        ReviewCommand::List => {
            let engine = installation.engine_over(installation.store_read_only()?)?;
            let mut views = Vec::new();
            for wait in engine.waits(WaitKind::Review).await? {
                views.push(engine.review_view(input::id(&wait.id, FORM)?, None).await?);
            }
            if common.json {
                print::json(&views)?;
            } else if views.is_empty() {
                print::line("no open reviews");
            } else {
                for view in &views {
                    let what = view.tool.as_deref().unwrap_or(view.subject);
                    let needs: Vec<String> = view
                        .needs
                        .iter()
                        .map(|need| format!("{} {}", need.count, need.role))
                        .collect();
                    print::line(&format!(
                        "{}  {:<28} needs {:<18} until {}",
                        view.review,
                        what,
                        needs.join(", "),
                        view.expires_at
                    ));
                }
            }
            Ok(Exit::Done)
        }
        ReviewCommand::Show { id } => {
            let engine = installation
                .engine_to_show("ask the server instead: GET /api/v1/reviews/{review}")?;
            let reader = installation.person(&engine).await?.id();
            let view = engine
                .review_view(input::id(&id, FORM)?, Some(reader))
                .await?;
            if common.json {
                print::json(&view)?;
            } else {
                show(&view);
                print::line("");
                print::line(&format!("next:  interlock review approve {id}"));
                print::line(&format!(
                    "       interlock review reject {id} --reason \"…\""
                ));
            }
            Ok(Exit::Waiting)
        }
        ReviewCommand::Approve { id, reason, digest } => {
            vote(common, &installation, &id, true, reason, digest).await
        }
        ReviewCommand::Reject { id, reason } => {
            vote(common, &installation, &id, false, reason, None).await
        }
    }
}

async fn vote(
    common: &Common,
    installation: &Installation,
    id: &str,
    approve: bool,
    reason: Option<String>,
    digest: Option<String>,
) -> Result<Exit, Failure> {
    let review: ReviewId = input::id(id, FORM)?;
    let engine = installation.engine()?;
    let person = installation.person(&engine).await?;
    // Content is opened only where somebody is shown it.
    let is_shown = approve && digest.is_none() && print::is_interactive() && !common.json;
    let reader = is_shown.then(|| person.id());
    let view = engine.review_view(review, reader).await?;
    let digest = match digest {
        Some(digest) => digest,
        None if !approve => view.digest.clone(),
        None if is_shown => {
            show(&view);
            let answer = print::ask("\napprove exactly this? [y/N] ")?;
            if !matches!(answer.as_str(), "y" | "yes") {
                print::line("nothing was decided");
                return Ok(Exit::Waiting);
            }
            view.digest.clone()
        }
        None => {
            return Err(Failure::usage(
                "failed to approve: nobody was shown what is approved",
                format!(
                    "interlock review show {id} --json prints its digest; then --digest DIGEST"
                ),
            ));
        }
    };
    let digest = Digest::parse_hex(&digest).ok_or_else(|| {
        Failure::usage(
            "failed to read the digest",
            "64 hex digits, as `interlock review show ID` prints them",
        )
    })?;
    let by = person.id();
    installation.hold_to_anchors(&engine).await?;
    let progress = Progress::follow(&engine, !common.json);
    let answer = engine.vote(review, person, digest, approve, reason).await?;
    progress.settle().await;
    let exit = report(
        common,
        &engine,
        &answer.state,
        answer.denied.as_ref(),
        Some(by),
    )
    .await?;
    // A rejection that ends the run is what was asked for, not a denial of the command.
    Ok(if !approve && answer.denied.is_none() {
        Exit::Done
    } else {
        exit
    })
}

/// Everything that a person needs to decide.
pub(super) fn show(view: &ReviewView) {
    let title = match (&view.tool, view.effect, view.external) {
        (Some(tool), Some(effect), Some(external)) => {
            format!(
                "{tool}  ({effect}{})",
                if external { ", visible outside" } else { "" }
            )
        }
        _ => format!(
            "the {} of {}",
            view.subject,
            view.step.as_deref().unwrap_or(&view.workflow)
        ),
    };
    print::line(&format!("proposed:   {}", print::harmless(&title)));
    print::line(&format!(
        "run:        {}  ({}{})",
        view.run,
        view.workflow,
        view.step
            .as_ref()
            .map_or(String::new(), |s| format!(", step {s}"))
    ));
    print::line(&format!("asked by:   {}", view.requester));
    print::line(&format!(
        "labels:     {}, {}{}{}",
        view.label.confidentiality,
        view.label.integrity,
        list(", categories ", &view.label.categories),
        list(", from ", &view.label.sources),
    ));
    let needs: Vec<String> = view
        .needs
        .iter()
        .map(|need| format!("{} {}", need.count, need.role))
        .collect();
    print::line(&format!(
        "needs:      {} (so far {})",
        needs.join(", "),
        view.approvals.len()
    ));
    print::line(&format!("expires:    {}", view.expires_at));
    print::line(&format!("digest:     {}", view.digest));
    print::line("exactly this:");
    print::line(&print::value(&view.content, "  | "));
    if view
        .shown
        .as_object()
        .is_some_and(|shown| !shown.is_empty())
    {
        print::line("shown beside it:");
        print::line(&print::value(&view.shown, "  | "));
    }
    print::line(&format!(
        "because of: {}",
        if view.asked_by.is_empty() {
            "the workflow's own review"
        } else {
            ""
        }
    ));
    for policy in &view.asked_by {
        print::line(&format!("  {}", policy.id));
    }
}

fn list(before: &str, items: &[String]) -> String {
    if items.is_empty() {
        String::new()
    } else {
        format!("{before}{}", items.join(", "))
    }
}
