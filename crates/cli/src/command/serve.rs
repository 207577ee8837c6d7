//! `interlock serve`: the HTTP API over this data directory.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use interlock_runtime::anchor::Anchors;
use interlock_runtime::log::PublishFault;
use interlock_runtime::{search, stream};
use interlock_server::Exposure;
use tokio::task::JoinSet;

use crate::door::{Installation, load};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) async fn run(
    common: &Common,
    listen: Option<SocketAddr>,
    bundles: &[PathBuf],
    behind_tls: bool,
) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let listen = listen.unwrap_or(installation.config.listen);
    if !listen.ip().is_loopback() && !behind_tls {
        return Err(Failure::usage(
            format!(
                "failed to listen on {listen}: beyond loopback, API keys would travel in clear"
            ),
            "end TLS in front of it and say so with --behind-tls, or listen on 127.0.0.1",
        ));
    }
    let exposure = if behind_tls {
        Exposure::BehindTls
    } else {
        Exposure::Loopback
    };
    let policies = installation.policies()?;
    let loaded = bundles
        .iter()
        .map(|dir| load(dir, &policies))
        .collect::<Result<Vec<_>, _>>()?;
    let engine = installation.engine()?;
    match installation.publish_beside(&engine).await {
        // What is there can be read; nothing is started until people have looked.
        Err(PublishFault::Refused(refusal)) => {
            print::aside(&format!("the log is not signed: failed to {refusal}"));
            print::aside(&format!("hint: {}", refusal.hint()));
        }
        published => published?,
    }
    for bundle in loaded {
        print::aside(&format!("deployed {} {}", bundle.name(), bundle.version()));
        let person = installation.person(&engine).await?;
        engine.deploy(bundle, Some(&person)).await?;
    }
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|fault| {
            Failure::failed(format!("failed to listen on {listen}: {fault}"))
                .hint("--listen ADDRESS names another")
        })?;
    let address = listener.local_addr()?;
    if common.json {
        print::line(&serde_json::json!({"listening": address.to_string()}).to_string());
    } else {
        print::line(&format!(
            "listening on http://{address}  (API: /api/v1, document: /api/v1/openapi.json)"
        ));
    }
    // Dropped with this command, which ends the rounds wherever they are: all that they keep is kept by then.
    let mut beside = JoinSet::new();
    let anchors = Anchors::open(
        Arc::clone(&engine),
        installation.egress()?,
        Arc::clone(&installation.secrets),
        installation.config.anchors.clone(),
    );
    beside.spawn(anchors.await?.run());
    let egress = installation.egress()?;
    let outside = stream::Outside {
        egress: &egress,
        secrets: &installation.secrets,
        data_dir: &installation.dir,
    };
    for config in &installation.config.streams {
        let follower = stream::open(config, engine.tenant(), &outside)
            .map_err(|fault| Failure::failed(format!("failed to {fault}")))?;
        beside.spawn(stream::follow(follower, Arc::clone(&engine)));
    }
    beside.spawn(search::keep_indexed(Arc::clone(&engine)));
    interlock_server::serve(engine, listener, exposure, stopped())
        .await
        .map_err(|fault| Failure::failed(format!("failed to serve: {fault}")))?;
    Ok(Exit::Done)
}

/// Ends at the first interrupt or termination.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
