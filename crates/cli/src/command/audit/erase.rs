//! `interlock audit erase`: one person, on one order, with a certificate. The same command finishes an erasure that broke
//! off, and gives the certificate of one that is done again.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use interlock_runtime::erasure::{Certificate, EraseRequest, ErasureFault, Preview, Stage, Whom};

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, EraseOptions};
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    options: EraseOptions,
) -> Result<Exit, Failure> {
    if !options.yes && !options.dry_run && !print::is_interactive() {
        return Err(Failure::usage(
            "failed to erase: nobody can be asked",
            "--dry-run says what would be erased, --yes does it",
        ));
    }
    let engine = installation.engine_or("POST /api/v1/erasures")?;
    let by = installation.person(&engine).await?;
    let whom = whom(&options.subject);
    let mut progress = |stage| tell(common, stage);
    let preview = engine.preview_erasure(&whom, &by, &mut progress).await;
    let preview = preview.map_err(failure)?;
    if options.dry_run {
        show_preview(common, &preview)?;
        let kept = !preview.must_be_kept.is_empty() && !options.despite_minimum;
        return Ok(if preview.held_by.is_empty() && !kept {
            Exit::Done
        } else {
            Exit::Denied
        });
    }
    if !options.yes {
        show_preview(common, &preview)?;
        let answer = print::ask("This cannot be undone. Type the pseudonym to erase the person: ")?;
        if answer != preview.subject {
            return Err(Failure::usage(
                "failed to erase: that is another pseudonym",
                "nothing was erased",
            ));
        }
    }
    if options.yes && !common.json {
        // Should it break off, it is found again by this.
        print::aside(&format!("the person is {}", preview.subject));
    }
    // From here on by pseudonym: the name may be forgotten already.
    let request = EraseRequest {
        whom: Whom::Known(
            preview
                .subject
                .parse()
                .map_err(|fault| Failure::failed(format!("failed to {fault}: this is a bug")))?,
        ),
        order: &options.order,
        reason: &options.reason,
        by: &by,
    };
    let certificate = if options.despite_minimum {
        engine.erase_despite_minimum(request, &mut progress).await
    } else {
        engine.erase(request, &mut progress).await
    };
    let certificate = certificate.map_err(failure)?;
    // Published first, so that the certificate carries its proof. If that fails it is said at the end, and the entries
    // are durable all the same.
    let certificate = match installation.publisher(&engine).await {
        Ok(publisher) if publisher.publish_now().await.is_ok() => {
            engine.with_receipts(certificate).await.map_err(failure)?
        }
        _ => certificate,
    };
    if let Some(path) = &options.certificate {
        write(path, &certificate)?;
    }
    if common.json {
        print::json(&certificate)?;
    } else {
        print::line(&print::harmless(&certificate.text()));
    }
    Ok(Exit::Done)
}

/// A pseudonym is meant as one; everything else is a name.
pub(super) fn whom(text: &str) -> Whom {
    text.parse()
        .map_or_else(|_| Whom::Named(text.to_owned()), Whom::Known)
}

fn tell(common: &Common, stage: Stage) {
    if common.json {
        return;
    }
    let text = match stage {
        Stage::Surveyed(entries) => format!("looked at {entries} entries"),
        Stage::Requested(erasure) => format!("{erasure} is on record"),
        Stage::Suspended(runs) => format!("{runs} live runs are suspended"),
        Stage::Forgotten => "the name is forgotten".to_owned(),
        Stage::Destroyed => "the key is destroyed, and its epoch".to_owned(),
        Stage::Proving(entries) => format!("tried what {entries} entries name: nothing opens"),
        Stage::Recorded => "done, and on record".to_owned(),
    };
    print::aside(&text);
}

fn show_preview(common: &Common, preview: &Preview) -> Result<(), Failure> {
    if common.json {
        return print::json(preview);
    }
    print::line(&format!("person      {}", preview.subject));
    print::line(&format!(
        "payloads    {} in {} runs; {} of them are about other people too, and would be gone for these as well",
        preview.payloads, preview.runs, preview.shared_with_others
    ));
    print::line(&format!(
        "live runs   {}: they stop, and go to the inbox",
        preview.live_runs
    ));
    for required in &preview.must_be_kept {
        let basis = required.basis.as_deref().unwrap_or("configured no more");
        print::line(&format!(
            "minimum     {} payloads of class {} must be kept for longer ({}): it takes --despite-minimum",
            required.payloads,
            print::harmless(&required.class),
            print::harmless(basis)
        ));
    }
    for hold in &preview.held_by {
        print::line(&format!("held by     {hold}: it will be refused"));
    }
    if let Some(erasure) = &preview.resumes {
        print::line(&format!("begun as    {erasure}: it will be finished"));
    }
    Ok(())
}

/// Never over another file: a certificate is not made twice by mistake.
fn write(path: &Path, certificate: &Certificate) -> Result<(), Failure> {
    let text = if path.extension().is_some_and(|end| end == "txt") {
        certificate.text()
    } else {
        serde_json::to_string_pretty(certificate)
            .map_err(|fault| Failure::failed(format!("failed to write the certificate: {fault}")))?
    };
    let fault = |fault: std::io::Error| {
        Failure::failed(format!(
            "failed to write the certificate to `{}`: {fault}",
            path.display()
        ))
        .hint("the person is erased; the same command with sub_… and another FILE gives the certificate again")
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    file.write_all(b"\n").map_err(fault)?;
    file.sync_all().map_err(fault)
}

/// What a person is told of a refusal.
pub(super) fn failure(fault: ErasureFault) -> Failure {
    let text = format!("failed to {fault}");
    let (message, own) = match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    };
    let (exit, hint) = match fault {
        ErasureFault::Engine(fault) => return fault.into(),
        ErasureFault::Role(role) => (
            Exit::Denied,
            format!("give the person the role {role} under [[people]] in interlock.toml"),
        ),
        ErasureFault::Held(_) => (
            Exit::Denied,
            "interlock audit hold list says what it covers; release it first".to_owned(),
        ),
        ErasureFault::Unknown => (
            Exit::Usage,
            "names are exactly as inputs spelled them; one whose key is destroyed is found by sub_… alone"
                .to_owned(),
        ),
        ErasureFault::NoHold => (Exit::Usage, "interlock audit hold list".to_owned()),
        ErasureFault::OtherOrder(_) => (
            Exit::Usage,
            "finish it first: give the reference of that order".to_owned(),
        ),
        ErasureFault::Policy(_) => (Exit::Denied, "prune less".to_owned()),
        ErasureFault::Request(_) => (Exit::Usage, "interlock audit --help".to_owned()),
        ErasureFault::StillOpens { .. } | ErasureFault::KeyThere => (
            Exit::Failed,
            "the erasure is not done; run the same command again".to_owned(),
        ),
    };
    let failure = Failure {
        exit,
        message,
        hint: None,
        details: Vec::new(),
    };
    failure.hint(own.unwrap_or(hint))
}
