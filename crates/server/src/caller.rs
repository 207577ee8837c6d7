//! Who calls: one `Authorization: Bearer` with an API key, looked up at each request. Only here is a [`Caller`] made,
//! and handlers that need one take it, so that none can be reached without.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use interlock_core::pipeline::identity::Principal;
use zeroize::Zeroizing;

use crate::limits;
use crate::problem::{Code, Problem};
use crate::state::Server;

/// An identified caller. No `Debug`: it holds the credential.
#[derive(Clone)]
pub(crate) struct Caller {
    principal: Principal,
    key: Zeroizing<String>,
}

impl Caller {
    /// Identifies the caller. Whatever is wrong with the credential, the answer is the same.
    pub(crate) async fn identify(server: &Server, headers: &HeaderMap) -> Result<Self, Problem> {
        let key = bearer(headers).ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        let principal = server.engine.by_api_key(key).await?;
        Ok(Self {
            principal,
            key: Zeroizing::new(key.to_owned()),
        })
    }

    /// Looks the same credential up again, for what outlives a request.
    pub(crate) async fn again(&self, server: &Server) -> Result<Self, Problem> {
        let principal = server.engine.by_api_key(&self.key).await?;
        Ok(Self {
            principal,
            key: self.key.clone(),
        })
    }

    pub(crate) const fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// The credential, if there is exactly one of the one scheme.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer")
        && !key.is_empty()
        && key.len() <= limits::CREDENTIAL_BYTES_MAX)
        .then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn one_bearer_credential_and_nothing_else() {
        check(&["Bearer ilk_a"], Some("ilk_a"));
        check(&["bearer ilk_a"], Some("ilk_a"));
        check(&[], None);
        check(&["ilk_a"], None);
        check(&["Bearer "], None);
        check(&["Basic ilk_a"], None);
        check(&["Bearer ilk_a", "Bearer ilk_a"], None);
        check(&[&format!("Bearer {}", "a".repeat(257))], None);
    }

    fn check(given: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(bearer(&headers), expected, "{given:?}");
    }
}
