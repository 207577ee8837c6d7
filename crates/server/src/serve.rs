//! A listener, its connections and their end. HTTP/1.1 without TLS: on loopback alone, unless the operator says that
//! TLS is terminated in front. Heads have a size and a time, connections a number.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use interlock_runtime::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::asked::Peer;
use crate::state::{Server, closed};
use crate::{app, drive, limits};

/// Between two attempts to accept when the system has no place for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// Who can reach the listener, as the operator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// This machine alone.
    Loopback,
    /// Others too, through something in front that terminates TLS (`--behind-tls`).
    BehindTls,
}

/// Why the server did not begin or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// Keys and content would cross the network in the clear.
    #[error("serve on `{0}`: it is no loopback address, and nothing says that TLS is in front")]
    Exposed(SocketAddr),
    /// The listener is not usable.
    #[error("serve: the listener has no address")]
    Listener(#[source] std::io::Error),
    /// The loop that drives runs ended, which it never does by itself.
    #[error("serve: the driver of runs ended: this is a bug")]
    Driver,
}

impl ServeFault {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exposed(_) => Some(
                "listen on 127.0.0.1 or [::1], or pass --behind-tls where a proxy terminates TLS",
            ),
            Self::Listener(_) | Self::Driver => None,
        }
    }
}

/// Serves the API and drives runs until `shutdown` is done; then lets what is under way end for up to ten seconds.
///
/// # Errors
/// The address is no loopback address and `exposure` does not say that TLS is in front, or the listener or the driver
/// fails. Whatever the cause, no run is lost: each goes on from its log.
pub async fn serve(
    engine: Arc<Engine>,
    listener: TcpListener,
    exposure: Exposure,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeFault> {
    let address = listener.local_addr().map_err(ServeFault::Listener)?;
    if !address.ip().is_loopback() && exposure != Exposure::BehindTls {
        return Err(ServeFault::Exposed(address));
    }
    let server = Server::new(engine);
    let router = app::router(server.clone());
    let mut driver = tokio::spawn(drive::drive(server.clone()));
    let mut connections = JoinSet::new();
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        _ = &mut driver => Err(ServeFault::Driver),
        never = accept(&server, &router, &listener, &mut connections) => match never {},
    };
    drop(listener);
    server.closing.send_replace(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    // Work for a request is a task of its own and is not broken off with its connection.
    if tokio::time::timeout(limits::FAREWELL_TIME, rest)
        .await
        .is_err()
    {
        connections.abort_all();
    }
    if ended.is_ok() {
        driver.await.map_err(|_| ServeFault::Driver)?;
    }
    ended
}

async fn accept(
    server: &Server,
    router: &Router,
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
) -> Infallible {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    loop {
        while connections.try_join_next().is_some() {}
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            continue;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (server, router) = (server.clone(), router.clone());
                connections.spawn(async move {
                    converse(&server, router, stream, peer).await;
                    drop(place);
                });
            }
            Err(fault) => {
                tracing::warn!(%fault, "could not accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn converse(server: &Server, router: Router, stream: TcpStream, peer: SocketAddr) {
    let answer = move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move {
            Ok::<Response, Infallible>(
                router
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME)
        // One more, so that the answer to too many is ours.
        .max_headers(limits::HEADERS_MAX + 1)
        .max_buf_size(limits::CONNECTION_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::pin!(connection);
    let mut closing = server.closing.subscribe();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closed(&mut closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        tracing::debug!(%fault, "a connection broke");
    }
}
