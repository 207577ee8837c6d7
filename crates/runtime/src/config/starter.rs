//! The configuration that `interlock init` and the demo write: it parses, and says what each part is for.

use interlock_core::id::EnvironmentName;

/// A commented configuration for an environment, with the given user as a person of this machine.
#[must_use]
pub fn starter(environment: &EnvironmentName, user: &str, roles: &[&str]) -> String {
    let roles: Vec<String> = roles.iter().map(|role| format!("\"{role}\"")).collect();
    // A user name is text that somebody chose: it is written as TOML writes texts.
    let user = toml::Value::String(user.to_owned());
    format!(
        r#"# Interlock's configuration. Unknown keys are refused; secrets are references, never values.
tenant = "default"
# A store is one environment; it cannot change later.
environment = "{environment}"
listen = "127.0.0.1:7411"

# Where models run. `clearance` and `categories` are the most that an endpoint may be shown; policy holds to them.
[[endpoint]]
name = "claude"
provider = "anthropic"
model = "claude-sonnet-5-5"
perimeter = "external"
region = "us"
agreements = []
clearance = "confidential"
categories = ["any"]
secret = "secret://anthropic"   # interlock key set anthropic
timeout_seconds = 120

# A local model behind any OpenAI-compatible server:
# [[endpoint]]
# name = "local"
# provider = "compatible"
# base_url = "http://127.0.0.1:8089/v1"
# model = "local"
# perimeter = "inside"
# region = "local"
# clearance = "restricted"
# categories = ["any"]
# allow_private = true

# What the workflows' model names stand for.
[aliases]
writer = "claude"
writer_backup = "claude"
reader = "claude"
reader_backup = "claude"

# Millionths of a dollar for a million tokens.
[prices."claude-sonnet-5-5"]
input = 2_000_000
cached = 100_000
output = 10_000_000

[prices."claude-opus-5-5"]
input = 4_000_000
cached = 200_000
output = 20_000_000

# Who keeps the key that wraps all others; without this, the file keys/local.key. docs/keys.md:
# [keys]
# provider = "transit"
# url = "https://bao.internal:8200"
# token_file = "/run/interlock/token"

# People of this machine, by the operating system's user name. Who asks for a run may not approve it: name a second
# person here where reviews are to be decided.
[[people]]
user = {user}
roles = [{roles}]
"#,
        roles = roles.join(", "),
    )
}
