//! A run's entries as they are written, as server-sent events. What is told is what a chain of custody tells, without
//! content. A stream ends with its run, with its caller's key, with the server, or after its time.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::channel::{Channel, Sender};
use interlock_core::id::RunId;
use interlock_core::run::Event;
use interlock_runtime::{Progress, say};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::limits;
use crate::problem::{Code, Problem};
use crate::sight::seen;
use crate::state::{Server, closed};

/// Pieces that wait for a slow reader before the stream waits with them.
const WAITING_MAX: usize = 16;

pub(crate) fn events(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let run: RunId = asked.id("run")?;
        // Watched before it is read, so that nothing falls between.
        let watch = server.engine.watch();
        seen(&server, &caller, run).await?;
        let place = server
            .streams
            .clone()
            .try_acquire_owned()
            .map_err(|_full| Problem::new(Code::TooBusy))?;
        let (out, body) = Channel::new(WAITING_MAX);
        let stream = Stream {
            server,
            caller,
            run,
            next: asked.last_event.map_or(0, |last| last.saturating_add(1)),
            out,
            _place: place,
        };
        tokio::spawn(stream.flow(watch));
        let mut response = Response::new(Body::new(body));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        Ok(response)
    })
}

struct Stream {
    server: Server,
    caller: Caller,
    run: RunId,
    /// Place of the next entry to be told.
    next: u64,
    out: Sender<Bytes, Infallible>,
    _place: OwnedSemaphorePermit,
}

/// Why a stream ends: its reader is gone, or there is nothing more to tell.
struct Over;

impl Stream {
    async fn flow(mut self, mut watch: Receiver<Progress>) {
        let end = Instant::now() + limits::STREAM_TIME;
        let mut closing = self.server.closing.subscribe();
        let mut beats =
            tokio::time::interval_at(Instant::now() + limits::STREAM_BEAT, limits::STREAM_BEAT);
        if self.catch_up().await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                heard = watch.recv() => {
                    let told = match heard {
                        Ok(progress) if progress.run != self.run || progress.seq < self.next => Ok(()),
                        Ok(progress) if progress.seq == self.next => self.tell(progress.seq, &progress.event).await,
                        Ok(_) | Err(RecvError::Lagged(_)) => self.catch_up().await,
                        Err(RecvError::Closed) => Err(Over),
                    };
                    if told.is_err() {
                        return;
                    }
                }
                _ = beats.tick() => {
                    if self.beat().await.is_err() || Instant::now() >= end {
                        return;
                    }
                }
                () = closed(&mut closing) => return,
            }
        }
    }

    /// Tells what the log has and was not told yet.
    async fn catch_up(&mut self) -> Result<(), Over> {
        let history = self
            .server
            .engine
            .history(self.run)
            .await
            .map_err(|fault| {
                tracing::warn!(run = %self.run, %fault, "a live stream ends");
                Over
            })?;
        let from = self.next;
        let ended =
            matches!(history.last(), Some(last) if matches!(last.event, Event::RunEnded { .. }));
        for recorded in history.into_iter().filter(|recorded| recorded.seq >= from) {
            self.tell(recorded.seq, &recorded.event).await?;
        }
        // A reader who had read to the end comes back to nothing more.
        if ended { Err(Over) } else { Ok(()) }
    }

    async fn tell(&mut self, seq: u64, event: &Event) -> Result<(), Over> {
        let data = json!({"seq": seq, "event": event.kind(), "says": say::line(event)});
        self.send(format!(
            "id: {seq}\nevent: {}\ndata: {data}\n\n",
            event.kind()
        ))
        .await?;
        self.next = seq.saturating_add(1);
        if matches!(event, Event::RunEnded { .. }) {
            Err(Over)
        } else {
            Ok(())
        }
    }

    /// A sign of life, if the caller may still see the run.
    async fn beat(&mut self) -> Result<(), Over> {
        self.caller = self.caller.again(&self.server).await.map_err(|_| Over)?;
        seen(&self.server, &self.caller, self.run)
            .await
            .map_err(|_| Over)?;
        self.send(":\n\n".to_owned()).await
    }

    async fn send(&mut self, text: String) -> Result<(), Over> {
        let sent =
            tokio::time::timeout(limits::STREAM_BEAT, self.out.send_data(Bytes::from(text))).await;
        // A reader who takes nothing for so long holds a place that others need.
        sent.map_err(|_slow| Over)?.map_err(|_gone| Over)
    }
}
