//! The log as files, for who audits it with their own software: checkpoint, tiles and entry bundles by the paths of
//! C2SP tlog-tiles. Nothing here is content; it still tells who did what, so it is for overseers.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use interlock_runtime::log::StoreLogFiles;

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::state::Server;

/// What a full tile and every partial one hold never changes; a shared cache would not ask who reads.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

pub(crate) fn serve(server: Server, _: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let path: String = asked.id("path")?;
        let engine = &server.engine;
        let files = StoreLogFiles::of(engine).await?;
        let files = files.ok_or_else(|| Problem::new(Code::NotFound))?;
        let bytes = files.public(&path).await?;
        let bytes = bytes.ok_or_else(|| Problem::new(Code::NotFound))?;
        let mut response = Response::new(Body::from(bytes));
        let headers = response.headers_mut();
        let (media, lasts) = if path == "checkpoint" {
            ("text/plain; charset=utf-8", false)
        } else {
            ("application/octet-stream", true)
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        if lasts {
            headers.insert(header::CACHE_CONTROL, FOR_EVER);
        }
        Ok(response)
    })
}
