//! Tokens: the same value under the same key has the same one, and without the key nobody can try values out.

use aws_lc_rs::hmac;
use serde_json::Value;
use zeroize::ZeroizeOnDrop;

/// Bytes from which a value is linked: of shorter ones (a yes, a small number) each would be told by how often it is
/// there.
pub(crate) const LINKED_BYTES_MIN: usize = 4;

/// Bytes of a token, before it is spelt in hex.
const TOKEN_BYTES: usize = 8;

/// A marked value. No `Debug`: it is content.
#[derive(PartialEq, Eq, PartialOrd, Ord, ZeroizeOnDrop)]
pub(crate) struct Secret(Vec<u8>);

/// A marked value as tokens are made of it; `None` where it is too short to be linked, or has no content.
pub(crate) fn secret(value: &Value) -> Option<Secret> {
    let bytes = match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let secret = Secret(bytes);
    (secret.0.len() >= LINKED_BYTES_MIN).then_some(secret)
}

/// The token of a value under a key, 16 hex digits.
pub(crate) fn token(key: &[u8; 32], secret: &Secret) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(b"interlock/token/v1\0");
    context.update(&secret.0);
    let tag = context.sign();
    let bytes = tag.as_ref().iter().take(TOKEN_BYTES);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
