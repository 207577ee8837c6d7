//! The one thread that writes: it takes what is waiting, up to a bound, and commits it together.
//! Each call has its own savepoint, so that a conflict undoes itself alone; answers are given after the
//! commit. If we die before it, nobody was answered; if we die after it, the caller finds what it wrote.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::OpenFault;
use super::column::cause;
use super::data_dir::Lock;
use crate::fault::StoreFault;
use crate::limits::{COMMIT_APPENDS_MAX, QUEUE_BYTES_MAX};

/// Why a batch was not committed.
#[derive(Clone)]
enum Lost {
    /// Nothing of it was stored.
    Undone(String),
    /// Nobody knows.
    Unknown,
}

/// One call, as the thread sees it.
trait Job: Send {
    /// Does the work inside a savepoint; whether to keep it.
    fn work(&mut self, connection: &Connection) -> bool;
    /// Whether the work makes its own transaction, if any, and shares none.
    fn is_apart(&self) -> bool;
    /// Answers the caller, after the commit.
    fn settle(self: Box<Self>, lost: Option<&Lost>);
}

struct Call<T, E, F> {
    operation: &'static str,
    apart: bool,
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    // Held until the answer, so that what waits and what is being committed count together.
    _room: OwnedSemaphorePermit,
}

impl<T, E, F> Job for Call<T, E, F>
where
    T: Send,
    E: From<StoreFault> + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn work(&mut self, connection: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn is_apart(&self) -> bool {
        self.apart
    }

    fn settle(self: Box<Self>, lost: Option<&Lost>) {
        let operation = self.operation;
        let undone = |cause: &str| {
            Err(StoreFault::Unavailable {
                operation,
                cause: cause.to_owned(),
            }
            .into())
        };
        let answer = match (lost, self.result) {
            (None, Some(result)) => result,
            (None, None) => undone("it was not tried"),
            (Some(Lost::Undone(cause)), _) => undone(cause),
            (Some(Lost::Unknown), _) => Err(StoreFault::Unknown { operation }.into()),
        };
        // A caller that has gone away reads again, as the contract says.
        drop(self.reply.send(answer));
    }
}

/// The handle on the writing thread. Dropping it lets the thread finish what is queued, and waits for it.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// Bytes of room that one permit stands for.
const ROOM_UNIT: usize = 1024;

impl Writer {
    /// Starts the thread; it keeps the lock until its connection is closed.
    pub(super) fn start(connection: Connection, lock: Lock) -> Result<Self, OpenFault> {
        let (queue, jobs) = mpsc::channel(2 * COMMIT_APPENDS_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                serve(&connection, jobs);
                drop(connection);
                drop(lock);
            })
            .map_err(|e| OpenFault::Database {
                operation: "start the writer",
                cause: e.kind().to_string(),
            })?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX / ROOM_UNIT));
        Ok(Self {
            queue: Some(queue),
            room,
            thread: Some(thread),
        })
    }

    /// Queues work for the next commit and waits for it. `bytes` is what the work holds in memory.
    pub(super) async fn write<T, E>(
        &self,
        operation: &'static str,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
    {
        self.queue(operation, bytes, false, work).await
    }

    /// Queues work that is done between two commits, outside of any transaction, and waits for it.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        self.queue(operation, 0, true, work).await
    }

    async fn queue<T, E>(
        &self,
        operation: &'static str,
        bytes: usize,
        apart: bool,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFault> + Send + 'static,
    {
        let stopped = || StoreFault::Unavailable {
            operation,
            cause: "writer has stopped".to_owned(),
        };
        let units = (bytes / ROOM_UNIT + 1).min(QUEUE_BYTES_MAX / ROOM_UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(units)
            .await
            .map_err(|_| stopped())?;
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        let (reply, answer) = oneshot::channel();
        let call = Call {
            operation,
            apart,
            work: Some(work),
            result: None,
            reply,
            _room: room,
        };
        queue.send(Box::new(call)).await.map_err(|_| stopped())?;
        // Once queued, a thread that ends without an answer leaves the outcome open.
        answer
            .await
            .unwrap_or_else(|_| Err(StoreFault::Unknown { operation }.into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("store writer ended by a panic");
        }
    }
}

fn serve(connection: &Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut broken = None;
    while let Some(first) = jobs.blocking_recv() {
        let mut apart = None;
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            if job.is_apart() {
                apart = Some(job);
                break;
            }
            batch.push(job);
            next = (batch.len() < COMMIT_APPENDS_MAX)
                .then(|| jobs.try_recv().ok())
                .flatten();
        }
        if !batch.is_empty() {
            let lost = broken
                .clone()
                .or_else(|| commit(connection, &mut batch, &mut broken).err());
            for job in batch {
                job.settle(lost.as_ref());
            }
        }
        if let Some(mut job) = apart {
            if broken.is_none() {
                job.work(connection);
            }
            job.settle(broken.as_ref());
        }
    }
}

/// Runs a batch in one transaction. `broken` is set when the disk no longer does what it says.
fn commit(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    broken: &mut Option<Lost>,
) -> Result<(), Lost> {
    let run = |sql: &str| {
        let done = connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        done.map(drop)
    };
    if let Err(error) = run("BEGIN IMMEDIATE") {
        return Err(Lost::Undone(cause(&error)));
    }
    for job in batch.iter_mut() {
        let done = run("SAVEPOINT job").and_then(|()| {
            let keep = job.work(connection);
            // Some faults make SQLite undo the whole transaction; going on would commit half of the batch.
            if connection.is_autocommit() {
                return Err(rusqlite::Error::InvalidQuery);
            }
            if !keep {
                run("ROLLBACK TO job")?;
            }
            run("RELEASE job")
        });
        if let Err(error) = done {
            let cause = if connection.is_autocommit() {
                "the transaction was undone by a fault of the disk".to_owned()
            } else {
                cause(&error)
            };
            return Err(undo(connection, broken, cause));
        }
    }
    let Err(error) = run("COMMIT") else {
        return Ok(());
    };
    tracing::error!(cause = cause(&error), "store commit failed");
    let _ = undo(connection, broken, cause(&error));
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
        // After a failed sync the kernel may call pages clean that never reached the disk: only a restart,
        // which reads the log back from the disk, can tell what is durable.
        *broken = Some(Lost::Undone(
            "a sync failed; restart to read what reached the disk".to_owned(),
        ));
    }
    Err(Lost::Unknown)
}

/// Ends a failed transaction; if even that fails, no later one may begin on this connection.
fn undo(connection: &Connection, broken: &mut Option<Lost>, cause: String) -> Lost {
    if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
        *broken = Some(Lost::Undone("a rollback failed; restart".to_owned()));
    }
    Lost::Undone(cause)
}
