//! Entries of the log as a tar for an auditor. It is written whole into a file that has no name, then the entry says
//! that it leaves, then its first byte does. Exports are few at a time, and each has a bound.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, Write};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use http_body_util::channel::{Channel, Sender};
use interlock_core::id::PayloadId;
use interlock_core::time::Timestamp;
use interlock_runtime::Engine;
use interlock_runtime::export::{ExportOf, ExportWith, Exported, ExportedBy, TarPack};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::reason;
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::to_the_end;
use crate::limits;
use crate::problem::{Code, Problem};
use crate::state::Server;

/// The digest that its entry has, so that the receiver can hold the file against the log.
const MANIFEST: HeaderName = HeaderName::from_static("interlock-manifest");
/// Pieces that wait for a slow reader before the file is read on.
const WAITING_MAX: usize = 1;

#[derive(Deserialize)]
struct Exporting {
    of: Of,
    reason: String,
    payloads: bool,
    #[serde(default)]
    disclose: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Of {
    Log,
    Range { from: u64, to: u64 },
    Time { since: String, until: String },
    Run { run: String },
    Subject { subject: String },
}

pub(crate) fn export(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let exporting: Exporting = asked.take()?;
        let why = reason(Some(&exporting.reason))?;
        let disclose: Result<Vec<PayloadId>, _> =
            exporting.disclose.iter().map(|id| id.parse()).collect();
        let with = ExportWith {
            payloads: exporting.payloads,
            disclose: disclose.map_err(|_| Problem::at(Code::InvalidRequest, "/disclose"))?,
            bare: false,
        };
        let place = server.exports.clone().try_acquire_owned();
        let place = place.map_err(|_full| Problem::new(Code::TooBusy))?;
        let engine = server.engine.clone();
        let (exported, file) = to_the_end(async move {
            let of = what(&engine, exporting.of).await?;
            let by = ExportedBy {
                principal: caller.principal(),
                reason: &why,
            };
            write(&engine, &of, &with, by).await
        })
        .await??;
        send(exported, file, place)
    })
}

async fn what(engine: &Engine, of: Of) -> Result<ExportOf, Problem> {
    Ok(match of {
        Of::Log => ExportOf::Log,
        Of::Range { from, to } => ExportOf::Range(from, to),
        Of::Time { since, until } => {
            let range = engine
                .range_of(instant(&since, "/of/since")?, instant(&until, "/of/until")?)
                .await?;
            let (from, to) = range.ok_or_else(|| {
                Problem::new(Code::ExportRefused)
                    .with("detail", "no entry was written in that time")
            })?;
            ExportOf::Range(from, to)
        }
        Of::Run { run } => ExportOf::Run(
            run.parse()
                .map_err(|_| Problem::at(Code::InvalidRequest, "/of/run"))?,
        ),
        Of::Subject { subject } => {
            let known = engine.subject_known(&subject).await?;
            ExportOf::Subject(known.ok_or_else(|| Problem::new(Code::NotFound))?)
        }
    })
}

fn instant(text: &str, at: &str) -> Result<Timestamp, Problem> {
    interlock_runtime::codec::instant(text).ok_or_else(|| Problem::at(Code::InvalidRequest, at))
}

/// Writes the tar; what is given back is at its beginning.
async fn write(
    engine: &Engine,
    of: &ExportOf,
    with: &ExportWith,
    by: ExportedBy<'_>,
) -> Result<(Exported, File), Problem> {
    let unwritable = |fault: io::Error| {
        tracing::error!(%fault, "an export could not be written");
        Problem::new(Code::Internal)
    };
    // It has no name: nobody else opens it, and it is gone with this process however that ends.
    let mut file = tempfile::tempfile().map_err(unwritable)?;
    let bounded = Bounded {
        file: file.try_clone().map_err(unwritable)?,
        left: limits::EXPORT_BYTES_MAX,
    };
    let mut pack = TarPack::new(BufWriter::new(bounded));
    let exported = engine
        .export(of, with, by, &mut pack, &mut |_, _| ())
        .await?;
    file.rewind().map_err(unwritable)?;
    Ok((exported, file))
}

/// A file that takes so much and no more.
struct Bounded {
    file: File,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let left = self.left.checked_sub(length);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn send(exported: Exported, file: File, place: OwnedSemaphorePermit) -> Result<Response, Problem> {
    let length = file.metadata().map_err(|fault| {
        tracing::error!(%fault, "an export could not be read again");
        Problem::new(Code::Internal)
    })?;
    let (out, body) = Channel::new(WAITING_MAX);
    tokio::spawn(flow(file, out, place));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-tar"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"interlock-export.tar\""),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length.len()));
    if let Ok(manifest) = HeaderValue::from_str(&exported.manifest.to_string()) {
        headers.insert(MANIFEST, manifest);
    }
    Ok(response)
}

/// Sends the file piece by piece. A reader who takes nothing for a while loses it: the place is for others.
async fn flow(mut file: File, mut out: Sender<Bytes, Infallible>, _place: OwnedSemaphorePermit) {
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; limits::EXPORT_PIECE_BYTES];
            let read = file.read(&mut piece);
            read.map(|bytes| {
                piece.truncate(bytes);
                (file, piece)
            })
        });
        let piece = match read.await {
            Ok(Ok((_, piece))) if piece.is_empty() => return,
            Ok(Ok((rest, piece))) => {
                file = rest;
                piece
            }
            Ok(Err(_)) | Err(_) => {
                // The reader notices: the length was said.
                tracing::error!("an export could not be read again");
                return;
            }
        };
        let sent = out.send_data(Bytes::from(piece));
        if !matches!(
            tokio::time::timeout(limits::STREAM_BEAT, sent).await,
            Ok(Ok(()))
        ) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_so_much_and_no_more() {
        let mut file = Bounded {
            file: tempfile::tempfile().unwrap(),
            left: 4,
        };
        file.write_all(b"123").unwrap();
        let over = file.write_all(b"45").unwrap_err();
        assert_eq!(over.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(file.file.metadata().unwrap().len(), 3);
    }
}
