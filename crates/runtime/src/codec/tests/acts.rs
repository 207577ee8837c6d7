//! Administrative acts: each comes back as it went, and any change of a body is refused.

use interlock_journal::{Canon, Text};

use super::{
    ActBody, CodecFault, DRAWN_ACTS, Draw, act_body_of, decode_act, drawn_act, encode_act,
    plain_act,
};
use crate::codec::{ACT_KINDS, KINDS};

#[track_caller]
fn check(body: &ActBody) {
    let canon = encode_act(body).unwrap();
    assert_eq!(decode_act(body.act.kind(), &canon).as_ref(), Ok(body));
}

proptest::proptest! {
    #[test]
    fn every_act_comes_back_as_it_went(
        kind in 0..DRAWN_ACTS.len(),
        words in proptest::collection::vec(proptest::num::u64::ANY, 1..64),
    ) {
        let (name, make) = DRAWN_ACTS[kind];
        let act = make(&mut Draw::from_words(words.clone()));
        assert_eq!(act.kind(), name);
        check(&drawn_act(act.clone(), &mut Draw::from_words(words)));
        check(&ActBody { act, by: None, reason: None });
    }
}

#[test]
fn no_kind_is_both_an_event_and_an_act() {
    assert_eq!(DRAWN_ACTS.len(), ACT_KINDS.len());
    for kind in ACT_KINDS {
        assert!(!KINDS.contains(kind), "{kind}");
    }
}

#[test]
fn a_member_too_many_or_too_few_is_refused() {
    for kind in ACT_KINDS {
        let body = act_body_of(&plain_act(kind));
        let Canon::Object(members) = &body else {
            unreachable!()
        };
        let mut more = members.clone();
        more.insert(Text::parse("zzz").unwrap(), Canon::Bool(true));
        assert!(decode_act(kind, &Canon::Object(more)).is_err(), "{kind}");
        for name in members.keys() {
            let mut fewer = members.clone();
            fewer.remove(name.as_str());
            // A member that may be left out reads as none; every other is missed.
            if let Ok(read) = decode_act(kind, &Canon::Object(fewer.clone())) {
                assert_eq!(act_body_of(&read), Canon::Object(fewer), "{kind} {name:?}");
            }
        }
    }
}

#[test]
fn an_unknown_kind_is_refused() {
    let body = act_body_of(&plain_act("log.pruned"));
    for kind in ["", "log", "log.Pruned", "log.pruned ", "run.ended"] {
        assert_eq!(decode_act(kind, &body), Err(CodecFault::UnknownKind), "{kind}");
    }
}
