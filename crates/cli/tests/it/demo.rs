//! `interlock demo` as it is met on a fresh machine: with `--yes`, with nobody there, and at a real terminal.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::place::{Place, Said};

#[test]
fn with_yes_it_shows_three_runs_and_verifies_them() {
    let place = Place::new();
    let said = place
        .run(&["demo", "--yes"])
        .code(0)
        .shows("!! --yes: the DEMO REVIEWER approves. No person has looked at this. !!")
        .shows("outcome: completed")
        .shows("outcome: denied")
        .shows("@id(\"incident.no_outside_address\")")
        .shows("waits:   inb_");
    let last = said.out.lines().last().unwrap();
    let entries = last
        .strip_prefix("verified: 3 runs, ")
        .and_then(|rest| rest.strip_suffix(" entries"))
        .unwrap_or_else(|| panic!("{last}"));
    assert!(entries.parse::<u32>().unwrap() > 30, "{last}");
    // What it says to try next works as it stands.
    for line in said.out.lines().filter(|line| line.contains("--data-dir")) {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        place.run(&words).code(0);
    }
}

#[test]
fn nobody_there_to_approve_is_said_and_leaves_nothing() {
    let place = Place::new();
    let before = place.files();
    place
        .run(&["demo"])
        .refused(2, "there is no terminal", "demo --yes");
    assert_eq!(place.files(), before);
}

#[test]
fn a_person_at_the_terminal_approves() {
    let said = at_a_terminal(&[("approve exactly this? [y/n]", "y")]);
    let said = said
        .code(0)
        .shows("outcome: completed")
        .shows("verified: 3 runs, ");
    assert!(!said.out.contains("DEMO REVIEWER"), "{}", said.out);
}

#[test]
fn a_person_at_the_terminal_rejects_with_a_reason() {
    let answers = [
        // Neither yes nor no: asked again, and nothing is decided by a slip of the finger.
        ("approve exactly this? [y/n]", "maybe"),
        ("approve exactly this? [y/n]", "n"),
        ("why not?", ""),
        ("why not?", "the quotes do not carry it"),
    ];
    at_a_terminal(&answers)
        .code(0)
        .shows("the review is rejected")
        .shows("outcome: denied")
        .shows("verified: 3 runs, ");
}

/// Runs the demo at a pseudo-terminal; each answer is typed once its question is there.
fn at_a_terminal(answers: &[(&str, &str)]) -> Said {
    let place = Place::new();
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut command = place.command(&["demo"]);
    command
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stdout(Stdio::from(theirs.try_clone().unwrap()))
        .stderr(Stdio::from(theirs));
    let mut child = command.spawn().unwrap();
    // Our copies of their end must go, or the end of the process is never seen.
    drop(command);
    let mut terminal = File::from(ours);
    let (mut all, mut seen) = (Vec::new(), 0);
    let mut buffer = [0; 4096];
    let mut answers = answers.iter();
    let mut next = answers.next();
    while let Ok(count @ 1..) = terminal.read(&mut buffer) {
        all.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&all[seen..]);
        if let Some((question, answer)) = next
            && text.contains(question)
        {
            seen = all.len();
            terminal
                .write_all(format!("{answer}\n").as_bytes())
                .unwrap();
            next = answers.next();
        }
    }
    assert!(next.is_none(), "never asked: {next:?}");
    Said {
        code: child.wait().unwrap().code().unwrap(),
        out: String::from_utf8_lossy(&all).replace("\r\n", "\n"),
        err: String::new(),
    }
}
