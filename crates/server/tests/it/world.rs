//! A small world: the bundle `incident-summary` on a real engine in memory, with one of its own cases as script, and
//! people and services with API keys. `ask` is how a test speaks to the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use interlock_bundle::{Bundle, OperatorPolicies};
use interlock_core::id::{ApiKeyId, EndpointName, EnvironmentName, RoleName, TenantName};
use interlock_core::pipeline::identity::{Method, Principal};
use interlock_core::time::Timestamp;
use interlock_runtime::case::{CaseDoors, scripted_endpoint, scripted_model};
use interlock_runtime::clock::{FixedClock, SeededEntropy};
use interlock_runtime::config::Config;
use interlock_runtime::keys::{FileKeys, Keys, KeysParts};
use interlock_runtime::retention::Retention;
use interlock_runtime::seal::{MemoryKeyBook, PayloadSealer};
use interlock_runtime::{Engine, Parts};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::store::Switched;

pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) app: Router,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) store: Switched,
    _scratch: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// The problem's code; empty where it is a success.
    pub(crate) fn code(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.text
        );
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl World {
    /// With a case of the bundle as script.
    pub(crate) async fn of(case: &str) -> Self {
        Self::with(
            case,
            "default",
            Switched::new(EnvironmentName::parse("test").unwrap()),
            1,
        )
        .await
    }

    /// A tenant on a store that others may share.
    pub(crate) async fn with(case: &str, tenant: &str, store: Switched, seed: u64) -> Self {
        let bundle = Bundle::load(&example(), &OperatorPolicies::default()).unwrap();
        Self::over(bundle, case, tenant, (store, seed), Retention::default()).await
    }

    /// With people named on inputs, and everything kept for three months.
    pub(crate) async fn peopled() -> Self {
        let mut files = BTreeMap::new();
        read(&example(), "", &mut files);
        let schema = files.get_mut("schemas/case.json").unwrap();
        let people = r#""properties": { "reporter": { "type": "string", "maxLength": 64, "x-interlock": { "subject": true } },"#;
        *schema = String::from_utf8(schema.clone())
            .unwrap()
            .replace(r#""properties": {"#, people)
            .into_bytes();
        let bundle = Bundle::load_files(files, &OperatorPolicies::default()).unwrap();
        let classes = "environment = \"test\"\n[[retention]]\nname = \"default\"\nbasis = \"contract\"\nmax_months = 3\n";
        let config = Config::parse(classes, "interlock.toml").unwrap();
        let store = Switched::new(EnvironmentName::parse("test").unwrap());
        Self::over(bundle, "clean", "default", (store, 1), config.retention).await
    }

    async fn over(
        bundle: Bundle,
        case: &str,
        tenant: &str,
        (store, seed): (Switched, u64),
        retention: Retention,
    ) -> Self {
        let operator = OperatorPolicies::default();
        let case = bundle
            .tests()
            .iter()
            .find(|found| found.name == case)
            .unwrap()
            .clone();
        let scratch = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_micros(
            1_767_225_600_000_000,
        )));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let keys = Arc::new(Keys::new(KeysParts {
            provider: Arc::new(FileKeys::ephemeral(entropy.clone()).unwrap()),
            book: Arc::new(MemoryKeyBook::default()),
            environment: EnvironmentName::parse("test").unwrap(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            holders: Vec::new(),
        }));
        let endpoints: BTreeMap<_, _> = bundle
            .models()
            .iter()
            .filter_map(scripted_endpoint)
            .map(|endpoint| (endpoint.name.clone(), endpoint))
            .collect();
        let aliases = bundle
            .models()
            .iter()
            .map(|alias| (alias.clone(), EndpointName::parse(alias.as_str()).unwrap()))
            .collect();
        let engine = Engine::new(Parts {
            tenant: TenantName::parse(tenant).unwrap(),
            store: Arc::new(store.clone()),
            sealer: Arc::new(PayloadSealer::new(Arc::clone(&keys), entropy.clone())),
            book: keys,
            clock: clock.clone(),
            entropy,
            models: Arc::new(scripted_model(&case)),
            doors: Arc::new(CaseDoors::new(&case, scratch.path())),
            endpoints,
            aliases,
            policies: operator,
            keep: interlock_runtime::keep::KeepRules::default(),
        })
        .keep_by(retention);
        engine.deploy(bundle, None).await.unwrap();
        let app = interlock_server::app(Arc::clone(&engine));
        Self {
            engine,
            app,
            clock,
            store,
            _scratch: scratch,
        }
    }

    pub(crate) async fn service(&self, name: &str, roles: &[&str]) -> String {
        self.key_of(
            &self
                .engine
                .service(name, roles_of(roles), Method::ApiKey)
                .await
                .unwrap(),
        )
        .await
        .1
    }

    pub(crate) async fn person(&self, name: &str, roles: &[&str]) -> String {
        self.key_of(
            &self
                .engine
                .local_person(name, roles_of(roles), Method::ApiKey)
                .await
                .unwrap(),
        )
        .await
        .1
    }

    pub(crate) async fn key_of(&self, principal: &Principal) -> (ApiKeyId, String) {
        let (id, key) = self
            .engine
            .create_api_key(principal, None, None)
            .await
            .unwrap();
        (id, key.as_str().to_owned())
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Said {
        self.ask("GET", path, Some(key), None).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Said {
        self.ask("POST", path, Some(key), Some(body)).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Said {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Said {
        let (method, path) = (
            request.method().to_string(),
            request.uri().path().to_owned(),
        );
        let bare = request.method() == "HEAD" || request.uri().path() == "/readyz";
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(parts.headers[name], value);
        }
        assert!(parts.headers.contains_key("x-request-id"));
        assert!(
            !parts.headers.contains_key("server")
                && !parts.headers.contains_key("access-control-allow-origin")
        );
        assert!(!text.contains("SECRET"), "{text}");
        if !parts.status.is_success() && !bare {
            fits("Problem", &serde_json::from_str(&text).unwrap());
        }
        documented(&method, &path, parts.status);
        Said {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// Starts the case's run and drives it as far as it goes by itself.
    pub(crate) async fn started(&self, key: &str, input: Value) -> String {
        let said = self
            .post(
                "/api/v1/runs",
                key,
                json!({"bundle": "incident-summary", "input": input}),
            )
            .await;
        assert_eq!(said.status, StatusCode::ACCEPTED, "{}", said.text);
        fits("Run", &said.json());
        let run = said.json()["run"].as_str().unwrap().to_owned();
        assert_eq!(said.headers["location"], format!("/api/v1/runs/{run}"));
        self.engine.drive_all().await.unwrap();
        run
    }

    /// Entries of the log, runs and waits: what an act that is not done leaves as it is.
    pub(crate) async fn store_state(&self) -> String {
        let (store, tenant) = (self.engine.store(), self.engine.tenant());
        let totals = store.totals(tenant).await.unwrap();
        let waits = store.waits(tenant, None).await.unwrap();
        let world = store.records(tenant, "world").await.unwrap();
        format!("{totals:?} {waits:?} {world:?}")
    }

    /// What the one run waits for.
    pub(crate) async fn waits_for(&self, run: &str, key: &str) -> String {
        self.get(&format!("/api/v1/runs/{run}"), key).await.json()["waits_for"][0]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// The document, made once: it is held against every answer.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(interlock_server::document)
}

/// Every answer of a route has a status that the document has for it.
fn documented(method: &str, path: &str, status: StatusCode) {
    let fits = |route: &interlock_server::Listed| {
        let (wanted, given): (Vec<_>, Vec<_>) =
            (route.path.split('/').collect(), path.split('/').collect());
        let same = |(word, found): (&&str, &&str)| word == found || word.starts_with('{');
        route.method == method && wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
    };
    if let Some(route) = interlock_server::routes().find(fits) {
        let document = document();
        let responses = &document["paths"][route.path][method.to_lowercase()]["responses"];
        assert!(
            responses.get(status.as_u16().to_string()).is_some(),
            "{method} {} {status}",
            route.path
        );
    }
}

/// Holds a real answer against the schema that the document has for it.
pub(crate) fn fits(name: &str, answer: &Value) {
    let components = &document()["components"];
    let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(&schema)
        .unwrap();
    let faults: Vec<String> = validator
        .iter_errors(answer)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:?}\n{answer:#}");
}

pub(crate) fn roles_of(names: &[&str]) -> std::collections::BTreeSet<RoleName> {
    names
        .iter()
        .map(|name| RoleName::parse(name).unwrap())
        .collect()
}

/// The files of a folder, by path.
fn read(folder: &Path, under: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{under}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/incident-summary")
}
