//! `interlock key`: secrets and API keys. A value is asked for or read from a pipe; never an argument, a configuration
//! file or an environment variable.

use interlock_core::id::{EnvironmentName, RoleName, SecretName};
use interlock_core::pipeline::identity::Method;
use interlock_runtime::administration::Office;
use interlock_runtime::secret::{Secret, SecretFault};
use std::io::Read;

use super::{init, input};
use crate::door::{Installation, data_dir, in_office};
use crate::exit::{Exit, Failure};
use crate::options::{ApiCommand, Common, KeyCommand};
use crate::print;

mod epochs;

/// Bytes read from a pipe.
const PIPE_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn run(common: &Common, command: KeyCommand) -> Result<Exit, Failure> {
    if let KeyCommand::Set { name, stdin } = &command {
        // What is refused makes no installation.
        secret_name(name)?;
        if !stdin && !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return Err(Failure::usage(
                "failed to ask for the secret: there is no terminal",
                "read it from a pipe with --stdin",
            ));
        }
        first(common)?;
    }
    // It asks for the present passphrase itself, once.
    if let KeyCommand::Passphrase { from_file, remove } = &command {
        return epochs::passphrase(common, from_file.as_deref(), *remove);
    }
    let installation = Installation::open(common)?;
    match command {
        KeyCommand::Passphrase { .. } => Ok(Exit::Done),
        KeyCommand::Set { name, stdin } => {
            in_office(&installation.config, Office::Secrets)?;
            let name = secret_name(&name)?;
            let secret = if stdin {
                let mut text = String::new();
                std::io::stdin()
                    .take(PIPE_BYTES_MAX)
                    .read_to_string(&mut text)?;
                Secret::new(&text)
            } else {
                let text =
                    rpassword::prompt_password(format!("value of secret {name} (not shown): "))?;
                Secret::new(&text)
            };
            installation.secrets.set(&name, &secret).await?;
            done(
                common,
                &format!("secret {name} is sealed"),
                serde_json::json!({"set": name.to_string()}),
            )
        }
        KeyCommand::List => {
            let names: Vec<String> = installation
                .secrets
                .list()?
                .iter()
                .map(ToString::to_string)
                .collect();
            if common.json {
                print::json(&names)?;
            } else if names.is_empty() {
                print::line("no secrets; keep one: interlock key set NAME");
            } else {
                names.iter().for_each(|name| print::line(name));
            }
            Ok(Exit::Done)
        }
        KeyCommand::Remove { name } => {
            in_office(&installation.config, Office::Secrets)?;
            let name = secret_name(&name)?;
            installation.secrets.remove(&name)?;
            done(
                common,
                &format!("secret {name} is gone"),
                serde_json::json!({"removed": name.to_string()}),
            )
        }
        KeyCommand::Api(command) => api(common, &installation, command).await,
        KeyCommand::Rotate => epochs::rotate(common, &installation).await,
        KeyCommand::Status => epochs::status(common, &installation).await,
    }
}

/// The first secret of a machine makes its installation, of environment dev, where none was made.
fn first(common: &Common) -> Result<(), Failure> {
    let dir = data_dir(common)?;
    if dir.join("interlock.toml").exists() {
        return Ok(());
    }
    let environment =
        EnvironmentName::parse("dev").map_err(|fault| Failure::failed(fault.to_string()))?;
    init::make(&dir, &environment)?;
    print::aside(&format!(
        "made an installation for environment dev in {}",
        dir.display()
    ));
    Ok(())
}

async fn api(
    common: &Common,
    installation: &Installation,
    command: ApiCommand,
) -> Result<Exit, Failure> {
    let engine = installation.engine()?;
    match command {
        ApiCommand::Create {
            service,
            person,
            roles,
            days,
        } => {
            let roles = roles
                .iter()
                .map(|role| RoleName::parse(role))
                .collect::<Result<_, _>>();
            let roles = roles.map_err(|fault| {
                Failure::usage(format!("failed to {fault}"), "--roles requester,operator")
            })?;
            if days == 0 || days > 366 {
                return Err(Failure::usage(
                    format!("failed to make a key for {days} days"),
                    "--days 1 to 366",
                ));
            }
            // Before an account is made for them.
            let by = installation.person(&engine).await?;
            Office::ApiKeys.held(by.kind(), by.roles())?;
            let account = if person {
                let roles = installation.config.roles_of(&service);
                if roles.is_empty() {
                    return Err(Failure::usage(
                        format!(
                            "failed to make a key for person `{service}`: the configuration names no such person"
                        ),
                        "name them with their roles under [[people]] in interlock.toml",
                    ));
                }
                engine.local_person(&service, roles, Method::ApiKey).await?
            } else {
                engine.service(&service, roles, Method::ApiKey).await?
            };
            let expires = engine.clock().now().plus_seconds(days * 86_400);
            let (id, text) = engine
                .create_api_key(&account, Some(expires), Some(&by))
                .await?;
            if common.json {
                print::json(
                    &serde_json::json!({"id": id.to_string(), "key": text.as_str(), "expires_at": expires.to_string()}),
                )?;
            } else {
                print::line(&format!(
                    "{id} for {service}, until {expires}; shown this once:"
                ));
                print::line(&text);
            }
            Ok(Exit::Done)
        }
        ApiCommand::Revoke { id } => {
            let by = installation.person(&engine).await?;
            engine
                .revoke_api_key(input::id(&id, "key_ and 26 characters")?, Some(&by))
                .await?;
            done(
                common,
                &format!("{id} is revoked"),
                serde_json::json!({ "revoked": id }),
            )
        }
    }
}

fn secret_name(name: &str) -> Result<SecretName, Failure> {
    SecretName::parse(name)
        .map_err(|fault| Failure::usage(format!("failed to {fault}"), "for example anthropic"))
}

fn done(common: &Common, text: &str, value: serde_json::Value) -> Result<Exit, Failure> {
    if common.json {
        print::json(&value)?;
    } else {
        print::line(text);
    }
    Ok(Exit::Done)
}

impl From<SecretFault> for Failure {
    fn from(fault: SecretFault) -> Self {
        let text = fault.to_string();
        match text.split_once("\nhint: ") {
            Some((message, hint)) => Self::usage(format!("failed to {message}"), hint),
            None if matches!(fault, SecretFault::Form(_)) => Self::usage(
                format!("failed to {text}"),
                "a secret is one line of text, as its provider shows it",
            ),
            None => Self::failed(format!("failed to {text}")),
        }
    }
}
