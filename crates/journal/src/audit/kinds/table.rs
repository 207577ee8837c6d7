//! One row for each kind of event, in rising order, and the objects that several of them share.
//! Members rise by name. `docs/entries.md` says what each means; here is only what a reader has to refuse.

use super::forms::{Form, Member};
use crate::audit::scan::Key;

const fn must(name: &'static str, form: Form) -> Member {
    Member {
        key: Key::of(name),
        name,
        required: true,
        form,
    }
}

const fn may(name: &'static str, form: Form) -> Member {
    Member {
        key: Key::of(name),
        name,
        required: false,
        form,
    }
}

const NAMES: Form = Form::List(&Form::Name);
const LABEL: Form = Form::Members(&[
    must("about", Form::List(&Form::Id("sub"))),
    must("cats", NAMES),
    must(
        "conf",
        Form::Word(&["public", "internal", "confidential", "restricted"]),
    ),
    must("from", NAMES),
    must("int", Form::Word(&["trusted", "untrusted"])),
    must("readers", Form::AnyOrNames),
    must("regions", Form::AnyOrNames),
]);
const PAYLOADS: Form = Form::Notes(NOTE);
const NOTE: &[Member] = &[
    may("class", Form::Name),
    must("commit", Form::Digest),
    must("ct", Form::Digest),
    must("id", Form::Id("pay")),
    may("kept", Form::Word(&["masked", "digest"])),
    may("marks", Form::Digest),
    must("padded", Form::Number),
    must("slot", Form::Name),
];
const THRESHOLDS: Form = Form::List(&Form::Members(&[
    must("count", Form::Number),
    must("role", Form::Name),
]));
const SHOWN_FIELDS: Form = Form::List(&Form::Members(&[
    must("at", Form::List(&Form::Line)),
    must("cats", Form::List(&Form::Name)),
    must(
        "conf",
        Form::Word(&["public", "internal", "confidential", "restricted"]),
    ),
    must("int", Form::Word(&["trusted", "untrusted"])),
    must("withheld", Form::Bool),
]));
const SHOWN_AS: Form = Form::Word(&["review", "inbox", "output", "problems", "reveal"]);
const DOWNGRADES: Form = Form::List(&Form::Word(&["redact", "strip"]));
const RISK: Form = Form::Word(&["low", "medium", "high", "critical"]);
const OUTCOME: Form = Form::Word(&[
    "completed",
    "degraded",
    "denied",
    "rejected",
    "failed",
    "cancelled",
]);
const SETTLED: Form = Form::Word(&["approved", "rejected", "expired", "voided"]);
const FAULT: Form = Form::Word(&[
    "unavailable",
    "timeout",
    "rejected",
    "credential",
    "malformed",
    "egress",
    "configuration",
    "withdrawn",
]);
const CAUSE: Form = Form::Word(&["invalid", "unavailable", "denied", "timeout", "uncertain"]);
const STOP: Form = Form::Word(&["end", "length", "refusal", "other"]);
const REJECTION: Form = Form::Word(&[
    "not_json",
    "cut",
    "bounds",
    "schema",
    "quotes",
    "abstained",
    "refused",
]);
const KNOWN: Form = Form::Word(&["not_performed", "unknown"]);
const INBOX_VERDICT: Form = Form::Word(&[
    "completed",
    "retry",
    "cancelled",
    "happened",
    "did_not_happen",
]);
const EXPORT: Form = Form::Word(&["log", "range", "run", "subject"]);
const REQUESTER: Form = Form::Members(&[
    may("act_for", Form::Id("prn")),
    must("id", Form::Id("prn")),
    must("kind", Form::Word(&["person", "service"])),
    must("roles", NAMES),
]);
const VERDICT: Form = Form::Members(&[
    must(
        "answer",
        Form::Word(&["allow", "downgrade", "review", "deny"]),
    ),
    may("approvals", THRESHOLDS),
    may("downgrades", DOWNGRADES),
    may(
        "reason",
        Form::Word(&["no_permit", "forbidden", "policy_error", "no_remedy_helps"]),
    ),
    may("step_up", Form::Bool),
]);
const DECISION: Form = Form::Members(&[
    must(
        "action",
        Form::Word(&[
            "start_run",
            "read_source",
            "call_model",
            "call_tool",
            "authorise_standing",
            "release",
            "review",
            "endorse",
            "declassify",
            "administer",
        ]),
    ),
    must("determined_by", NAMES),
    must("id", Form::Id("dec")),
    must("verdict", VERDICT),
    must("version", Form::Digest),
]);
const GRANT: Form = Form::Members(&[
    must("act", Form::Id("act")),
    must("attempt", Form::Number),
    must("digest", Form::Digest),
    must("expires_at", Form::Instant),
    must("id", Form::Id("grant")),
]);
const REVIEW: Form = Form::Members(&[
    must(
        "approvals",
        Form::List(&Form::Members(&[
            must("by", Form::Id("prn")),
            must("roles", NAMES),
        ])),
    ),
    must("content", Form::Id("pay")),
    must("digest", Form::Digest),
    must("downgrades", DOWNGRADES),
    must("expires_at", Form::Instant),
    must("id", Form::Id("rev")),
    must("label", LABEL),
    must("next", Form::Next),
    may("node", Form::Number),
    may("step", Form::Name),
    must(
        "subject",
        Form::Members(&[
            may("act", Form::Id("act")),
            must("of", Form::Word(&["act", "output", "shown", "release"])),
        ]),
    ),
    must("thresholds", THRESHOLDS),
]);
const SHOWN: Form = Form::Members(&[must("shown", Form::Number), must("withheld", Form::Number)]);
const USAGE: Form = Form::Members(&[
    must("cached_tokens", Form::Number),
    may("cost_micros", Form::Number),
    must("input_tokens", Form::Number),
    must("output_tokens", Form::Number),
]);
const TRIED: Form = Form::Members(&[
    must("how", Form::Word(&["repair", "retry", "model"])),
    may("model", Form::Name),
]);
const INBOX: Form = Form::Members(&[
    may("cause", CAUSE),
    must(
        "what",
        Form::Word(&["manual", "release", "payload_gone", "in_doubt"]),
    ),
]);
const SCOPE: Form = Form::Members(&[
    may("class", Form::Name),
    may("month", Form::Line),
    must("on", Form::Word(&["subject", "run", "period"])),
    may("run", Form::Id("run")),
    may("subject", Form::Id("sub")),
]);
/// Every kind, in rising order, with its members.
pub const KINDS: &[(&str, &[Member])] = &[
    (
        "act.failed",
        &[
            must("act", Form::Id("act")),
            must("fault", FAULT),
            must("grant", Form::Id("grant")),
            must("known", KNOWN),
            must("step", Form::Name),
        ],
    ),
    (
        "act.finished",
        &[
            must("act", Form::Id("act")),
            must("grant", Form::Id("grant")),
            must("label", LABEL),
            must("next", Form::Next),
            must("output", Form::Id("pay")),
            must("payloads", PAYLOADS),
            must("schema", Form::Name),
            must("step", Form::Name),
        ],
    ),
    (
        "act.proposed",
        &[
            must("act", Form::Id("act")),
            must("content", Form::Id("pay")),
            must("digest", Form::Digest),
            must("label", LABEL),
            must("node", Form::Number),
            must("payloads", PAYLOADS),
            must("standing", Form::Bool),
            must("step", Form::Name),
            must("tool", Form::Name),
        ],
    ),
    (
        "act.retried",
        &[
            must("act", Form::Id("act")),
            must("cause", CAUSE),
            must("step", Form::Name),
        ],
    ),
    (
        "act.started",
        &[
            must("epoch", Form::Number),
            must("grant", GRANT),
            must("node", Form::Number),
            must("step", Form::Name),
        ],
    ),
    (
        "anchor.overdue",
        &[
            must("age_seconds", Form::Number),
            must("anchor", Form::Name),
            may("by", Form::Id("prn")),
            may("payloads", PAYLOADS),
            must("size", Form::Number),
        ],
    ),
    (
        "anchor.recovered",
        &[
            must("anchor", Form::Name),
            may("by", Form::Id("prn")),
            may("payloads", PAYLOADS),
            must("size", Form::Number),
        ],
    ),
    (
        "api_key.created",
        &[
            may("by", Form::Id("prn")),
            may("expires_at", Form::Instant),
            must("key", Form::Id("key")),
            may("payloads", PAYLOADS),
            must("principal", Form::Id("prn")),
        ],
    ),
    (
        "api_key.revoked",
        &[
            may("by", Form::Id("prn")),
            must("key", Form::Id("key")),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "branch.taken",
        &[
            may("arm", Form::Number),
            must("next", Form::Next),
            must("step", Form::Name),
        ],
    ),
    (
        "bundle.deployed",
        &[
            may("by", Form::Id("prn")),
            must("name", Form::Name),
            may("payloads", PAYLOADS),
            must("version", Form::Digest),
        ],
    ),
    (
        "call.failed",
        &[
            may("call", Form::Id("call")),
            must("fault", FAULT),
            must("step", Form::Name),
        ],
    ),
    (
        "erasure.done",
        &[
            must("affected", Form::Number),
            must("backups_dead_at", Form::Instant),
            may("by", Form::Id("prn")),
            must("destroyed_at", Form::Instant),
            must("epoch_after", Form::Number),
            must("epoch_before", Form::Number),
            must("erasure", Form::Id("era")),
            must("keys", Form::Number),
            must("order", Form::Digest),
            may("payloads", PAYLOADS),
            must("runs", Form::Number),
            must("shared", Form::Number),
            must("subject", Form::Id("sub")),
        ],
    ),
    (
        "erasure.requested",
        &[
            must("affected", Form::Number),
            may("by", Form::Id("prn")),
            must("erasure", Form::Id("era")),
            may("minimum", Form::Number),
            must("order", Form::Digest),
            may("payloads", PAYLOADS),
            must("runs", Form::Number),
            must("subject", Form::Id("sub")),
        ],
    ),
    (
        "export.created",
        &[
            may("by", Form::Id("prn")),
            may("from", Form::Number),
            must("kind", EXPORT),
            must("manifest", Form::Digest),
            may("payloads", PAYLOADS),
            may("run", Form::Id("run")),
            may("subject", Form::Id("sub")),
            may("to", Form::Number),
        ],
    ),
    (
        "fallback.taken",
        &[
            must("cause", CAUSE),
            must("node", Form::Number),
            must("step", Form::Name),
            must("tried", TRIED),
        ],
    ),
    (
        "guard.adopted",
        &[
            may("by", Form::Id("prn")),
            may("payloads", PAYLOADS),
            must("root", Form::Digest),
            must("size", Form::Number),
        ],
    ),
    (
        "hold.placed",
        &[
            may("by", Form::Id("prn")),
            must("hold", Form::Id("hold")),
            may("payloads", PAYLOADS),
            must("scope", SCOPE),
        ],
    ),
    (
        "hold.released",
        &[
            may("by", Form::Id("prn")),
            must("hold", Form::Id("hold")),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "inbox.opened",
        &[
            may("act", Form::Id("act")),
            must("item", Form::Id("inb")),
            must("kind", INBOX),
            may("node", Form::Number),
            may("step", Form::Name),
        ],
    ),
    (
        "inbox.settled",
        &[
            must("by", Form::Id("prn")),
            must("item", Form::Id("inb")),
            must("verdict", INBOX_VERDICT),
        ],
    ),
    (
        "intake.rejected",
        &[
            must("payloads", PAYLOADS),
            must("problems", Form::Id("pay")),
            may("step", Form::Name),
            must("violations", Form::Number),
        ],
    ),
    (
        "key.epoch_rotated",
        &[
            must("after", Form::Number),
            must("before", Form::Number),
            may("by", Form::Id("prn")),
            must("cause", Form::Name),
            must("keys", Form::Number),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "log.key_rotated",
        &[
            must("after", Form::Digest),
            must("before", Form::Digest),
            may("by", Form::Id("prn")),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "log.opened",
        &[
            may("by", Form::Id("prn")),
            must("key", Form::Digest),
            must("origin", Form::Line),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "log.pruned",
        &[
            may("by", Form::Id("prn")),
            must("minimum", Form::Number),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "model.replied",
        &[
            must("call", Form::Id("call")),
            must("payloads", PAYLOADS),
            must("reply", Form::Id("pay")),
            must("step", Form::Name),
            must("stop", STOP),
            must("usage", USAGE),
        ],
    ),
    (
        "model.requested",
        &[
            must("attempt", Form::Number),
            must("call", Form::Id("call")),
            must("downgrades", DOWNGRADES),
            must("endpoint", Form::Name),
            must("fields", SHOWN_FIELDS),
            must("fields_left_out", Form::Number),
            must("label", LABEL),
            must("model", Form::Name),
            must("node", Form::Number),
            must("payloads", PAYLOADS),
            must("prompt", Form::Id("pay")),
            must("prompt_name", Form::Name),
            must("prompt_version", Form::Digest),
            must("shown", SHOWN),
            must("step", Form::Name),
        ],
    ),
    (
        "output.accepted",
        &[
            must("label", LABEL),
            must("next", Form::Next),
            must("output", Form::Id("pay")),
            must("payloads", PAYLOADS),
            must("schema", Form::Name),
            must("step", Form::Name),
        ],
    ),
    (
        "output.rejected",
        &[
            must("call", Form::Id("call")),
            must("payloads", PAYLOADS),
            must("problems", Form::Id("pay")),
            must("reason", REJECTION),
            must("step", Form::Name),
            must("violations", Form::Number),
        ],
    ),
    (
        "output.released",
        &[
            must("label", LABEL),
            must("output", Form::Id("pay")),
            must("payloads", PAYLOADS),
        ],
    ),
    (
        "payload.read",
        &[
            may("by", Form::Id("prn")),
            may("payloads", PAYLOADS),
            must("read", Form::List(&Form::Id("pay"))),
            must("run", Form::Id("run")),
            must("shown", SHOWN_AS),
        ],
    ),
    (
        "policy.adopted",
        &[
            must("bundle", Form::Digest),
            may("by", Form::Id("prn")),
            must("name", Form::Name),
            may("payloads", PAYLOADS),
            must("version", Form::Digest),
        ],
    ),
    (
        "policy.decided",
        &[
            may("asker", Form::Id("prn")),
            must("decision", DECISION),
            must("label", LABEL),
            may("step", Form::Name),
            must("target", Form::Name),
        ],
    ),
    (
        "retention.expired",
        &[
            may("by", Form::Id("prn")),
            must("class", Form::Name),
            must("destroyed_at", Form::Instant),
            must("epoch_after", Form::Number),
            must("epoch_before", Form::Number),
            must("keys", Form::Number),
            must("month", Form::Line),
            may("payloads", PAYLOADS),
        ],
    ),
    (
        "review.passed",
        &[must("next", Form::Next), must("step", Form::Name)],
    ),
    (
        "review.requested",
        &[
            must("asked_by", NAMES),
            may("content", Form::Id("pay")),
            may("payloads", PAYLOADS),
            must("review", REVIEW),
        ],
    ),
    (
        "review.settled",
        &[must("outcome", SETTLED), must("review", Form::Id("rev"))],
    ),
    (
        "review.voted",
        &[
            must("approve", Form::Bool),
            must("digest", Form::Digest),
            may("payloads", PAYLOADS),
            may("reason", Form::Id("pay")),
            must("review", Form::Id("rev")),
            must("roles", NAMES),
            must("voter", Form::Id("prn")),
        ],
    ),
    (
        "run.ended",
        &[may("by", Form::Id("prn")), must("outcome", OUTCOME)],
    ),
    ("run.recovered", &[must("epoch", Form::Number)]),
    (
        "run.requested",
        &[
            must("at", Form::Instant),
            must("bundle", Form::Name),
            must("method", Form::Name),
            must("requester", REQUESTER),
            must("risk", RISK),
            must("version", Form::Digest),
            must("workflow", Form::Name),
        ],
    ),
    (
        "run.started",
        &[
            must("input", Form::Id("pay")),
            must("label", LABEL),
            must("next", Form::Next),
            must("payloads", PAYLOADS),
        ],
    ),
    (
        "source.accepted",
        &[
            must("call", Form::Id("call")),
            must("label", LABEL),
            must("next", Form::Next),
            must("output", Form::Id("pay")),
            must("payloads", PAYLOADS),
            must("schema", Form::Name),
            must("step", Form::Name),
        ],
    ),
    (
        "source.requested",
        &[
            must("call", Form::Id("call")),
            must("label", LABEL),
            must("node", Form::Number),
            must("payloads", PAYLOADS),
            must("query", Form::Id("pay")),
            must("source", Form::Name),
            must("step", Form::Name),
        ],
    ),
    (
        "step.degraded",
        &[
            must("label", LABEL),
            must("next", Form::Next),
            must("output", Form::Id("pay")),
            must("payloads", PAYLOADS),
            must("step", Form::Name),
        ],
    ),
    (
        "value.endorsed",
        &[
            must("decision", Form::Id("dec")),
            must("fields", Form::Number),
            must("record", Form::Id("pay")),
            must("register", Form::Name),
            must("step", Form::Name),
        ],
    ),
    (
        "world.set",
        &[
            may("by", Form::Id("prn")),
            must("halted", Form::Bool),
            must("incident", Form::Bool),
            may("payloads", PAYLOADS),
        ],
    ),
];

/// The kinds of the administration chain, in rising order.
pub(super) const ADMINISTRATION: &[&str] = &[
    "anchor.overdue",
    "anchor.recovered",
    "api_key.created",
    "api_key.revoked",
    "bundle.deployed",
    "erasure.done",
    "erasure.requested",
    "export.created",
    "guard.adopted",
    "hold.placed",
    "hold.released",
    "key.epoch_rotated",
    "log.key_rotated",
    "log.opened",
    "log.pruned",
    "payload.read",
    "policy.adopted",
    "retention.expired",
    "world.set",
];
