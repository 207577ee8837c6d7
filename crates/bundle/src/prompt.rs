//! `prompts/*.md`: front matter, then the template in one or two sections. The authority, refusals and
//! escalations of the front matter are the author's literal words; only the sections have slots.

use interlock_core::digest::Digest;
use interlock_core::id::PromptName;
use interlock_core::workflow::{Prompt, TaskClass};

use crate::node::parse;
use crate::problem::{Report, Span};
use crate::reader::Reader;
use crate::template::prompt::PromptTemplate;

const LINES_MAX: usize = 64;

/// A prompt as decisions see it, and its template.
#[derive(Debug)]
pub(crate) struct PromptFile {
    pub(crate) file: String,
    pub(crate) prompt: Prompt,
    pub(crate) template: PromptTemplate,
}

/// Reads a prompt's file.
pub(crate) fn read(
    file: &str,
    name: PromptName,
    text: &str,
    report: &mut Report,
) -> Option<PromptFile> {
    let Some((front, body)) = split(text) else {
        let hint = "start with a line `---`, then `class`, `authority`, `refuse` and `escalate`, then `---`";
        report.refuse(
            file,
            0..text.len().min(3),
            "this prompt has no front matter",
            hint,
        );
        return None;
    };
    let front_text = text.get(front.clone()).unwrap_or_default();
    let node = parse(file, front_text, front.start, report);
    let template = sections(file, text, body, report);
    let node = node?;
    let mut reader = Reader::new(file, report);
    let mut fields = reader.fields(&node, "the front matter")?;
    let classes = [TaskClass::Draft, TaskClass::Triage, TaskClass::Execute]
        .map(|class| (class.as_str(), class));
    let class = fields
        .must("class", &mut reader)
        .and_then(|node| reader.choice(node, &classes));
    let authority = fields
        .must("authority", &mut reader)
        .and_then(|node| reader.text(node));
    let refuse = fields
        .must("refuse", &mut reader)
        .and_then(|node| reader.texts(node, LINES_MAX));
    let escalate = fields
        .must("escalate", &mut reader)
        .and_then(|node| reader.texts(node, LINES_MAX));
    fields.end(&mut reader);
    let template = template?;
    let prompt = Prompt {
        name,
        digest: Digest::of_parts([text.as_bytes()]),
        class: class?,
        authority: authority?.to_owned(),
        refuse: refuse?,
        escalate: escalate?,
        slots: template
            .slots
            .iter()
            .map(|slot| slot.references.clone())
            .collect(),
        choices: template.choices.clone(),
    };
    Some(PromptFile {
        file: file.to_owned(),
        prompt,
        template,
    })
}

/// The bytes of the front matter and of what follows.
fn split(text: &str) -> Option<(Span, Span)> {
    let opened = text.strip_prefix("---\n").map(|_| 4)?;
    let mut at = opened;
    for line in text.get(opened..)?.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((opened..at, at + line.len()..text.len()));
        }
        at += line.len();
    }
    None
}

/// The sections after the headings `# system` and `# user`; without headings, all is for the user layer.
fn sections(file: &str, text: &str, body: Span, report: &mut Report) -> Option<PromptTemplate> {
    let mut found: Vec<(bool, Span, Span)> = Vec::new();
    let mut at = body.start;
    let mut before = body.clone();
    before.end = body.end;
    for line in text.get(body.clone())?.split_inclusive('\n') {
        let heading = match line.trim_end() {
            "# system" => Some(true),
            "# user" => Some(false),
            _ => None,
        };
        if let Some(system) = heading {
            match found.last_mut() {
                Some((_, _, section)) => section.end = at,
                None => before.end = at,
            }
            found.push((
                system,
                at..at + line.trim_end().len(),
                at + line.len()..body.end,
            ));
        }
        at += line.len();
    }
    let mut template = PromptTemplate::default();
    if found.is_empty() {
        found.push((false, body.start..body.start, body));
        before.end = before.start;
    }
    let stray = text.get(before.clone()).unwrap_or_default();
    let mut sound = true;
    if !stray.trim().is_empty() {
        report.refuse(
            file,
            before.start..before.start + stray.trim_end().len(),
            "this text stands before the first section",
            "put it under `# system` or `# user`",
        );
        sound = false;
    }
    let order: Vec<bool> = found.iter().map(|(system, _, _)| *system).collect();
    if order != [true, false] && order != [false] {
        let span = found.last().map_or(0..0, |(_, heading, _)| heading.clone());
        report.refuse(file, span, "a prompt has `# user`, and before it `# system` where there is one", "each heading stands once; a heading of the text itself takes another form, for example `## System`");
        return None;
    }
    for (system, _, section) in found {
        let whole = text.get(section.clone()).unwrap_or_default();
        let base = section.start + (whole.len() - whole.trim_start().len());
        if !system && whole.trim().is_empty() {
            report.refuse(
                file,
                section.start.saturating_sub(1)..section.start,
                "the prompt asks for nothing",
                "write the task under `# user`",
            );
            sound = false;
        }
        if let Err(refused) = template.add(whole.trim(), system, base) {
            let span = base + refused.span.start..base + refused.span.end;
            report.refuse(file, span, refused.message, refused.hint);
            sound = false;
        }
    }
    sound.then_some(template)
}
