//! What a value of a run may become in an address, a path or a command, and what a command may do.

use std::time::Instant;

use interlock_bundle::{CommandConnector, CommandInput, ReadOutput};
use interlock_core::id::{EnvironmentName, SecretName};
use interlock_core::pipeline::tool::EffectKnown;
use serde_json::json;

use super::*;
use crate::clock::SeededEntropy;
use crate::egress::loopback::way_out;
use crate::keys::FileKeys;
use crate::secret::Secret;

/// A machine with a secret `token`, a setting `host` and a folder `logs`.
pub(crate) fn site(directory: &Path) -> Site {
    let key = Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let environment = EnvironmentName::parse("test").unwrap();
    let secrets = SecretStore::new(directory, environment, key);
    // Apart from the test's own runtime, which some tests do not have.
    let keep = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let name = SecretName::parse("token").unwrap();
        runtime
            .block_on(secrets.set(&name, &Secret::new("s3cret")))
            .unwrap();
    };
    std::thread::scope(|scope| scope.spawn(keep).join().unwrap());
    Site {
        settings: [("host".to_owned(), "127.0.0.1".to_owned())].into(),
        roots: [("logs".to_owned(), directory.join("logs"))].into(),
        outside: Some(Outside {
            egress: Arc::new(way_out()),
            secrets: Arc::new(secrets),
        }),
        entropy: Arc::new(SeededEntropy::new(1)),
        ..Site::offline(directory)
    }
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn values_are_escaped_for_where_they_go_or_refused() {
    use Within::{Argument, Path, Url};
    let directory = tempfile::tempdir().unwrap();
    let site = site(directory.path());
    let refused = Err(CallFault::Rejected);
    let check = |text: &str, within, value: Value, expected: Result<&str, CallFault>| {
        let values = json!({"v": value});
        let filling = Filling {
            values: &values,
            key: Some("act_1"),
        };
        let filled = fill(&pattern(text), within, filling, &site);
        assert_eq!(
            filled.as_deref().map_err(|fault| *fault),
            expected,
            "{text} {within:?} {values}"
        );
    };
    check(
        "http://${setting.host}/a/{v}?k={idempotency_key}",
        Url,
        json!("x"),
        Ok("http://127.0.0.1/a/x?k=act_1"),
    );
    check(
        "/{v}",
        Url,
        json!("a/../b?c#d e%2f\u{e4}"),
        Ok("/a%2F..%2Fb%3Fc%23d%20e%252f%C3%A4"),
    );
    check("/{v}", Url, json!("user@evil"), Ok("/user%40evil"));
    check("/{v}", Url, json!(-3), Ok("/-3"));
    check("/{v}", Url, json!(true), Ok("/true"));
    for value in [
        json!(".."),
        json!("."),
        json!(""),
        json!(1.5),
        json!(null),
        json!([]),
        json!({}),
        json!("a\0"),
    ] {
        check("/{v}", Url, value, refused);
    }
    check(
        "data/{v}.json",
        Path,
        json!("CASE-1042"),
        Ok("data/CASE-1042.json"),
    );
    for value in ["..", "a/b", ".hidden", "a\\b", "a b", "\u{e4}", "a\n"] {
        check("data/{v}.json", Path, json!(value), refused);
    }
    check(
        "--case={v}",
        Argument,
        json!("-x y; $(z)"),
        Ok("--case=-x y; $(z)"),
    );
    check("{v}", Argument, json!("a b"), Ok("a b"));
    for value in ["-x", "--", "a\0b"] {
        check("{v}", Argument, json!(value), refused);
    }
    check("{missing}", Argument, json!("x"), refused);
    check(
        "${setting.none}",
        Argument,
        json!("x"),
        Err(CallFault::Configuration),
    );
}

fn shell(script: &str, stdin: CommandInput) -> CommandConnector {
    let argv = vec![
        pattern("/bin/sh"),
        pattern("-c"),
        Pattern::parse(script).unwrap(),
        pattern("own"),
        pattern("x{v}"),
    ];
    CommandConnector {
        argv,
        stdin,
        output: ReadOutput::Json,
    }
}

