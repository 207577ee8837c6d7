//! Every answer that is no success: problem+json (RFC 9457) with a stable code. Each code has one status, title and
//! hint here and one page in `docs/errors`. No content and no internal detail is ever in one; those go to the trace.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use interlock_core::seams::Violation;
use serde_json::{Map, Value, json};

/// What went wrong, as callers may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    Unauthenticated,
    Denied,
    RoleMissing,
    OwnRequest,
    OfficeMissing,
    NotFound,
    MethodNotAllowed,
    AddressTooLong,
    HeadersTooLarge,
    BodyTooLarge,
    MediaType,
    MalformedJson,
    InvalidRequest,
    InvalidParameter,
    ReasonMissing,
    ReasonTooLong,
    KeyReused,
    Unstartable,
    InputRejected,
    ValueInvalid,
    NotNow,
    NotCurrent,
    OtherDigest,
    VotedAlready,
    SettlementRefused,
    RunFull,
    Moved,
    Held,
    MustBeKept,
    OtherOrder,
    Unpublished,
    ExportRefused,
    ExportTooLarge,
    Erased,
    NotKept,
    TooBusy,
    TimedOut,
    OutcomeUnknown,
    StoreUnavailable,
    KeysUnavailable,
    BundleUnavailable,
    LogDamaged,
    LogRefused,
    ErasureUnproven,
    Internal,
}

impl Code {
    /// All codes.
    pub(crate) const ALL: [Self; 45] = [
        Self::Unauthenticated,
        Self::Denied,
        Self::RoleMissing,
        Self::OwnRequest,
        Self::OfficeMissing,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::AddressTooLong,
        Self::HeadersTooLarge,
        Self::BodyTooLarge,
        Self::MediaType,
        Self::MalformedJson,
        Self::InvalidRequest,
        Self::InvalidParameter,
        Self::ReasonMissing,
        Self::ReasonTooLong,
        Self::KeyReused,
        Self::Unstartable,
        Self::InputRejected,
        Self::ValueInvalid,
        Self::NotNow,
        Self::NotCurrent,
        Self::OtherDigest,
        Self::VotedAlready,
        Self::SettlementRefused,
        Self::RunFull,
        Self::Moved,
        Self::Held,
        Self::MustBeKept,
        Self::OtherOrder,
        Self::Unpublished,
        Self::ExportRefused,
        Self::ExportTooLarge,
        Self::Erased,
        Self::NotKept,
        Self::TooBusy,
        Self::TimedOut,
        Self::OutcomeUnknown,
        Self::StoreUnavailable,
        Self::KeysUnavailable,
        Self::BundleUnavailable,
        Self::LogDamaged,
        Self::LogRefused,
        Self::ErasureUnproven,
        Self::Internal,
    ];

