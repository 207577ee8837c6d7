//! The shapes of what people in office send and are answered.

use interlock_core::limits::REASON_CHARS_MAX;
use serde_json::{Value, json};

use crate::limits::{DISCLOSED_MAX, SUBJECT_CHARS_MAX};
use crate::schema::{digest, id, list, object, reference, text};

/// Bodies.
pub(crate) fn bodies() -> Vec<(&'static str, Value)> {
    let reason = json!({"type": "string", "maxLength": REASON_CHARS_MAX, "description": "Why; sealed with the entry. Blank is none."});
    let subject = json!({"type": "string", "minLength": 1, "maxLength": SUBJECT_CHARS_MAX, "description": "A name as inputs give it, or `sub_…`."});
    let dry_run =
        json!({"type": "boolean", "description": "True: say what would be done and do nothing."});
    let needed = "Needed where `dry_run` is false.";
    let mut hold = object(
        &["reason"],
        json!({
            "subject": subject,
            "run": id("run"),
            "period": {"type": "string", "maxLength": 64, "description": "Class and month, as `default/2026-11`."},
            "reason": reason,
        }),
    );
    if let Some(members) = hold.as_object_mut() {
        let one =
            json!([{"required": ["subject"]}, {"required": ["run"]}, {"required": ["period"]}]);
        members.insert("oneOf".to_owned(), one);
    }
    vec![
        ("Reason", object(&["reason"], json!({ "reason": reason }))),
        (
            "Erasure",
            object(
                &["subject", "dry_run"],
                json!({
                    "subject": subject,
                    "dry_run": dry_run,
                    "order": {"type": "string", "maxLength": 256, "description": format!("Reference of the order, at most 256 bytes; kept as a keyed digest alone. {needed}")},
                    "reason": {"type": "string", "maxLength": REASON_CHARS_MAX, "description": needed},
                }),
            ),
        ),
        ("HoldRequest", hold),
        (
            "Expiry",
            object(
                &["dry_run"],
                json!({
                    "dry_run": dry_run,
                    "reason": {"type": "string", "maxLength": REASON_CHARS_MAX, "description": needed},
                }),
            ),
        ),
        (
            "Export",
            object(
                &["of", "reason", "payloads"],
                json!({
                    "of": of(&subject),
                    "reason": reason,
                    "payloads": {"type": "boolean", "description": "Whether ciphertexts go along."},
                    "disclose": {"type": "array", "items": id("pay"), "maxItems": DISCLOSED_MAX, "description": "Payloads to be opened for the receiver; it takes a role that may reveal."},
                }),
            ),
        ),
        (
            "WorldRequest",
            object(
                &["halted", "incident", "reason"],
                json!({
                    "halted": {"type": "boolean", "description": "Nothing acts."},
                    "incident": {"type": "boolean", "description": "Acts need an incident lead."},
                    "reason": reason,
                }),
            ),
        ),
    ]
}

