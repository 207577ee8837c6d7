//! `/metrics` in Prometheus's text form: how far the log is published, how old its anchors are, what they say. Numbers
//! and the operator's own names of anchors; no content, no person, no run. For overseers, by API key like all else.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use interlock_runtime::anchor::{self, AnchorStatus};
use interlock_runtime::log::{PublicationLag, publication_lag};

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::state::Server;

/// What scrapers ask for and are told.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(crate) fn metrics(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        let engine = &server.engine;
        let now = engine.clock().now();
        let lag = publication_lag(engine.store(), engine.tenant(), now).await?;
        let since_published = lag
            .published_at
            .map(|at| now.as_micros().saturating_sub(at.as_micros()));
        let anchors = anchor::statuses(engine).await?;
        let alarms = anchor::alarms(engine).await?.len();
        let refused = engine.log_refusal().is_some();
        let mut response = Response::new(Body::from(text(
            &lag,
            since_published,
            refused,
            &anchors,
            alarms,
        )));
        response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
        Ok(response)
    })
}

fn text(
    lag: &PublicationLag,
    since_published: Option<u64>,
    refused: bool,
    anchors: &[AnchorStatus],
    alarms: usize,
) -> String {
    let mut out = String::new();
    let mut one = |name: &str, help: &str, value: String| {
        family(&mut out, name, help, &[(String::new(), value)]);
    };
    one(
        "interlock_log_entries",
        "Entries of the log.",
        lag.sequenced.to_string(),
    );
    one(
        "interlock_log_published_entries",
        "Entries under the newest checkpoint.",
        lag.published.to_string(),
    );
    one(
        "interlock_log_publication_lag_seconds",
        "Seconds that the oldest entry waits for a checkpoint.",
        seconds(lag.waiting_micros),
    );
    if let Some(micros) = since_published {
        one(
            "interlock_log_checkpoint_age_seconds",
            "Seconds since the newest checkpoint was signed.",
            seconds(micros),
        );
    }
    one(
        "interlock_log_refused",
        "1 where the log refuses to be published: look at the server's log at once.",
        u8::from(refused).to_string(),
    );
    one(
        "interlock_anchor_alarms_kept",
        "Alarms of anchors whose evidence is kept.",
        alarms.to_string(),
    );
    let mut each = |name: &str, help: &str, value: &dyn Fn(&AnchorStatus) -> String| {
        let samples: Vec<(String, String)> = anchors
            .iter()
            .map(|status| {
                let labels = format!("{{anchor=\"{}\",kind=\"{}\"}}", status.name, status.kind);
                (labels, value(status))
            })
            .collect();
        family(&mut out, name, help, &samples);
    };
    each(
        "interlock_anchor_age_seconds",
        "Seconds since the anchor took a checkpoint, or since it was configured.",
        &|status| status.age_seconds.to_string(),
    );
    each(
        "interlock_anchor_limit_seconds",
        "Seconds after which the anchor is overdue.",
        &|status| status.overdue_seconds.to_string(),
    );
    each(
        "interlock_anchor_overdue",
        "1 where the anchor is older than its limit.",
        &|status| u8::from(status.overdue).to_string(),
    );
    each(
        "interlock_anchor_alarm",
        "1 where the anchor's last word is against the log.",
        &|status| u8::from(status.alarm.is_some()).to_string(),
    );
    each(
        "interlock_anchor_entries",
        "Entries that the anchor vouches for.",
        &|status| status.size.unwrap_or(0).to_string(),
    );
    each(
        "interlock_anchor_failures",
        "Rounds of the anchor that failed in a row.",
        &|status| status.failures.to_string(),
    );
    out
}

/// One metric with its samples; nothing where there are none. All are gauges: what they say may fall.
fn family(out: &mut String, name: &str, help: &str, samples: &[(String, String)]) {
    if samples.is_empty() {
        return;
    }
    // Writing to a text does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(out, "{name}{labels} {value}");
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_form_of_prometheus() {
        let lag = PublicationLag {
            sequenced: 7,
            published: 5,
            published_at: None,
            waiting_micros: 1_250_000,
        };
        let status = AnchorStatus {
            name: "w1".to_owned(),
            kind: "witness".to_owned(),
            required: false,
            size: Some(5),
            age_seconds: 61,
            overdue_seconds: 60,
            overdue: true,
            failures: 2,
            fault: Some("words that are no metric".to_owned()),
            alarm: None,
        };
        let text = text(&lag, Some(3), false, &[status], 0);
        for line in [
            "# TYPE interlock_log_publication_lag_seconds gauge",
            "interlock_log_entries 7",
            "interlock_log_publication_lag_seconds 1.250000",
            "interlock_anchor_age_seconds{anchor=\"w1\",kind=\"witness\"} 61",
            "interlock_anchor_overdue{anchor=\"w1\",kind=\"witness\"} 1",
            "interlock_anchor_alarm{anchor=\"w1\",kind=\"witness\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("words"), "{text}");
        assert!(text.ends_with('\n'));
    }
}