    /// The stable code; `docs/errors/<code>.md` is its page.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::RoleMissing => "role_missing",
            Self::OwnRequest => "own_request",
            Self::OfficeMissing => "office_missing",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::AddressTooLong => "address_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::BodyTooLarge => "body_too_large",
            Self::MediaType => "media_type",
            Self::MalformedJson => "malformed_json",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidParameter => "invalid_parameter",
            Self::ReasonMissing => "reason_missing",
            Self::ReasonTooLong => "reason_too_long",
            Self::KeyReused => "key_reused",
            Self::Unstartable => "unstartable",
            Self::InputRejected => "input_rejected",
            Self::ValueInvalid => "value_invalid",
            Self::NotNow => "not_now",
            Self::NotCurrent => "not_current",
            Self::OtherDigest => "other_digest",
            Self::VotedAlready => "voted_already",
            Self::SettlementRefused => "settlement_refused",
            Self::RunFull => "run_full",
            Self::Moved => "moved",
            Self::Held => "held",
            Self::MustBeKept => "must_be_kept",
            Self::OtherOrder => "other_order",
            Self::Unpublished => "unpublished",
            Self::ExportRefused => "export_refused",
            Self::ExportTooLarge => "export_too_large",
            Self::Erased => "erased",
            Self::NotKept => "not_kept",
            Self::TooBusy => "too_busy",
            Self::TimedOut => "timed_out",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::StoreUnavailable => "store_unavailable",
            Self::KeysUnavailable => "keys_unavailable",
            Self::BundleUnavailable => "bundle_unavailable",
            Self::LogDamaged => "log_damaged",
            Self::LogRefused => "log_refused",
            Self::ErasureUnproven => "erasure_unproven",
            Self::Internal => "internal",
        }
    }

    /// Status, title and hint.
    pub(crate) const fn entry(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (
                401,
                "no valid credential",
                "send `Authorization: Bearer ilk_…` with an API key that is neither revoked nor expired",
            ),
            Self::Denied => (
                403,
                "policy says no",
                "`policies` names what determined it; ask who owns those policies",
            ),
            Self::RoleMissing => (
                403,
                "you may not vote on this",
                "people vote who hold one of the roles that the review asks for",
            ),
            Self::OwnRequest => (
                403,
                "nobody reviews what they asked for themselves",
                "ask another person who holds the role",
            ),
            Self::OfficeMissing => (
                403,
                "this takes a role that you do not hold",
                "`roles` names those that may; where `people` is true, services may not",
            ),
            Self::NotFound => (
                404,
                "there is no such thing, or it is not yours to see",
                "check the id; a settled item is not listed",
            ),
            Self::MethodNotAllowed => (405, "this path takes other methods", "`Allow` names them"),
            Self::AddressTooLong => (414, "path and query are too long", "at most 2048 bytes"),
            Self::HeadersTooLarge => (
                431,
                "the headers are too large",
                "at most 64 headers and 16 KiB",
            ),
            Self::BodyTooLarge => (413, "the body is too large", "at most 2 MiB"),
            Self::MediaType => (
                415,
                "the body is not declared as JSON",
                "send `Content-Type: application/json`",
            ),
            Self::MalformedJson => (
                400,
                "the body is not JSON that is taken here",
                "one JSON value in UTF-8, no member named twice, at most 32 levels and 100000 values",
            ),
            Self::InvalidRequest => (
                400,
                "the body does not fit the route's schema",
                "`violations` names each place; see /api/v1/openapi.json",
            ),
            Self::InvalidParameter => (
                400,
                "a parameter or header does not fit",
                "`at` names it; see /api/v1/openapi.json",
            ),
            Self::ReasonMissing => (400, "a reason is needed", "send `reason`"),
            Self::ReasonTooLong => (400, "the reason is too long", "at most 2000 characters"),
            Self::KeyReused => (
                409,
                "this idempotency key was used for another request",
                "use a new key for a new request",
            ),
            Self::Unstartable => (
                422,
                "the bundle cannot start this here",
                "check the workflow and the environments of the bundle",
            ),
            Self::InputRejected => (
                422,
                "the input does not fit the workflow",
                "`violations` names each place; the refusal is journalled as `run`",
            ),
            Self::ValueInvalid => (
                422,
                "the value does not fit the step's schema",
                "`violations` names each place; the item shows the schema",
            ),
            Self::NotNow => (409, "the run cannot take this now", "look at the run again"),
            Self::NotCurrent => (
                409,
                "the run is about something else by now",
                "look at the run again",
            ),
            Self::OtherDigest => (
                409,
                "what you were shown is not what is under review now",
                "read the review again and vote on its `digest`",
            ),
            Self::VotedAlready => (409, "you have voted already", "one person has one vote"),
            Self::SettlementRefused => (
                409,
                "this settlement does not fit the item",
                "`settlements` of the item names what does",
            ),
            Self::RunFull => (
                409,
                "the run has as many events as it may have",
                "start a new run",
            ),
            Self::Moved => (
                409,
                "the run moved meanwhile",
                "look at the run and ask again",
            ),
            Self::Held => (
                409,
                "a legal hold covers it",
                "`holds` names them: GET /api/v1/holds says what each covers; release it first",
            ),
            Self::MustBeKept => (
                409,
                "a retention class says that some of it must be kept for longer",
                "`dry_run` says which; GET /api/v1/retention shows the classes",
            ),
            Self::OtherOrder => (
                409,
                "the person is being erased on another order",
                "finish that one first: send the reference of that order; `erasure` names it",
            ),
            Self::Unpublished => (
                409,
                "nothing of the log is published yet",
                "it is at most a second after an append; if it lasts, `interlock doctor` says why",
            ),
            Self::ExportRefused => (
                422,
                "there is nothing of that kind to be exported",
                "GET /api/v1/search shows what there is; `detail` says what is missing",
            ),
            Self::ExportTooLarge => (
                422,
                "that is more than one export holds",
                "export a smaller part, or use `interlock audit export`",
            ),
            Self::Erased => (
                410,
                "the content was erased",
                "nothing brings it back; the log still verifies",
            ),
            Self::NotKept => (
                410,
                "the content was never kept",
                "a `[[keep]]` rule says that its digest alone is kept",
            ),
            Self::TooBusy => (
                429,
                "too many requests are under way",
                "ask again after `Retry-After` seconds",
            ),
            Self::TimedOut => (
                504,
                "the answer took too long",
                "what was asked may still happen: look before asking again",
            ),
            Self::OutcomeUnknown => (
                503,
                "it is not known whether this was stored",
                "look at the run before asking again; with an idempotency key, repeat",
            ),
            Self::StoreUnavailable => (
                503,
                "the store cannot be reached",
                "nothing was done; ask again later",
            ),
            Self::KeysUnavailable => (
                503,
                "the keys cannot be reached or do not fit",
                "the operator should look at /readyz and the log",
            ),
            Self::BundleUnavailable => (
                503,
                "the bundle cannot be loaded",
                "the operator should deploy it again",
            ),
            Self::LogDamaged => (
                500,
                "the log does not verify",
                "nothing is driven on it; the operator should run `interlock audit verify`",
            ),
            Self::LogRefused => (
                503,
                "the log is not signed any more, so no run is started",
                "the operator should run `interlock doctor`, which says why",
            ),
            Self::ErasureUnproven => (
                500,
                "something that was to be gone still opens",
                "it is not done: ask again the same; if it stays, tell the operator the `X-Request-Id`",
            ),
            Self::Internal => (
                500,
                "this is a fault of ours",
                "tell the operator the `X-Request-Id` of this answer",
            ),
        }
    }

    /// Whether asking again unchanged may help.
    const fn passes(self) -> bool {
        matches!(
            self,
            Self::TooBusy | Self::StoreUnavailable | Self::KeysUnavailable
        )
    }
}

