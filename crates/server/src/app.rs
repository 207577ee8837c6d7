//! The API as one table: each route's method, path, name, who may ask, its form and its handler. Router, OpenAPI
//! document and the test of denials are made from it, so that none can have a route that the others lack.

use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use interlock_core::pipeline::policy::Action;

use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::call;
use crate::guard::guard;
use crate::problem::{Code, Problem};
use crate::state::Server;
use crate::{health, inbox, listing, live, log_files, metrics, openapi, reviews, runs, search};

/// The last word of a row whose rest may hold more than one word.
const REST: &str = "{path}";

/// What a handler gives back, later.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
/// A handler that nobody needs to be identified for.
pub(crate) type Open = fn(Server, Asked) -> Answering;
/// A handler that cannot be called without an identified caller.
pub(crate) type Known = fn(Server, Caller, Asked) -> Answering;

/// Who may ask.
pub(crate) enum Door {
    /// Anyone at all: health and the document.
    Anyone(Open),
    /// Who is identified; the handler shows what `may_see` lets this caller see.
    Seen(Known),
    /// Who is identified and oversees the tenant; to others the route holds nothing.
    Overseers(Known),
    /// Who is identified; policy decides on this action before anything follows.
    Policy(Action, Known),
}

/// Methods that routes take. None but `Post` changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

/// One parameter of a query.
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
}

/// One row.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    /// Its name in clients.
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) door: Door,
    pub(crate) query: &'static [Query],
    /// The schema of its body.
    pub(crate) body: Option<&'static str>,
    /// Status and schema of its success.
    pub(crate) answer: (u16, &'static str),
    /// Codes of its own, beside those that any route may answer with.
    pub(crate) codes: &'static [Code],
}

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
];

/// Who may ask, as the table says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// Anyone at all.
    Anyone,
    /// Whoever is identified, as far as they may see.
    Identified,
    /// Roles that oversee the tenant.
    Overseers,
    /// Whoever policy lets do this.
    Policy(Action),
}

/// A row, as others may know it.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path, with `{…}` where an id stands.
    pub path: &'static str,
    /// Its name in clients.
    pub name: &'static str,
    /// Who may ask.
    pub who: Permitted,
    /// Status and schema name of its success.
    pub answer: (u16, &'static str),
}

/// Every route that there is.
pub fn routes() -> impl Iterator<Item = Listed> {
    ROUTES.iter().map(|route| Listed {
        method: route.verb.as_str(),
        path: route.path,
        name: route.name,
        who: route.door.permitted(),
        answer: route.answer,
    })
}

impl Verb {
    /// The method's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }
}

impl Door {
    /// What it asks for.
    pub(crate) const fn permitted(&self) -> Permitted {
        match self {
            Self::Anyone(_) => Permitted::Anyone,
            Self::Seen(_) => Permitted::Identified,
            Self::Overseers(_) => Permitted::Overseers,
            Self::Policy(action, _) => Permitted::Policy(*action),
        }
    }
}

/// The router: the table's rows and no others.
pub(crate) fn router(server: Server) -> Router {
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| {
            let handler =
                move |State(server): State<Server>, request: Request| call(route, server, request);
            let methods: MethodRouter<Server> = axum::routing::on(route.verb.filter(), handler);
            router.route(&route.path.replace(REST, "{*path}"), methods)
        })
        .method_not_allowed_fallback(|request: Request| async move {
            Problem::new(Code::MethodNotAllowed).allowing(&methods_of(request.uri().path()))
        })
        .fallback(|| async { Problem::new(Code::NotFound) })
        .layer(axum::middleware::from_fn_with_state(server.clone(), guard))
        .with_state(server)
}

/// The methods that a path takes.
fn methods_of(path: &str) -> String {
    let fits = |route: &&Route| {
        let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                // All that follows, whatever it is.
                (Some(word), Some(_)) if word == REST => return true,
                (Some(word), Some(found)) if word == found || word.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let mut methods = Vec::new();
    for route in ROUTES.iter().filter(fits) {
        methods.push(route.verb.as_str());
        if route.verb == Verb::Get {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}