/// What is exported.
fn of(subject: &Value) -> Value {
    let place = json!({"type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64});
    let kind = |kind: &str, mut required: Vec<&'static str>, mut members: Value| {
        required.push("kind");
        if let Some(members) = members.as_object_mut() {
            members.insert("kind".to_owned(), json!({ "const": kind }));
        }
        object(&required, members)
    };
    json!({"oneOf": [
        kind("log", vec![], json!({})),
        kind("range", vec!["from", "to"], json!({"from": place, "to": place})),
        kind("time", vec!["since", "until"], json!({"since": text(), "until": text()})),
        kind("run", vec!["run"], json!({"run": id("run")})),
        kind("subject", vec!["subject"], json!({"subject": subject})),
    ]})
}

/// Answers.
pub(crate) fn answers() -> Vec<(&'static str, Value)> {
    let mut all = erasing();
    all.extend(keeping());
    all.extend(ruling());
    all
}

fn maybe(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn erasing() -> Vec<(&'static str, Value)> {
    let count = json!({"type": "integer", "minimum": 0});
    let placed = object(
        &["index", "seq", "leaf", "time", "by", "receipt"],
        json!({
            "index": maybe("integer"), "seq": count, "leaf": digest(), "time": text(), "by": maybe("string"),
            "receipt": {"type": ["string", "null"], "description": "C2SP tlog-proof, once the entry is published."},
        }),
    );
    let preview = object(
        &[
            "subject",
            "payloads",
            "shared_with_others",
            "runs",
            "live_runs",
            "must_be_kept",
            "held_by",
            "resumes",
        ],
        json!({
            "subject": id("sub"), "payloads": count, "shared_with_others": count, "runs": count, "live_runs": count,
            "must_be_kept": list(object(
                &["class", "basis", "payloads"],
                json!({"class": text(), "basis": maybe("string"), "payloads": count}),
            )),
            "held_by": list(id("hold")), "resumes": maybe("string"),
        }),
    );
    let state = [
        "erasure",
        "subject",
        "order_digest",
        "status",
        "requested_at",
        "requested_by",
        "done_at",
    ];
    let members = json!({
        "erasure": id("era"), "subject": id("sub"), "order_digest": digest(),
        "status": {"enum": ["under_way", "done"]},
        "requested_at": text(), "requested_by": maybe("string"), "done_at": maybe("string"),
        "certificate": reference("Certificate"),
    });
    vec![
        (
            "Certificate",
            json!({
                "type": "object",
                "required": ["format", "erasure", "subject", "order_digest", "requested", "done", "keys", "payloads", "destroyed_at", "backups_dead_at", "remains"],
                "properties": {
                    "format": {"const": "interlock-erasure-certificate/1"},
                    "erasure": id("era"), "subject": id("sub"), "order": maybe("string"), "order_digest": digest(),
                    "requested": placed, "done": placed, "keys": count, "payloads": count, "within_minimum": count,
                    "destroyed_at": text(), "backups_dead_at": text(), "remains": list(text()),
                },
            }),
        ),
        ("ErasurePreview", preview),
        (
            "ErasureAnswer",
            json!({"oneOf": [reference("Certificate"), reference("ErasurePreview")]}),
        ),
        ("ErasureState", object(&state, members)),
        (
            "ErasureList",
            object(
                &["erasures"],
                json!({"erasures": list(reference("ErasureState"))}),
            ),
        ),
        (
            "UnderWay",
            object(
                &["under_way", "look"],
                json!({"under_way": {"const": true}, "look": {"type": "string", "description": "The path that shows how far it is."}}),
            ),
        ),
    ]
}

fn keeping() -> Vec<(&'static str, Value)> {
    let count = json!({"type": "integer", "minimum": 0});
    let class = object(
        &["name", "min_months", "max_months", "basis"],
        json!({"name": text(), "min_months": count, "max_months": maybe("integer"), "basis": text()}),
    );
    let period = object(
        &[
            "class",
            "month",
            "payloads",
            "full_months",
            "standing",
            "held_by",
        ],
        json!({
            "class": text(), "month": text(), "payloads": count, "full_months": count,
            "standing": {"enum": ["required", "kept", "held", "due", "expired", "unclaimed"]},
            "held_by": list(id("hold")),
        }),
    );
    let hold =
        json!({"hold": id("hold"), "subject": id("sub"), "run": id("run"), "period": text()});
    vec![
        ("Hold", object(&["hold"], hold)),
        (
            "HoldList",
            object(&["holds"], json!({"holds": list(reference("Hold"))})),
        ),
        (
            "Released",
            object(&["released"], json!({"released": id("hold")})),
        ),
        ("Period", period),
        (
            "PeriodList",
            object(&["periods"], json!({"periods": list(reference("Period"))})),
        ),
        (
            "Retention",
            object(
                &["classes", "periods"],
                json!({"classes": list(class), "periods": list(reference("Period"))}),
            ),
        ),
        (
            "Revealed",
            object(
                &["payload", "run", "slot", "kept", "content"],
                json!({
                    "payload": id("pay"), "run": id("run"), "slot": text(), "kept": {"enum": ["full", "masked"]},
                    "content": {"description": "What is kept of it."},
                }),
            ),
        ),
        (
            "MarkList",
            object(
                &["run", "payloads"],
                json!({
                    "run": id("run"),
                    "payloads": list(object(&["seq", "event", "payload", "slot", "kept", "readable", "marks", "left_out"], json!({
                        "seq": count, "event": text(), "payload": id("pay"), "slot": text(), "kept": text(),
                        "readable": {"type": "boolean"}, "left_out": count,
                        "marks": list(object(&["at", "cat"], json!({
                            "at": text(), "cat": list(text()), "tok": list(text()), "also": list(count),
                        }))),
                    }))),
                }),
            ),
        ),
    ]
}

fn ruling() -> Vec<(&'static str, Value)> {
    let count = json!({"type": "integer", "minimum": 0});
    let epoch = object(
        &["epoch", "made_at", "dead_at"],
        json!({"epoch": count, "made_at": maybe("string"), "dead_at": maybe("string")}),
    );
    let keys = object(
        &["provider", "epoch", "keys"],
        json!({"provider": text(), "epoch": count, "keys": count}),
    );
    let status = [
        "provider",
        "address",
        "healthy",
        "epoch",
        "epochs",
        "keys",
        "rotated_at",
        "unfinished",
    ];
    vec![
        (
            "KeyStatus",
            object(
                &status,
                json!({
                    "provider": text(), "address": text(), "healthy": {"type": "boolean"}, "epoch": maybe("integer"),
                    "epochs": list(epoch), "keys": list(keys), "rotated_at": maybe("string"),
                    "unfinished": {"type": "boolean", "description": "A rotation or erasure broke off: the next one finishes it."},
                }),
            ),
        ),
        (
            "Rotation",
            object(
                &["before", "after", "keys", "backups_dead_at"],
                json!({"before": count, "after": count, "keys": count, "backups_dead_at": maybe("string")}),
            ),
        ),
        (
            "World",
            object(
                &["halted", "incident"],
                json!({
                    "halted": {"type": "boolean"}, "incident": {"type": "boolean"}, "reason": text(),
                    "by": maybe("string"), "at": text(),
                }),
            ),
        ),
        (
            "ExportFile",
            json!({"type": "string", "contentEncoding": "binary", "description": "A tar (docs/journal-format.md, section 12). `Interlock-Manifest` is the digest of its manifest, as the entry has it."}),
        ),
    ]
}
