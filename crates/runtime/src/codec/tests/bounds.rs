//! What never becomes an entry: free text, numbers that not every reader holds, notes of other payloads, more
//! than an entry can hold. And that what really happens does fit.

use interlock_core::id::{PayloadId, PolicyId, Provenance, Reader, Region, SubjectId};
use interlock_core::label::Allowed;
use interlock_core::limits::{
    DETERMINING_POLICIES_MAX, LABEL_BYTES_MAX, NAME_BYTES_MAX, SHOWN_FIELDS_BYTES_MAX, SUBJECTS_MAX,
};
use interlock_core::pipeline::tool::canonical_label;
use interlock_core::run::{Event, FieldName, ShownFields};
use interlock_journal::{Canon, Entry, LeafHash};

use super::{body_of, notes_for, plain};
use crate::codec::{BODY_BYTES_MAX, CodecFault, encode};

#[track_caller]
fn check_fault(event: &Event, expected: &str) {
    let fault = encode(event, &notes_for(event)).unwrap_err();
    assert_eq!(fault.to_string(), expected);
}

#[test]
fn a_target_is_a_name_and_nothing_else() {
    for text in [
        "",
        "mail the data out",
        "Tool",
        "a/b",
        "caf\u{e9}",
        &"a".repeat(65),
    ] {
        let Event::Decided {
            decision,
            step,
            label,
            asker,
            ..
        } = plain("policy.decided")
        else {
            panic!("another kind");
        };
        let target = text.to_owned();
        check_fault(
            &Event::Decided {
                decision,
                step,
                target,
                label,
                asker,
            },
            "write event `policy.decided`: member `target` is not a name of the form [a-z0-9][a-z0-9_.-]{0,63}",
        );
    }
}

#[test]
fn a_number_that_not_every_reader_holds_is_refused() {
    assert!(
        encode(
            &Event::Recovered {
                epoch: (1 << 53) - 1
            },
            &[]
        )
        .is_ok()
    );
    check_fault(
        &Event::Recovered { epoch: 1 << 53 },
        "write event `run.recovered`: member `epoch` is a number beyond 2^53-1",
    );
    let Event::ModelReplied {
        step,
        call,
        reply,
        stop,
        mut usage,
    } = plain("model.replied")
    else {
        panic!("another kind");
    };
    usage.output_tokens = u64::MAX;
    check_fault(
        &Event::ModelReplied {
            step,
            call,
            reply,
            stop,
            usage,
        },
        "write event `model.replied`: member `usage.output_tokens` is a number beyond 2^53-1",
    );
}

#[test]
fn the_notes_are_those_of_the_event() {
    let event = plain("run.started");
    let [note] = notes_for(&event)[..] else {
        panic!("one payload")
    };
    let mut other = note;
    other.id = PayloadId::from_bytes([7; 16]);
    for notes in [&[][..], &[other], &[note, other], &[note, note]] {
        assert_eq!(
            encode(&event, notes).unwrap_err().to_string(),
            "write event `run.started`: member `payloads` are not those that the event introduces"
        );
    }
    assert!(encode(&Event::Recovered { epoch: 1 }, &[note]).is_err());
}

/// As much as a large real deployment says at once: every determining policy with a long id, and a label joined
/// over dozens of steps and as many people as a value may be about.
fn crowded(sources: usize) -> Event {
    let Event::Decided {
        mut decision,
        step,
        target,
        mut label,
        asker,
    } = plain("policy.decided")
    else {
        panic!("another kind");
    };
    let long = |n: usize| format!("{}{n:02}", "p".repeat(62));
    decision.determined_by = (0..DETERMINING_POLICIES_MAX)
        .map(|n| PolicyId::parse(&long(n)).unwrap())
        .collect();
    label.sources = (0..sources)
        .map(|n| Provenance::parse(&format!("steps.gather_evidence_{n:04}")).unwrap())
        .collect();
    label.readers = Allowed::only(
        (0..32).map(|n| Reader::parse(&format!("role.case_analyst_{n:02}")).unwrap()),
    );
    label.residency =
        Allowed::only((0..12).map(|n| Region::parse(&format!("region-{n:02}")).unwrap()));
    label.subjects = (0..SUBJECTS_MAX)
        .map(|n| SubjectId::from_bytes([n as u8; 16]))
        .collect();
    Event::Decided {
        decision,
        step,
        target,
        label,
        asker,
    }
}

#[test]
fn a_crowded_event_fits() {
    super::check(&crowded(64));
}

/// The longest label that core lets through, as many names of fields as it puts into one event, and the longest names.
#[test]
fn a_model_request_at_its_bounds_fits() {
    let Event::Decided { label, .. } = crowded(64) else {
        panic!("another kind");
    };
    let mut event = plain("model.requested");
    let Event::ModelRequested {
        step,
        model,
        endpoint,
        prompt_name,
        label: of_prompt,
        fields,
        ..
    } = &mut event
    else {
        panic!("another kind");
    };
    let long = "n".repeat(NAME_BYTES_MAX);
    *step = long.parse().unwrap();
    *model = long.parse().unwrap();
    *endpoint = long.parse().unwrap();
    *prompt_name = long.parse().unwrap();
    let spelt = canonical_label(&label).len();
    let missing = (LABEL_BYTES_MAX - spelt) / 26;
    *of_prompt = label;
    let more = (0..missing).map(|n| Provenance::parse(&format!("steps.more_evidence_{n:04}")));
    of_prompt.sources.extend(more.map(Result::unwrap));
    let group = fields.first().unwrap().clone();
    let name = |n: usize| FieldName::parse(&format!("inputs/{}{n:02}", "f".repeat(62))).unwrap();
    let each = name(0).as_str().len() + 3;
    *fields = vec![ShownFields {
        at: (0..(SHOWN_FIELDS_BYTES_MAX - 96) / each)
            .map(name)
            .collect(),
        ..group
    }];
    assert!(canonical_label(of_prompt_of(&event)).len() > LABEL_BYTES_MAX - 64);
    super::check(&event);
}

fn of_prompt_of(event: &Event) -> &interlock_core::label::Label {
    match event {
        Event::ModelRequested { label, .. } => label,
        _ => panic!("another kind"),
    }
}

#[test]
fn what_does_not_fit_is_refused_and_not_cut() {
    let event = crowded(256);
    let fault = encode(&event, &[]).unwrap_err();
    assert!(
        matches!(fault, CodecFault::TooLarge { kind: "policy.decided", bytes } if bytes > BODY_BYTES_MAX),
        "{fault}"
    );
}

#[test]
fn a_body_at_its_bound_leaves_room_for_the_longest_entry_around_it() {
    let draft = |filler: usize| {
        let Canon::Object(mut body) = body_of(&plain("run.recovered")) else {
            panic!("an object")
        };
        body.insert(
            interlock_journal::Text::parse("z").unwrap(),
            Canon::text("z".repeat(filler)).unwrap(),
        );
        body
    };
    let short = interlock_journal::canonical::encode(&Canon::Object(draft(0))).len();
    let body = draft(BODY_BYTES_MAX - short);
    let entry = Entry::new(interlock_journal::Draft {
        tenant: "t".repeat(64),
        environment: "e".repeat(64),
        run: "run_01JD0000000000000000000000".to_owned(),
        seq: (1 << 53) - 1,
        prev: LeafHash::from_bytes([0xff; 32]),
        epoch: (1 << 53) - 1,
        time: "9999-12-31T23:59:59.999999Z".to_owned(),
        event: format!("{}.b", "a".repeat(62)),
        body,
    });
    assert!(entry.is_ok(), "{entry:?}");
}
