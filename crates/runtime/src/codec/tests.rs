//! The codec held to its promises: every event comes back as it went, every kind has its golden bytes, and
//! every change of a body is refused or means what it says.

use interlock_core::run::{Event, Slot};
use interlock_journal::Canon;

use super::{ActBody, CodecFault, Kept, NotedClass, PayloadNote, decode, encode, encode_act};

mod bounds;
mod draw;
mod golden;
mod strict;

use draw::{DRAWN, DRAWN_ACTS, Draw};

/// Notes for all that the event introduces.
fn notes_for(event: &Event) -> Vec<PayloadNote> {
    let note = |(id, n): (_, u8)| PayloadNote {
        id,
        slot: slot_of(event.kind()),
        commitment: [n; 32],
        ciphertext_digest: [n ^ 0xff; 32],
        padded_bytes: 4096,
        class: (event.kind() == "act.finished")
            .then(|| NotedClass::of("short").unwrap())
            .flatten(),
        kept: match event.kind() {
            "model.requested" => Kept::Masked,
            "model.replied" => Kept::Digest,
            _ => Kept::Full,
        },
        marks: matches!(event.kind(), "model.requested" | "run.started").then_some([0xab; 32]),
    };
    event.introduces().into_iter().zip(1..).map(note).collect()
}

/// The slot that core gives what an event of this kind introduces.
fn slot_of(kind: &str) -> Slot {
    match kind {
        "run.started" => Slot::Input,
        "source.requested" => Slot::Query,
        "source.accepted" => Slot::SourceResult,
        "model.requested" => Slot::Prompt,
        "model.replied" => Slot::Reply,
        "intake.rejected" | "output.rejected" => Slot::Problems,
        "act.proposed" | "review.requested" => Slot::Content,
        "act.finished" => Slot::ToolResult,
        "review.voted" => Slot::Reason,
        "output.released" => Slot::Release,
        _ => Slot::Output,
    }
}

/// The event of this kind that says something in every member.
fn plain(kind: &str) -> Event {
    let (_, make) = DRAWN.iter().find(|(known, _)| *known == kind).unwrap();
    make(&mut Draw::plain())
}

/// The act of this kind that says something in every member, with who and why.
fn plain_act(kind: &str) -> ActBody {
    let (_, make) = DRAWN_ACTS.iter().find(|(known, _)| *known == kind).unwrap();
    drawn_act(make(&mut Draw::plain()), &mut Draw::plain())
}

fn drawn_act(act: crate::administration::Administration, draw: &mut Draw) -> ActBody {
    use draw::Drawn;
    ActBody {
        act,
        by: Drawn::draw(draw),
        reason: Some(PayloadNote {
            id: Drawn::draw(draw),
            slot: Slot::Reason,
            commitment: [1; 32],
            ciphertext_digest: [2; 32],
            padded_bytes: 256,
            class: None,
            kept: Kept::Full,
            marks: None,
        }),
    }
}

fn act_body_of(act: &ActBody) -> Canon {
    encode_act(act).unwrap()
}

fn body_of(event: &Event) -> Canon {
    encode(event, &notes_for(event)).unwrap()
}

#[track_caller]
fn check(event: &Event) {
    let notes = notes_for(event);
    let body = encode(event, &notes).unwrap();
    assert_eq!(decode(event.kind(), &body).as_ref(), Ok(event));
    assert_eq!(super::notes(&body), Ok(notes));
}

proptest::proptest! {
    #[test]
    fn every_event_comes_back_as_it_went(
        kind in 0..DRAWN.len(),
        words in proptest::collection::vec(proptest::num::u64::ANY, 1..64),
    ) {
        let (name, make) = DRAWN[kind];
        let event = make(&mut Draw::from_words(words));
        assert_eq!(event.kind(), name);
        check(&event);
    }
}

#[test]
fn the_table_names_each_kind_as_core_does() {
    for (kind, _) in DRAWN {
        let event = plain(kind);
        assert_eq!(event.kind(), *kind);
        check(&event);
    }
    assert_eq!(DRAWN.len(), super::KINDS.len());
}

#[test]
fn an_unknown_kind_is_refused() {
    let body = body_of(&plain("run.recovered"));
    for kind in ["", "run", "run.Recovered", "run.recovered ", "run.recoverd"] {
        assert_eq!(decode(kind, &body), Err(CodecFault::UnknownKind), "{kind}");
    }
}
