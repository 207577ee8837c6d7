//! Configurations that are refused, each with its line.

use interlock_core::id::EnvironmentName;

use super::*;

fn check(text: &str, line: usize, message: &str) {
    let fault = Config::parse(text, "interlock.toml").unwrap_err();
    assert_eq!(fault.line, line, "{fault}");
    assert!(fault.message.contains(message), "{fault}");
    assert!(!fault.hint.is_empty());
}

#[test]
fn the_starter_parses() {
    let text = starter(
        &EnvironmentName::parse("dev").unwrap(),
        "ann \"x\"",
        &["analyst", "admin"],
    );
    let config = Config::parse(&text, "interlock.toml").unwrap();
    assert_eq!(config.environment.as_str(), "dev");
    assert_eq!(config.roles_of("ann \"x\"").len(), 2);
    assert!(config.roles_of("bob").is_empty());
    assert_eq!(config.aliases.len(), 4);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    check("tenant = \"default\"\n", 1, "environment");
    check("environment = \"dev\"\nlisen = \"x\"\n", 2, "lisen");
    check("environment = \"DEV\"\n", 1, "environment");
    check(
        "environment = \"dev\"\n[aliases]\nwriter = \"nobody\"\n",
        3,
        "no endpoint",
    );
    check(
        "environment = \"dev\"\n[settings]\nregister_token = \"abc\"\n",
        3,
        "plain secret",
    );
    check(
        "environment = \"dev\"\n[settings]\nx = \"sk-ant-123\"\n",
        3,
        "plain secret",
    );
    let endpoint = "environment = \"dev\"\n[[endpoint]]\nname = \"c\"\nprovider = \"anthropic\"\nmodel = \"m\"\nperimeter = \"external\"\nregion = \"us\"\nclearance = \"internal\"\ncategories = [\"any\"]\n";
    check(endpoint, 3, "no secret");
    let plain = format!("{endpoint}secret = \"sk-ant-api-canary\"\n");
    check(&plain, 10, "not a reference");
    assert!(
        !Config::parse(&plain, "f")
            .unwrap_err()
            .to_string()
            .contains("canary")
    );
}
