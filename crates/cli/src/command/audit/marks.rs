//! `interlock audit show RUN --marks`: where secret and personal values stand in a run's payloads and where the same ones
//! flowed, by tokens. It opens no payload, and reads beside a running server.

use std::collections::BTreeSet;

use interlock_runtime::keep::{MarkView, MarkedView};

use super::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    id: &str,
) -> Result<Exit, Failure> {
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let run = input::id(id, "run_ and 26 characters")?;
    let views = engine.marks_view(run).await?;
    if common.json {
        print::json(&views)?;
        return Ok(Exit::Done);
    }
    for view in &views {
        show(view);
    }
    let tokens: BTreeSet<&String> = views
        .iter()
        .flat_map(|view| &view.marks)
        .flat_map(|mark| &mark.mark.tok)
        .collect();
    print::line(&format!(
        "{} payloads, {} marks, {} tokens",
        views.len(),
        views.iter().map(|view| view.marks.len()).sum::<usize>(),
        tokens.len()
    ));
    Ok(Exit::Done)
}

fn show(view: &MarkedView) {
    let kept = match view.kept {
        "full" => String::new(),
        kept => format!("  (kept: {kept})"),
    };
    print::line(&format!(
        "{:>4}  {:<18} {} {}{kept}",
        view.seq, view.event, view.slot, view.payload
    ));
    if !view.readable {
        print::line("        its marks are gone with a key that it depends on");
    }
    for mark in &view.marks {
        print::line(&line(mark));
    }
    if view.left_out > 0 {
        print::line(&format!("        and {} more", view.left_out));
    }
}

fn line(mark: &MarkView) -> String {
    let tokens = if mark.mark.tok.is_empty() {
        "-".to_owned()
    } else {
        mark.mark.tok.join(" ")
    };
    let also = if mark.also.is_empty() {
        String::new()
    } else {
        let places: Vec<String> = mark.also.iter().map(ToString::to_string).collect();
        format!("  also in {}", places.join(", "))
    };
    format!(
        "        {}  [{}]  {tokens}{also}",
        print::harmless(&mark.mark.at),
        mark.mark.cat.join(", ")
    )
}