async fn run(
    site: &Site,
    connector: &CommandConnector,
) -> Result<String, (CallFault, EffectKnown)> {
    let values = json!({"v": "$(id); `id`"});
    let filling = Filling {
        values: &values,
        key: None,
    };
    let printed = command::run(connector, filling, 2000, 1000, site).await?;
    Ok(String::from_utf8(printed).unwrap())
}

#[tokio::test]
async fn a_command_sees_its_arguments_and_nothing_of_ours() {
    let directory = tempfile::tempdir().unwrap();
    let site = site(directory.path());
    let held_open = std::fs::File::open("/etc/passwd").unwrap();
    let said = |script: &'static str, stdin| {
        let connector = shell(script, stdin);
        let site = &site;
        async move { run(site, &connector).await }
    };
    assert_eq!(
        said("printf %s \"$1\"", CommandInput::None).await.unwrap(),
        "x$(id); `id`"
    );
    let environment = said("/usr/bin/env", CommandInput::None).await.unwrap();
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(
            ["PWD", "OLDPWD", "SHLVL", "_"].contains(&name),
            "{environment}"
        );
    }
    let descriptors = said(
        "for f in /proc/self/fd/*; do printf '%s\\n' \"$f\"; done",
        CommandInput::None,
    )
    .await
    .unwrap();
    // The fourth is the shell's own, on the directory that it lists.
    assert_eq!(descriptors.lines().count(), 4, "{descriptors}");
    drop(held_open);
    assert_eq!(
        said("/bin/cat", CommandInput::Json).await.unwrap(),
        "{\"v\":\"$(id); `id`\"}"
    );
    assert_eq!(said("/bin/cat", CommandInput::None).await.unwrap(), "");
    let own = said("pwd; echo left > behind; /bin/ls -ld .", CommandInput::None)
        .await
        .unwrap();
    assert!(own.contains("work/") && own.contains("drwx------"), "{own}");
    assert!(
        !Path::new(own.lines().next().unwrap()).exists(),
        "its directory is removed"
    );
    assert_eq!(
        std::fs::read_dir(directory.path().join("work"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_command_is_bounded_and_ends_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let site = site(directory.path());
    let unknown = EffectKnown::Unknown;
    for (script, expected) in [
        ("exit 3", Err((CallFault::Unavailable, unknown))),
        ("/usr/bin/yes", Err((CallFault::Malformed, unknown))),
        ("/bin/sleep 30", Err((CallFault::Timeout, unknown))),
        ("/bin/sleep 30 & wait", Err((CallFault::Timeout, unknown))),
        ("printf done", Ok("done".to_owned())),
    ] {
        let began = Instant::now();
        assert_eq!(
            run(&site, &shell(script, CommandInput::None)).await,
            expected,
            "{script}"
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{script}");
    }
    // What was started in the background and let go of its output is killed too.
    let mark = directory.path().join("mark");
    let script = format!(
        "(/bin/sleep 1; echo late > {}) >/dev/null 2>&1 & printf done",
        mark.display()
    );
    assert_eq!(
        run(&site, &shell(&script, CommandInput::None)).await,
        Ok("done".to_owned())
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_cannot_be_started_was_not_performed() {
    let directory = tempfile::tempdir().unwrap();
    let mut site = site(directory.path());
    let not_performed = Err((CallFault::Configuration, EffectKnown::NotPerformed));
    let program = |program: &str| CommandConnector {
        argv: vec![pattern(program)],
        stdin: CommandInput::None,
        output: ReadOutput::Json,
    };
    assert_eq!(
        run(&site, &program("/nonexistent/program")).await,
        not_performed
    );
    assert_eq!(run(&site, &program("sh")).await, not_performed);
    let option = CommandConnector {
        argv: vec![pattern("/bin/echo"), pattern("{w}")],
        ..program("/bin/echo")
    };
    assert_eq!(
        run(&site, &option).await,
        Err((CallFault::Rejected, EffectKnown::NotPerformed))
    );
    site.outside = None;
    assert_eq!(run(&site, &program("/bin/true")).await, not_performed);
}
