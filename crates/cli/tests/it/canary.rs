//! The canary run: markers are typed into every place where somebody gives text, and then looked for, byte by byte and
//! in every form, in all that is stored, exported, streamed, logged and measured.

use std::collections::BTreeSet;

use remains::{Kept, Remains, dictionary};
use town::{Town, copy, files};

mod http;
mod markers;
mod remains;
mod town;
mod traffic;

/// Where a marker may stand in clear, and why. Whatever else is found is a leak.
const ALLOWED: [(&str, &str, &str); 2] = [
    (
        "user name",
        "interlock.toml",
        "the operator wrote it there: names of people of this machine and their roles are configuration",
    ),
    (
        "unknown member",
        "answer to an unknown member",
        "the answer tells the caller which member of their own request this API does not know; it is kept nowhere",
    ),
];

/// Searches parts for all markers; what is not allowed is told.
fn leaks(town: &Town, parts: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let needles = town.markers.needles();
    let mut leaks = BTreeSet::new();
    for (part, bytes) in parts {
        for found in needles
            .found(bytes)
            .into_iter()
            .chain(needles.found(part.as_bytes()))
        {
            let allowed = ALLOWED
                .iter()
                .any(|(marker, place, _)| found.starts_with(marker) && part.ends_with(place));
            if !allowed {
                leaks.insert(format!("{found} in {part}"));
            }
        }
    }
    leaks
}

#[test]
fn attack_38_no_marker_is_in_clear_anywhere_while_those_who_may_are_shown_it() {
    let mut town = Town::new();
    let served = traffic::all(&mut town);
    traffic::positive(&mut town);
    let mut parts = town.data();
    assert!(parts.iter().any(|(path, _)| path.ends_with("interlock.db")));
    parts.append(&mut town.heard.clone());
    parts.extend(served);
    let out = town.place.home().join("out");
    parts.extend(files(&out));
    assert_eq!(leaks(&town, &parts), BTreeSet::new());
    // The same search finds what is planted in the store's own way.
    let text = town.mark("reply summary");
    let (path, bytes) = parts
        .iter()
        .find(|(path, _)| path.ends_with("interlock.db"))
        .unwrap();
    let planted = [
        &bytes[..bytes.len() / 2],
        text.as_bytes(),
        &bytes[bytes.len() / 2..],
    ]
    .concat();
    assert_eq!(leaks(&town, &[(path.clone(), planted)]).len(), 1);
}

#[test]
fn attack_37_after_an_erasure_no_file_with_all_keys_yields_or_confirms_what_was_about_the_person() {
    let mut town = Town::with_ledger();
    traffic::people(&mut town);
    traffic::by_hand(&mut town);
    let input = town.input("subject", "note of the run that waits");
    let key = town.mark("idempotency key of the run that waits");
    town.start(&input, &key);
    town.quiet(&["audit", "search", "--rebuild"], 0);
    let data = town.place.data();
    let before = Remains::of(&data, &data);
    let ledger = std::fs::read(data.join("ledgers/submissions.jsonl")).unwrap();
    let ledger = ("what the tool wrote".to_owned(), ledger);
    assert_eq!(leaks(&town, &[ledger]), BTreeSet::new());
    let name = town.name_of("subject");
    let guesses = guesses(&before, &name, &town.name_of("other subject"));
    // With her key every kind of guess is confirmed, and all opens: the search works.
    let confirmed = before.confirmed(&guesses, &Kept::of(&town.data()));
    for kind in [
        "commitment: subject.",
        "token: subject.",
        "index: index.subject.",
    ] {
        assert!(
            confirmed.iter().any(|one| one.starts_with(kind)),
            "{kind} is not in {confirmed:?}"
        );
    }
    assert!(
        before
            .payloads
            .iter()
            .all(|payload| payload.content.is_some() && payload.marks_open)
    );
    let backup = town.place.home().join("backup");
    copy(&data, &backup);

    let (order, reason) = (town.mark("order"), town.mark("reason of the erasure"));
    let erase = [
        "audit",
        "erase",
        "--subject",
        &name,
        "--order",
        &order,
        "--reason",
        &reason,
        "--yes",
    ];
    town.shows(&erase, 0, &["order"]);
    let out = town.place.home().join("after.tar");
    let export = [
        "audit",
        "export",
        "--out",
        out.to_str().unwrap(),
        "--reason",
        &reason,
    ];
    town.quiet(&export, 0);

    // All that opens now, here and in a backup under the key file of now.
    let after = Remains::of(&data, &data);
    let old = Remains::of(&backup, &data);
    assert!(
        old.payloads
            .iter()
            .all(|payload| payload.content.is_none() && !payload.marks_open)
    );
    assert_eq!(
        (old.keys.len(), old.records.len()),
        (1, 0),
        "only the epoch's own"
    );
    for (one, was) in after.payloads.iter().zip(&before.payloads) {
        let about = was.about(&name, &before);
        // What did not fit is told by places and expectations alone, and is about nobody.
        let gone = about && was.slot != "problems";
        assert_eq!(
            (one.content.is_none(), one.marks_open),
            (gone, !gone),
            "{} {}",
            was.run,
            was.slot
        );
    }
    let left = after
        .contents()
        .chain(after.records.iter().map(Vec::as_slice));
    let left = left.collect::<Vec<_>>().join(&b' ');
    let found = town.markers.needles().found(&left);
    let allowed = [
        "other subject (raw)",
        "other note (raw)",
        "reply about ben (raw)",
        "evidence (raw)",
    ];
    let allowed = allowed.into_iter().chain([
        "reason of the erasure (raw)",
        "service account (raw)",
        "user name (raw)",
    ]);
    assert_eq!(
        found,
        allowed.map(str::to_owned).collect(),
        "what is about Ben, and who acted"
    );

    // Guesses, with all the keys that are left, against all files that are left, and those of the backup.
    let mut kept = town.data();
    kept.extend(files(&backup));
    kept.push(("export".to_owned(), std::fs::read(out).unwrap()));
    assert_eq!(after.confirmed(&guesses, &Kept::of(&kept)), BTreeSet::new());
    let parts: Vec<_> = kept.into_iter().chain(town.heard.clone()).collect();
    assert_eq!(leaks(&town, &parts), BTreeSet::new());
}

/// The true contents of all that is about a person, each text in them, and her name; nothing that is about another too.
fn guesses(before: &Remains, name: &str, other: &str) -> BTreeSet<Vec<u8>> {
    let contents = |name: &str| {
        let about = before
            .payloads
            .iter()
            .filter(|payload| payload.about(name, before) && payload.slot != "problems");
        about
            .filter_map(|payload| payload.content.as_deref())
            .collect::<Vec<_>>()
    };
    let of_others = dictionary(contents(other).into_iter(), &[]);
    let mut guesses = dictionary(contents(name).into_iter(), &[name.to_owned()]);
    guesses.retain(|guess| !of_others.contains(guess));
    assert!(guesses.len() > 40, "{}", guesses.len());
    guesses
}