/// One answer that is no success.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    members: Map<String, Value>,
    allow: Option<HeaderValue>,
}

impl Problem {
    pub(crate) fn new(code: Code) -> Self {
        Self {
            code,
            members: Map::new(),
            allow: None,
        }
    }

    /// Which parameter, header or member: a name of the interface, never a value.
    pub(crate) fn at(code: Code, place: &str) -> Self {
        Self::new(code).with("at", place)
    }

    /// With an extension member.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// With the places that do not fit. A violation holds no part of the value.
    pub(crate) fn violations(self, violations: &[Violation]) -> Self {
        let list: Vec<Value> = violations
            .iter()
            .map(|found| json!({"at": found.at, "keyword": found.keyword, "expected": found.expected}))
            .collect();
        self.with("violations", list)
    }

    /// With the methods that the path takes.
    pub(crate) fn allowing(mut self, methods: &str) -> Self {
        self.allow = HeaderValue::from_str(methods).ok();
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, hint) = self.code.entry();
        let mut body = self.members;
        body.insert(
            "type".to_owned(),
            format!("urn:interlock:error:{}", self.code.code()).into(),
        );
        body.insert("code".to_owned(), self.code.code().into());
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), status.into());
        body.insert("hint".to_owned(), hint.into());
        let mut response = Response::new(axum::body::Body::from(Value::Object(body).to_string()));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code == Code::Unauthenticated {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"interlock\""),
            );
        }
        if self.code.passes() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}
