//! What a row of the API is, and the router that is made from the rows. Router, OpenAPI document and the test of
//! denials are made from one table, so that none can have a route that the others lack.

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
use crate::offices::Office;
use crate::problem::{Code, Problem};
use crate::state::Server;
use crate::table::ROUTES;

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
    /// Who is identified and holds the office; others are told that it takes one.
    Office(&'static Office, Known),
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
    /// Successes of other kinds.
    pub(crate) also: &'static [(u16, &'static str)],
    /// Codes of its own, beside those that any route may answer with.
    pub(crate) codes: &'static [Code],
}

/// Who may ask, as the table says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permitted {
    /// Anyone at all.
    Anyone,
    /// Whoever is identified, as far as they may see.
    Identified,
    /// Roles that oversee the tenant.
    Overseers,
    /// Holders of one of these roles; people alone where it says so.
    Office {
        /// The roles.
        roles: &'static [&'static str],
        /// Whether services are refused.
        people: bool,
    },
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
            Self::Office(office, _) => Permitted::Office {
                roles: office.roles,
                people: office.people,
            },
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
