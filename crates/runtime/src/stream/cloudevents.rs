//! An entry as a CloudEvent 1.0 in structured JSON: its data is the entry itself, its place in the log stands in
//! extension attributes (lower-case letters and digits, as the specification asks).

use serde_json::{Value, json};

use super::Line;

/// The event.
pub(super) fn event(line: &Line) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{}/{}", line.signed.origin, line.index),
        "source": format!("//{}", line.signed.origin),
        "type": format!("interlock.{}", line.entry.event()),
        "subject": line.run.to_string(),
        "time": line.entry.time(),
        "datacontenttype": "application/json",
        "logorigin": line.signed.origin,
        // A CloudEvents integer has 32 bits; an index may need more.
        "logindex": line.index.to_string(),
        "leafhash": line.leaf_hash,
        "chainseq": line.entry.seq().to_string(),
        "chainprev": line.entry.prev().to_string(),
        "checkpointsize": line.signed.size.to_string(),
        "checkpointroot": line.signed.root,
        "data": line.whole,
    })
}
