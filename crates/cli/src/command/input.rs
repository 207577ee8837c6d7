//! Values and ids as they are typed: JSON, or @FILE, bounded.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::exit::Failure;

/// The bytes of `JSON` or `@FILE`.
pub(super) fn bytes(text: &str, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.as_bytes().to_vec());
    };
    let file = std::fs::File::open(path).map_err(|fault| {
        Failure::usage(
            format!("failed to read `{path}`: {fault}"),
            "name a file after @, or write the JSON itself",
        )
    })?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(Failure::usage(
            format!("failed to read `{path}`: it is longer than {bytes_max} bytes"),
            "send less",
        ));
    }
    Ok(bytes)
}

/// A JSON value.
pub(super) fn value(text: &str) -> Result<serde_json::Value, Failure> {
    let bytes = bytes(text, interlock_core::limits::INPUT_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|fault| {
        Failure::usage(
            format!(
                "failed to parse the JSON: line {}, column {}",
                fault.line(),
                fault.column()
            ),
            "quote it for the shell: '{\"name\": \"value\"}', or write it to a file and give @FILE",
        )
    })
}

/// An id of one kind.
pub(super) fn id<T: FromStr>(text: &str, form: &str) -> Result<T, Failure> {
    T::from_str(text).map_err(|_| {
        Failure::usage(
            format!("failed to read id `{text}`"),
            format!("it has the form {form}"),
        )
    })
}

/// An API key from a file that only its owner may read, or from standard input. Never an argument: those are seen by
/// every process of the machine.
pub(super) fn api_key(file: &std::path::Path) -> Result<Zeroizing<String>, Failure> {
    const KEY_BYTES_MAX: u64 = 256;
    let mut text = Zeroizing::new(String::new());
    if file == std::path::Path::new("-") {
        std::io::stdin()
            .take(KEY_BYTES_MAX)
            .read_to_string(&mut text)?;
    } else {
        let name = file.display();
        let opened = std::fs::File::open(file).map_err(|fault| {
            Failure::usage(
                format!("failed to read API key file `{name}`: {fault}"),
                "interlock key api create SERVICE makes a key; keep it in a file",
            )
        })?;
        if opened.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(Failure::usage(
                format!("failed to use API key file `{name}`: others than its owner may read it"),
                "chmod 600 it, and make a new key if somebody did",
            ));
        }
        opened.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}
