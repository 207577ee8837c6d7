//! The sections as typed: what is taken, and what is refused with its line.

use super::super::Config;
use super::*;

const WITNESS: &str = "[[anchor]]\nname = \"w1\"\nkind = \"witness\"\nurl = \"https://w.example.org/p/\"\nkey = \"KEY\"\n";
const S3: &str = "[[anchor]]\nname = \"b\"\nkind = \"s3\"\nurl = \"https://s3.example.org\"\nbucket = \"audit\"\nprefix = \"a/b\"\nregion = \"eu\"\naccess_key_id = \"AK\"\nsecret = \"secret://b\"\nretain_days = 30\n";
const TSA: &str =
    "[[anchor]]\nname = \"t\"\nkind = \"timestamp\"\nurl = \"https://t.example.org/tsr\"\n";

fn key(seed: u8, name: &str, kind: KeyKind) -> String {
    let key = crate::log::SigningKey::from_seed(&[seed; 32]).unwrap();
    VerifierKey::new(name, kind, *key.public())
        .unwrap()
        .to_string()
}

fn read(sections: &str) -> Result<AnchorsConfig, ConfigFault> {
    let sections = sections.replace("KEY", &key(1, "w.example.org", KeyKind::Cosignature));
    let text = format!("environment = \"test\"\n{sections}\n");
    Config::parse(&text, "interlock.toml").map(|config| config.anchors)
}

fn check(sections: &str, message: &str) {
    let fault = read(sections).unwrap_err();
    assert!(fault.message.contains(message), "{sections}: {fault}");
    assert!(
        fault.line > 1 && !fault.hint.is_empty(),
        "{sections}: {fault}"
    );
}

#[test]
fn what_is_not_said_has_its_default() {
    assert_eq!(read("").unwrap(), AnchorsConfig::default());
    let read = read(&[WITNESS, S3, TSA].concat()).unwrap();
    assert_eq!(read.witnesses_needed, 1);
    let shown: Vec<_> = read
        .anchors
        .iter()
        .map(|a| {
            (
                a.name.as_str(),
                a.kind.as_str(),
                a.interval_seconds,
                a.overdue_seconds,
                a.required,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("w1", "witness", 60, 180, false),
            ("b", "s3", 3600, 10_800, false),
            ("t", "timestamp", 3600, 10_800, false)
        ]
    );
    assert_eq!(
        read.anchors[0].url, "https://w.example.org/p",
        "no slash at its end"
    );
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let with = |section: &str, line: &str| format!("{section}{line}\n");
    check(&[TSA, TSA].concat(), "is there twice");
    check(
        &WITNESS.replace("KEY", "w+00000000+AAAA"),
        "key cannot be read",
    );
    let log = key(1, "w.example.org", KeyKind::Ed25519);
    check(&WITNESS.replace("KEY", &log), "key cannot be read");
    let second = WITNESS.replace("w1", "w2");
    check(&[WITNESS, &second].concat(), "key of another witness");
    let renamed = key(1, "other.example.org", KeyKind::Cosignature);
    check(
        &[WITNESS, &second.replace("KEY", &renamed)].concat(),
        "key of another witness",
    );
    check(
        &with(TSA, "retain_days = 30"),
        "which its kind does not take",
    );
    check(&with(TSA, "key = \"x\""), "which its kind does not take");
    check(&S3.replace("retain_days = 30", ""), "has no `retain_days`");
    check(
        &S3.replace("retain_days = 30", "retain_days = 0"),
        "out of bounds",
    );
    check(
        &S3.replace("secret://b", "wJalrXUtnFEMI"),
        "a secret is not a reference",
    );
    for prefix in ["", "/a", "a//b", "a/../b", "a b"] {
        check(&S3.replace("\"a/b\"", &format!("\"{prefix}\"")), "prefix");
    }
    check(
        &TSA.replace("timestamp", "notary"),
        "kind `notary` is not known",
    );
    check(&TSA.replace("https", "http"), "no TLS");
    for url in [
        "t.example.org",
        "ftp://t",
        "https://u:p@t",
        "https://t/?a=1",
        "https://t/#x",
    ] {
        check(&TSA.replace("https://t.example.org/tsr", url), "url");
    }
    for name in ["", "T", "-t", "a b", "a.b"] {
        check(&TSA.replace("\"t\"", &format!("\"{name}\"")), "anchor name");
    }
    check(&with(TSA, "interval_seconds = 0"), "out of bounds");
    check(&with(TSA, "overdue_seconds = 60"), "out of bounds");
    check(&with(TSA, "colour = 1"), "unknown field");
    check(
        &with(WITNESS, "[witnesses]\nneeded = 2"),
        "1 witnesses are configured",
    );
    check(
        &with(WITNESS, "[witnesses]\nneeded = 0"),
        "`needed` is out of bounds",
    );
}
