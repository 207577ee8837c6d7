//! The rows of the API: each route's method, path, name, who may ask, its form and its handler. What is made of them
//! is in `app`.

use interlock_core::pipeline::policy::Action;

use crate::app::{Door, Query, Route, Verb};
use crate::offices::{self, erasures, exports, holds, keys, payloads, retention, world};
use crate::problem::Code;
use crate::{health, inbox, listing, live, log_files, metrics, openapi, reviews, runs, search};

const LIMIT: Query = Query {
    name: "limit",
    says: "Items in the page, 1 to 200; 50 where not given.",
};
const VOTED: &[Code] = &[
    Code::Denied,
    Code::RoleMissing,
    Code::OwnRequest,
    Code::ReasonMissing,
    Code::ReasonTooLong,
    Code::NotNow,
    Code::NotCurrent,
    Code::OtherDigest,
    Code::VotedAlready,
    Code::Moved,
    Code::RunFull,
];

const fn get(
    path: &'static str,
    name: &'static str,
    says: &'static str,
    door: Door,
    schema: &'static str,
) -> Route {
    Route {
        verb: Verb::Get,
        path,
        name,
        says,
        door,
        query: &[],
        body: None,
        answer: (200, schema),
        also: &[],
        codes: &[],
    }
}

/// The API.
pub(crate) static ROUTES: &[Route] = &[
    get(
        "/livez",
        "livez",
        "Whether the process answers.",
        Door::Anyone(health::livez),
        "Live",
    ),
    Route {
        codes: &[],
        ..get(
            "/readyz",
            "readyz",
            "Whether store, keys and policies are there, and the log may be signed.",
            Door::Anyone(health::readyz),
            "Ready",
        )
    },
    get(
        "/api/v1/openapi.json",
        "openapi",
        "This document.",
        Door::Anyone(openapi::serve),
        "OpenApi",
    ),
    Route {
        verb: Verb::Post,
        body: Some("Start"),
        answer: (202, "Run"),
        codes: &[
            Code::Denied,
            Code::InputRejected,
            Code::KeyReused,
            Code::Unstartable,
        ],
        ..get(
            "/api/v1/runs",
            "startRun",
            "Starts a run. With `Idempotency-Key`, the same request starts it once.",
            Door::Policy(Action::StartRun, runs::start),
            "Run",
        )
    },
    Route {
        query: &[
            Query {
                name: "status",
                says: "`active`, `waiting` or `ended`.",
            },
            Query {
                name: "workflow",
                says: "Name of a workflow.",
            },
            Query {
                name: "before",
                says: "Only runs before this id: `next` of the page before.",
            },
            LIMIT,
        ],
        ..get(
            "/api/v1/runs",
            "listRuns",
            "Runs that the caller may see, newest first. A page may hold fewer than asked for while `next` names another.",
            Door::Seen(runs::list),
            "RunPage",
        )
    },
    get(
        "/api/v1/runs/{run}",
        "getRun",
        "One run, with its output once released.",
        Door::Seen(runs::show),
        "Run",
    ),
    get(
        "/api/v1/runs/{run}/entries",
        "listEntries",
        "The run's chain of custody, verified while it is read.",
        Door::Seen(runs::entries),
        "EntryList",
    ),
    get(
        "/api/v1/runs/{run}/events",
        "watchRun",
        "The run's entries as they are written (server-sent events). `Last-Event-ID` goes on after that entry.",
        Door::Seen(live::events),
        "EventStream",
    ),
    Route {
        verb: Verb::Post,
        codes: &[
            Code::Denied,
            Code::NotNow,
            Code::SettlementRefused,
            Code::Moved,
            Code::RunFull,
        ],
        ..get(
            "/api/v1/runs/{run}/cancel",
            "cancelRun",
            "Ends a run that has nothing under way or in doubt.",
            Door::Policy(Action::Review, runs::cancel),
            "Run",
        )
    },
    Route {
        query: &[LIMIT],
        ..get(
            "/api/v1/reviews",
            "listReviews",
            "Open reviews that the caller may see, oldest first.",
            Door::Seen(reviews::list),
            "ReviewList",
        )
    },
    get(
        "/api/v1/reviews/{review}",
        "getReview",
        "A review with all that a person needs to decide.",
        Door::Seen(reviews::show),
        "Review",
    ),
    Route {
        verb: Verb::Post,
        body: Some("Vote"),
        codes: VOTED,
        ..get(
            "/api/v1/reviews/{review}/votes",
            "vote",
            "Votes on what the review's `digest` binds. A no needs a reason.",
            Door::Policy(Action::Review, reviews::vote),
            "Run",
        )
    },
    Route {
        query: &[LIMIT],
        ..get(
            "/api/v1/inbox",
            "listInbox",
            "What waits for people to finish it, oldest first.",
            Door::Seen(inbox::list),
            "InboxList",
        )
    },
    get(
        "/api/v1/inbox/{item}",
        "getInboxItem",
        "An item with all that is needed to finish it by hand.",
        Door::Seen(inbox::show),
        "InboxItem",
    ),
    Route {
        verb: Verb::Post,
        body: Some("Settlement"),
        codes: &[
            Code::Denied,
            Code::SettlementRefused,
            Code::ValueInvalid,
            Code::NotNow,
            Code::NotCurrent,
            Code::Moved,
            Code::RunFull,
        ],
        ..get(
            "/api/v1/inbox/{item}/settlements",
            "settle",
            "Settles an item. `value` goes with `complete` and `happened` only.",
            Door::Policy(Action::Review, inbox::settle),
            "Run",
        )
    },
    get(
        "/api/v1/bundles",
        "listBundles",
        "Deployed bundles and their current versions.",
        Door::Seen(listing::bundles),
        "BundleList",
    ),
    get(
        "/api/v1/rejections",
        "listRejections",
        "How often input was refused, by door and address. For overseers.",
        Door::Overseers(listing::rejections),
        "RejectionList",
    ),
    get(
        "/metrics",
        "metrics",
        "Numbers of the log and its anchors in Prometheus's text form. For overseers.",
        Door::Overseers(metrics::metrics),
        "Metrics",
    ),
    get(
        "/api/v1/log/{path}",
        "getLogFile",
        "A file of the log as C2SP tlog-tiles names it: `checkpoint`, `tile/…`, `tile/entries/…`. For overseers.",
        Door::Overseers(log_files::serve),
        "LogFile",
    ),
    Route {
        query: search::PARAMETERS,
        ..get(
            "/api/v1/search",
            "searchEntries",
            "Entries of the log by who, what and when; all that is given must hold; newest first. For overseers.",
            Door::Overseers(search::find),
            "FoundPage",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Erasure"),
        also: &[(202, "UnderWay")],
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::Held,
            Code::MustBeKept,
            Code::OtherOrder,
            Code::ErasureUnproven,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/erasures",
            "erase",
            "Erases a person on an order. The same order again finishes what broke off, or gives the certificate again. With `dry_run`, says what it would do.",
            Door::Office(&offices::CONDUCT, erasures::erase),
            "ErasureAnswer",
        )
    },
    Route {
        codes: &[Code::OfficeMissing, Code::LogDamaged],
        ..get(
            "/api/v1/erasures",
            "listErasures",
            "Erasures on record, oldest first.",
            Door::Office(&offices::RECORDS, erasures::list),
            "ErasureList",
        )
    },
    Route {
        codes: &[Code::OfficeMissing, Code::LogDamaged],
        ..get(
            "/api/v1/erasures/{erasure}",
            "getErasure",
            "How far an erasure is, with its certificate once it is done.",
            Door::Office(&offices::RECORDS, erasures::show),
            "ErasureState",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("HoldRequest"),
        answer: (201, "Hold"),
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/holds",
            "placeHold",
            "Places a legal hold on a person, a run, or a class and month: what it covers is neither erased nor expires.",
            Door::Office(&offices::CONDUCT, holds::place),
            "Hold",
        )
    },
    Route {
        codes: &[Code::OfficeMissing, Code::LogDamaged],
        ..get(
            "/api/v1/holds",
            "listHolds",
            "Holds in force, oldest first.",
            Door::Office(&offices::RECORDS, holds::list),
            "HoldList",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Reason"),
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/holds/{hold}/release",
            "releaseHold",
            "Releases a hold.",
            Door::Office(&offices::CONDUCT, holds::release),
            "Released",
        )
    },
    Route {
        codes: &[Code::OfficeMissing, Code::LogDamaged],
        ..get(
            "/api/v1/retention",
            "getRetention",
            "Retention classes, and how each class and month of the log stands.",
            Door::Office(&offices::RECORDS, retention::show),
            "Retention",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Expiry"),
        also: &[(202, "UnderWay")],
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::ErasureUnproven,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/retention/expire",
            "expire",
            "Expires every class and month that is due, and nothing else. With `dry_run`, says which are.",
            Door::Office(&offices::CONDUCT, retention::expire),
            "PeriodList",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Reason"),
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::NotKept,
            Code::Erased,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/payloads/{payload}/reveal",
            "reveal",
            "Opens one payload for a person, for a reason. That it is read is on record before it is shown.",
            Door::Office(&offices::REVEAL, payloads::reveal),
            "Revealed",
        )
    },
    Route {
        codes: &[Code::OfficeMissing, Code::LogDamaged],
        ..get(
            "/api/v1/runs/{run}/marks",
            "getMarks",
            "Where secret and personal values stand in a run's payloads and where the same ones flowed, by tokens. No value.",
            Door::Office(&offices::MARKS, payloads::marks),
            "MarkList",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Export"),
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::Unpublished,
            Code::ExportRefused,
            Code::ExportTooLarge,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/exports",
            "export",
            "Entries of the log as a tar that verifies without us. That it leaves is on record before its first byte.",
            Door::Office(&offices::EXPORT, exports::export),
            "ExportFile",
        )
    },
    Route {
        codes: &[Code::OfficeMissing],
        ..get(
            "/api/v1/keys/status",
            "getKeyStatus",
            "Who keeps the key-encryption key, its epochs, and how many data keys are under each.",
            Door::Office(&offices::KEY_STATUS, keys::status),
            "KeyStatus",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("Reason"),
        also: &[(202, "UnderWay")],
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/keys/rotate",
            "rotateKeys",
            "Turns the key epoch: every data key is wrapped anew, and what backups hold opens nothing.",
            Door::Office(&offices::KEYS, keys::rotate),
            "Rotation",
        )
    },
    Route {
        codes: &[Code::OfficeMissing],
        ..get(
            "/api/v1/world",
            "getWorld",
            "Kill switch and incident mode, who set them and why.",
            Door::Office(&offices::WORLD_STATUS, world::show),
            "World",
        )
    },
    Route {
        verb: Verb::Post,
        body: Some("WorldRequest"),
        codes: &[
            Code::OfficeMissing,
            Code::ReasonMissing,
            Code::ReasonTooLong,
            Code::LogDamaged,
        ],
        ..get(
            "/api/v1/world",
            "setWorld",
            "Sets kill switch and incident mode, effective on the next decision.",
            Door::Office(&offices::WORLD, world::set),
            "World",
        )
    },
];
