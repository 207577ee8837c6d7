//! What a handler gets: path, query, the few headers that matter and the body, each checked against what the table
//! declares. Whatever the table does not declare is refused, so that a typing error is not silence.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;

use http::HeaderMap;
use http::request::Parts;
use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_core::seams::Violation;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::Route;
use crate::limits;
use crate::problem::{Code, Problem};

/// Where a request comes from: the other end of its connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A request whose form is checked.
pub(crate) struct Asked {
    path: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    /// The caller's own key against doing things twice.
    pub(crate) idempotency_key: Option<String>,
    /// Where a live stream goes on.
    pub(crate) last_event: Option<u64>,
    /// The body; `null` where the route takes none.
    pub(crate) body: Value,
    /// Where from, as rejections are counted.
    pub(crate) address: String,
}

impl Asked {
    /// Everything but the body.
    pub(crate) fn read(
        route: &Route,
        parts: &Parts,
        path: BTreeMap<String, String>,
    ) -> Result<Self, Problem> {
        let mut query = BTreeMap::new();
        let given = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::at(Code::InvalidParameter, "query"))?;
        for (name, value) in given.0 {
            let Some(known) = route.query.iter().find(|known| known.name == name) else {
                return Err(Problem::at(Code::InvalidParameter, "query"));
            };
            if query.insert(name, value).is_some() {
                return Err(Problem::at(Code::InvalidParameter, known.name));
            }
        }
        let idempotency_key = match header(&parts.headers, "idempotency-key")? {
            Some(key) if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX => {
                return Err(Problem::at(Code::InvalidParameter, "Idempotency-Key"));
            }
            key => key.map(str::to_owned),
        };
        let last_event = header(&parts.headers, "last-event-id")?
            .map(|id| {
                id.parse()
                    .map_err(|_| Problem::at(Code::InvalidParameter, "Last-Event-ID"))
            })
            .transpose()?;
        let address = address(parts);
        Ok(Self {
            path,
            query,
            idempotency_key,
            last_event,
            body: Value::Null,
            address,
        })
    }

    /// An id in the path. One of another form names nothing, and is told so like any that names nothing.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path
            .get(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new(Code::NotFound))
    }

    /// A parameter of the query.
    pub(crate) fn query<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.query
            .get(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Problem::at(Code::InvalidParameter, name))
            })
            .transpose()
    }

    /// How many items a page has.
    pub(crate) fn page(&self) -> Result<u32, Problem> {
        match self.query("limit")?.unwrap_or(limits::PAGE_ITEMS_DEFAULT) {
            limit @ 1..=PAGE_ITEMS_MAX => Ok(limit),
            _ => Err(Problem::at(Code::InvalidParameter, "limit")),
        }
    }

    /// The body as what it is. Its schema has been held against it already.
    pub(crate) fn take<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        serde_json::from_value(self.body.take()).map_err(|fault| {
            tracing::error!(%fault, "a body fits its schema and not its type");
            Problem::new(Code::Internal)
        })
    }
}

/// Where a request comes from, for counting; a test without a connection has none.
pub(crate) fn address(parts: &Parts) -> String {
    parts
        .extensions
        .get::<Peer>()
        .map_or_else(|| "unknown".to_owned(), |peer| peer.0.ip().to_string())
}

/// A header that may be given once.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match (first.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Problem::at(Code::InvalidParameter, name)),
    }
}

/// Holds a body against the schema that is documented for it.
pub(crate) fn fits(shape: &jsonschema::Validator, body: &Value) -> Result<(), Problem> {
    const SHOWN_MAX: usize = 16;
    let found: Vec<Violation> = shape
        .iter_errors(body)
        .take(SHOWN_MAX)
        .flat_map(|fault| violations(&fault))
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(Code::InvalidRequest).violations(&found))
    }
}

/// What does not fit, without any value: names of members are said only where there may be no such member.
fn violations(fault: &jsonschema::ValidationError<'_>) -> Vec<Violation> {
    let at = fault.instance_path().as_str();
    let one = |at: String, expected: String| Violation {
        at,
        keyword: fault.kind().keyword().to_owned(),
        expected,
    };
    match fault.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .take(4)
            .map(|name| {
                one(
                    format!("{at}/{}", pointer(name)),
                    "no such member".to_owned(),
                )
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            vec![one(
                format!("{at}/{}", property.as_str().unwrap_or_default()),
                "must be there".to_owned(),
            )]
        }
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => vec![one(at.to_owned(), kind.to_string())],
        ValidationErrorKind::Enum { options } => {
            vec![one(at.to_owned(), format!("one of {options}"))]
        }
        ValidationErrorKind::Pattern { pattern } => vec![one(at.to_owned(), pattern.clone())],
        ValidationErrorKind::MaxLength { limit } => {
            vec![one(at.to_owned(), format!("at most {limit} characters"))]
        }
        _ => vec![one(at.to_owned(), "see the schema".to_owned())],
    }
}

/// A name as a step of a JSON pointer, cut to what a name may have.
fn pointer(name: &str) -> String {
    let short: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(interlock_core::limits::NAME_BYTES_MAX)
        .collect();
    short.replace('~', "~0").replace('/', "~1")
}
