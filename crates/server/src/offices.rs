//! What people in office do: erase, hold, expire, reveal, export, turn keys, halt. One small table says which roles
//! may; it is asked before a body is read, and what it does not name may not. The engine asks its own checks again.

use std::future::Future;

use interlock_core::limits::REASON_CHARS_MAX;
use interlock_core::pipeline::identity::{Principal, PrincipalKind};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use crate::limits;
use crate::problem::{Code, Problem};
use crate::state::Server;

pub(crate) mod erasures;
pub(crate) mod exports;
pub(crate) mod holds;
pub(crate) mod keys;
pub(crate) mod payloads;
pub(crate) mod retention;
pub(crate) mod schema;
pub(crate) mod world;

/// Who may do one kind of thing.
pub(crate) struct Office {
    /// Any of these roles will do.
    pub(crate) roles: &'static [&'static str],
    /// Whether it takes a person: services hold no office, whatever their roles.
    pub(crate) people: bool,
}

/// Erasing, holding, expiring.
pub(crate) static CONDUCT: Office = of_people(&["dpo"]);
/// Reading what was erased, held and expired.
pub(crate) static RECORDS: Office = of_any(&["auditor", "dpo"]);
/// Opening a payload.
pub(crate) static REVEAL: Office = of_people(&["dpo", "investigator"]);
/// Reading where marked values flowed; no value is in it.
pub(crate) static MARKS: Office = of_any(&["admin", "auditor", "dpo", "investigator", "operator"]);
/// Taking entries out of the store.
pub(crate) static EXPORT: Office = of_any(&["admin", "auditor", "dpo", "investigator"]);
/// Turning the key epoch.
pub(crate) static KEYS: Office = of_people(&["admin", "security"]);
/// Seeing how the keys stand.
pub(crate) static KEY_STATUS: Office = of_any(&["admin", "auditor", "operator", "security"]);
/// Halting and resuming.
pub(crate) static WORLD: Office = of_people(&["admin", "incident_lead"]);
/// Seeing whether the world is halted, and why.
pub(crate) static WORLD_STATUS: Office = of_any(&["admin", "auditor", "incident_lead", "operator"]);

const fn of_people(roles: &'static [&'static str]) -> Office {
    Office {
        roles,
        people: true,
    }
}

const fn of_any(roles: &'static [&'static str]) -> Office {
    Office {
        roles,
        people: false,
    }
}

impl Office {
    /// Goes on only with a principal who holds it.
    pub(crate) fn held(&self, principal: &Principal) -> Result<(), Problem> {
        let kind = !self.people || principal.kind() == PrincipalKind::Person;
        let role = principal
            .roles()
            .iter()
            .any(|held| self.roles.contains(&held.as_str()));
        if kind && role {
            Ok(())
        } else {
            Err(Problem::new(Code::OfficeMissing)
                .with("roles", self.roles.to_vec())
                .with("people", self.people))
        }
    }
}

/// A reason that says something.
fn reason(text: Option<&str>) -> Result<String, Problem> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Err(Problem::new(Code::ReasonMissing));
    }
    if text.chars().count() > REASON_CHARS_MAX {
        return Err(Problem::new(Code::ReasonTooLong));
    }
    Ok(text.to_owned())
}

/// Does long work to its end, whatever becomes of the connection; `None` where it is still under way after a while.
/// What becomes of it then is on record, and a fault in the trace. It has a thread of its own: it walks the whole log.
async fn conduct<T, W>(
    server: &Server,
    work: impl FnOnce() -> W + Send + 'static,
) -> Result<Option<T>, Problem>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Problem>>,
{
    let task = begin(server, work)?;
    match tokio::time::timeout(limits::CHORE_TIME, task).await {
        Err(_late) => Ok(None),
        Ok(done) => ended(done).map(Some),
    }
}

/// The same, waited for as long as a request may take.
async fn survey<T, W>(
    server: &Server,
    work: impl FnOnce() -> W + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Problem>>,
{
    ended(begin(server, work)?.await)
}

/// Begins it. Who finds no place is told so: such work waits for its turn, and what waits is bounded too.
fn begin<T, W>(
    server: &Server,
    work: impl FnOnce() -> W + Send + 'static,
) -> Result<JoinHandle<Result<T, Problem>>, Problem>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Problem>>,
{
    let place = server.chores.clone().try_acquire_owned();
    let place = place.map_err(|_full| Problem::new(Code::TooBusy))?;
    let runtime = Handle::current();
    Ok(tokio::task::spawn_blocking(move || {
        let done = runtime.block_on(work());
        drop(place);
        done
    }))
}

fn ended<T>(done: Result<Result<T, Problem>, JoinError>) -> Result<T, Problem> {
    done.unwrap_or_else(|fault| {
        tracing::error!(%fault, "long work ended early");
        Err(Problem::new(Code::Internal))
    })
}

/// What is told of work that is still under way: where to look.
fn under_way(look: &str) -> serde_json::Value {
    json!({"under_way": true, "look": look})
}
