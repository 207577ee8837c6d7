//! Requests to AWS services signed as Signature Version 4 asks: KMS and S3 need nothing else of AWS's libraries. Pure:
//! time and credentials are given, nothing is sent here. Checked against AWS's published test vectors.

use aws_lc_rs::{digest, hmac};
use interlock_core::time::Timestamp;

use crate::secret::Secret;

/// Who signs.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The access key's id; no secret.
    pub(crate) access_key_id: String,
    /// The access key.
    pub(crate) secret_access_key: Secret,
    /// Of temporary credentials.
    pub(crate) session_token: Option<Secret>,
}

/// A request, as it will be sent. A header that is not named here is not signed.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// `GET`, `PUT`, `POST`, ...
    pub(crate) method: &'a str,
    /// The `host` header: with the port where it is not the scheme's own.
    pub(crate) host: &'a str,
    /// The path as it is sent, already percent-encoded (see [`encode_path`]), without dot segments.
    pub(crate) path: &'a str,
    /// Query parameters, not encoded; send them as [`query_string`] spells them.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Further headers to sign: names in any case, values as sent. Not `host`, and none of those that `sign` returns.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub(crate) body: &'a [u8],
}

/// The headers to add to the request: `x-amz-date`, for S3 `x-amz-content-sha256`, for temporary credentials
/// `x-amz-security-token`, and `authorization`, which is a credential.
#[must_use]
pub(crate) fn sign(
    request: Request<'_>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    time: Timestamp,
) -> Vec<(&'static str, Secret)> {
    let stamp = stamp(time);
    let date: String = stamp.chars().take(8).collect();
    let body_hash = hex(digest::digest(&digest::SHA256, request.body).as_ref());
    let s3 = service == "s3";
    let mut added = vec![("x-amz-date", Secret::new(&stamp))];
    if s3 {
        added.push(("x-amz-content-sha256", Secret::new(&body_hash)));
    }
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token", token.clone()));
    }
    let mut headers: Vec<(String, String)> = vec![("host".to_owned(), trim(request.host))];
    for (name, value) in request.headers {
        headers.push((name.to_ascii_lowercase(), trim(value)));
    }
    for (name, value) in &added {
        headers.push(((*name).to_owned(), trim(value.expose())));
    }
    headers.sort_by(|one, two| one.0.cmp(&two.0));
    let mut canonical_headers = String::new();
    let mut signed: Vec<&str> = Vec::new();
    for (name, value) in &headers {
        // Values of one name stand on one line, in the order in which they are sent.
        if signed.last() == Some(&name.as_str()) {
            canonical_headers.pop();
            canonical_headers.push_str(&format!(",{value}\n"));
        } else {
            canonical_headers.push_str(&format!("{name}:{value}\n"));
            signed.push(name);
        }
    }
    let signed = signed.join(";");
    // S3 alone takes the path as it is sent; all others want it encoded once more.
    let path = if s3 {
        request.path.to_owned()
    } else {
        encode_path(request.path)
    };
    let canonical = format!(
        "{}\n{path}\n{}\n{canonical_headers}\n{signed}\n{body_hash}",
        request.method,
        query_string(request.query),
    );
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
        hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    );
    let first = Secret::new(&format!("AWS4{}", credentials.secret_access_key.expose()));
    let mut key = mac(first.expose().as_bytes(), date.as_bytes());
    for part in [region, service, "aws4_request"] {
        key = mac(key.as_ref(), part.as_bytes());
    }
    let signature = hex(mac(key.as_ref(), to_sign.as_bytes()).as_ref());
    added.push((
        "authorization",
        Secret::new(&format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            credentials.access_key_id
        )),
    ));
    added
}

