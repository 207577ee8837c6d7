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

#[test]
fn the_key_provider_is_checked_and_holds_no_secret() {
    let keys = |text: &str| {
        Config::parse(&format!("environment = \"dev\"\n[keys]\n{text}"), "f").map(|c| c.keys)
    };
    let file = ProviderConfig::File(PassphraseSource::Terminal);
    assert_eq!(keys("provider = \"file\"\n").unwrap().provider, file);
    assert_eq!(
        Config::parse("environment = \"dev\"\n", "f").unwrap().keys,
        KeysConfig::default()
    );
    let transit =
        "provider = \"transit\"\nurl = \"https://bao.internal:8200/\"\ntoken_file = \"/run/t\"\n";
    let parsed = keys(&format!(
        "{transit}[keys.former]\nprovider = \"file\"\npassphrase_fd = 9\n"
    ));
    let parsed = parsed.unwrap();
    assert_eq!(
        parsed.former,
        Some(ProviderConfig::File(PassphraseSource::Descriptor(9)))
    );
    let ProviderConfig::Transit(access) = parsed.provider else {
        panic!("it is a transit engine");
    };
    assert_eq!(access.url, "https://bao.internal:8200");
    assert_eq!(
        (access.mount.as_str(), access.key.as_str()),
        ("transit", "interlock")
    );
    let kms = "provider = \"kms\"\nregion = \"eu-central-1\"\ncredentials_file = \"/run/c\"\n";
    let ProviderConfig::Kms(access) = keys(kms).unwrap().provider else {
        panic!("it is KMS");
    };
    assert_eq!(access.endpoint, "https://kms.eu-central-1.amazonaws.com");
    assert_eq!(access.pending_days, 7);
    for (text, line, message) in [
        ("provider = \"hsm\"\n", 3, "not known"),
        (
            "provider = \"file\"\npassphrase = \"canary\"\n",
            4,
            "unknown field",
        ),
        (
            "provider = \"file\"\npassphrase_fd = 1\n",
            4,
            "out of bounds",
        ),
        ("provider = \"file\"\nregion = \"eu\"\n", 4, "no setting"),
        ("provider = \"transit\"\ntoken_file = \"/t\"\n", 3, "no url"),
        (
            "provider = \"transit\"\nurl = \"http://bao:8200\"\ntoken_file = \"/t\"\n",
            4,
            "TLS",
        ),
        (
            "provider = \"transit\"\nurl = \"https://bao\"\n",
            3,
            "login",
        ),
        (
            "provider = \"transit\"\nurl = \"https://bao\"\nrole_id = \"r\"\n",
            3,
            "login",
        ),
        (
            "provider = \"kms\"\ncredentials_file = \"/c\"\n",
            3,
            "no region",
        ),
        (
            "provider = \"kms\"\nregion = \"eu\"\n",
            3,
            "credentials_file",
        ),
        (
            "provider = \"kms\"\nregion = \"eu\"\ncredentials_file = \"/c\"\npending_days = 3\n",
            6,
            "out of bounds",
        ),
        (
            "provider = \"file\"\n[keys.former]\nprovider = \"file\"\n",
            5,
            "same kind",
        ),
    ] {
        check(
            &format!("environment = \"dev\"\n[keys]\n{text}"),
            line,
            message,
        );
    }
}