/// Query parameters as they are signed and sent: encoded, sorted by name and value; empty where there are none.
#[must_use]
pub(crate) fn query_string(query: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| (encode(name, false), encode(value, false)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// A path with everything but unreserved characters and slashes percent-encoded.
#[must_use]
pub(crate) fn encode_path(path: &str) -> String {
    encode(path, true)
}

fn encode(text: &str, slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain || (slashes && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A header's value as it is signed: no white space at its ends, one space inside.
fn trim(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `20150830T123600Z`.
fn stamp(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let mut out: String = seconds
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .collect();
    out.push('Z');
    out
}

fn mac(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const S3_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    /// 2015-08-30T12:36:00Z
    const SUITE_TIME: u64 = 1_440_938_160_000_000;
    /// 2013-05-24T00:00:00Z
    const S3_TIME: u64 = 1_369_353_600_000_000;

    fn check(request: Request<'_>, service: &str, signature: &str) {
        let s3 = service == "s3";
        let credentials = Credentials {
            access_key_id: if s3 {
                "AKIAIOSFODNN7EXAMPLE"
            } else {
                "AKIDEXAMPLE"
            }
            .to_owned(),
            secret_access_key: Secret::new(if s3 { S3_SECRET } else { SUITE_SECRET }),
            session_token: None,
        };
        let time = Timestamp::from_micros(if s3 { S3_TIME } else { SUITE_TIME });
        let added = sign(request, &credentials, "us-east-1", service, time);
        let (name, value) = added.last().unwrap();
        assert_eq!(*name, "authorization");
        assert_eq!(
            value.expose().rsplit_once("Signature=").unwrap().1,
            signature,
            "{} {}",
            request.method,
            request.path
        );
    }

    fn suite(method: &'static str, path: &'static str) -> Request<'static> {
        Request {
            method,
            host: "example.amazonaws.com",
            path,
            query: &[],
            headers: &[],
            body: b"",
        }
    }

    /// From AWS's Signature Version 4 test suite.
    #[test]
    fn the_published_suite_is_signed_as_published() {
        let get = suite("GET", "/");
        check(
            get,
            "service",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        check(
            suite("POST", "/"),
            "service",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        check(
            Request {
                query: &[("Param2", "value2"), ("Param1", "value1")],
                ..get
            },
            "service",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
        check(
            suite(
                "GET",
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            ),
            "service",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        );
        check(
            suite("GET", "/\u{1234}"),
            "service",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        );
        check(
            Request {
                headers: &[("Content-Type", "application/x-www-form-urlencoded")],
                body: b"Param1=value1",
                ..suite("POST", "/")
            },
            "service",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
        check(
            Request {
                headers: &[
                    ("My-Header1", "value2"),
                    ("My-Header1", "value2"),
                    ("My-Header1", "value1"),
                ],
                ..get
            },
            "service",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        );
    }

    /// From the examples of Amazon S3's API reference.
    #[test]
    fn the_published_s3_examples_are_signed_as_published() {
        let get = Request {
            host: "examplebucket.s3.amazonaws.com",
            ..suite("GET", "/")
        };
        check(
            Request {
                path: "/test.txt",
                headers: &[("Range", "bytes=0-9")],
                ..get
            },
            "s3",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        );
        check(
            Request {
                method: "PUT",
                path: &encode_path("/test$file.text"),
                headers: &[
                    ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                body: b"Welcome to Amazon S3.",
                ..get
            },
            "s3",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        );
        check(
            Request {
                query: &[("lifecycle", "")],
                ..get
            },
            "s3",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        );
        check(
            Request {
                query: &[("max-keys", "2"), ("prefix", "J")],
                ..get
            },
            "s3",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        );
    }

    #[test]
    fn temporary_credentials_sign_their_token_and_nothing_shows_a_secret() {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new(SUITE_SECRET),
            session_token: Some(Secret::new("canary-token")),
        };
        let time = Timestamp::from_micros(SUITE_TIME);
        let added = sign(suite("POST", "/"), &credentials, "us-east-1", "kms", time);
        let names: Vec<&str> = added.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["x-amz-date", "x-amz-security-token", "authorization"]
        );
        assert!(
            added[2]
                .1
                .expose()
                .contains("SignedHeaders=host;x-amz-date;x-amz-security-token,")
        );
        let shown = format!("{credentials:?}{added:?}");
        assert!(!shown.contains("canary") && !shown.contains("EXAMPLEKEY"));
    }
}
