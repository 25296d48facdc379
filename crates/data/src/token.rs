//! `POST /v1/token`: a short-lived token in exchange for a virtual key (RFC 8693), so that an agent never holds
//! the key. It may do no more than the key, and less where the caller says so.

use std::time::Duration;

use bytes::Bytes;
use credential::{Grant, PublicKey};
use domain::{Operation, Threat, UnixMillis};
use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::accept::Arrival;
use crate::stage::admit::Rates;
use crate::stage::identify::Identified;
use crate::stage::respond;

/// How long a token lives unless the caller wants less, or more.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(15 * 60);
const LIFETIME_MAX: Duration = Duration::from_secs(3600);
/// What a scope may list.
const SCOPES_MAX: usize = 64;
const FORM_BYTES_MAX: usize = 16 * 1024;
/// What a token may add to every request's head; longer ones would not be opened.
const TOKEN_BYTES_MAX: usize = 4 * 1024;
const MODEL: &str = "model:";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    lifetime: Option<Duration>,
    operations: Option<Vec<Operation>>,
    models: Option<Vec<String>>,
    signing_key: Option<PublicKey>,
    scope: Option<String>,
}

#[derive(Serialize)]
struct Issued<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

/// Exchanges, or says why not.
pub async fn run(gate: &Gate, arrival: &Arrival, identified: Identified) -> Response<GateBody> {
    match exchange(gate, identified).await {
        Ok(body) => {
            let mut response = respond::whole(arrival, &Rates::default(), body);
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(refusal) => observe::turned_away(gate, arrival, &refusal),
    }
}

// threat: ANP-0001
// threat: CTX-T3
async fn exchange(gate: &Gate, identified: Identified) -> Gated<Bytes> {
    let now = UnixMillis::now();
    let (exchangeable, key, form) = identified.into_exchange(gate).await?;
    // threat: AGP-S1
    let Some(digest) = exchangeable else {
        let detail = "only a virtual key can be exchanged for a token, not a token or what stands for a key";
        return Err(Refusal::new(Code::NotExchangeable, detail).against(Threat::AgpS1));
    };
    let wish = Wish::read(&form).map_err(|detail| Refusal::new(Code::TokenRequestInvalid, detail))?;
    let lifetime = wish.lifetime.unwrap_or(LIFETIME_DEFAULT);
    let grant = Grant {
        key: digest,
        expires: now.plus(lifetime),
        operations: wish.operations,
        models: wish.models,
        signing_key: wish.signing_key,
    };
    let internal = |why: String| Refusal::new(Code::Internal, "the token could not be made").internally(why);
    let token = grant.seal(&gate.tokens).map_err(|e| internal(e.to_string()))?;
    if token.expose().len() > TOKEN_BYTES_MAX {
        let detail = "the scope is too long for a token: name fewer models";
        return Err(Refusal::new(Code::TokenRequestInvalid, detail));
    }
    tracing::info!(key = %key, seconds = lifetime.as_secs(), "a token was given in exchange for a key");
    let issued = Issued {
        access_token: token.expose(),
        issued_token_type: TOKEN_TYPE,
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
        scope: wish.scope.as_deref(),
    };
    let body = serde_json::to_vec(&issued).map_err(|e| internal(e.to_string()))?;
    Ok(body.into())
}

impl Wish {
    /// Reads the form. What is not known is refused: it may be there to forbid something.
    fn read(form: &[u8]) -> Result<Self, String> {
        if form.len() > FORM_BYTES_MAX {
            return Err(format!("the form may hold at most {FORM_BYTES_MAX} bytes"));
        }
        let mut wish = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(form) {
            if seen.iter().any(|other| *other == name) {
                return Err("a parameter is given twice".to_owned());
            }
            wish.take(&name, &value)?;
            seen.push(name.into_owned());
        }
        if !seen.iter().any(|name| name == "grant_type") {
            return Err(format!("say `grant_type={GRANT_TYPE}` in a form"));
        }
        Ok(wish)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "grant_type" if value == GRANT_TYPE => {}
            "subject_token_type" | "requested_token_type" if value == TOKEN_TYPE => {}
            "scope" => self.scope(value)?,
            "expires_in" => {
                let seconds = value
                    .parse()
                    .ok()
                    .filter(|s| (1..=LIFETIME_MAX.as_secs()).contains(s));
                let wrong = || format!("`expires_in` is 1 to {} seconds", LIFETIME_MAX.as_secs());
                self.lifetime = Some(Duration::from_secs(seconds.ok_or_else(wrong)?));
            }
            "signing_key" => {
                let key = value
                    .parse()
                    .map_err(|e: credential::NotAPublicKey| e.to_string())?;
                self.signing_key = Some(key);
            }
            "subject_token" => {
                return Err("present the key in `authorization`, not in the form".to_owned());
            }
            "grant_type" | "subject_token_type" | "requested_token_type" => {
                return Err(format!("`{name}` is none that is known here"));
            }
            _ => return Err("the form has a parameter that is not known here".to_owned()),
        }
        Ok(())
    }

    /// Operations and `model:NAME`, with spaces between. Nothing of a kind leaves what the key has.
    fn scope(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() > SCOPES_MAX {
            return Err(format!("a scope has 1 to {SCOPES_MAX} words"));
        }
        for word in words {
            if let Some(model) = word.strip_prefix(MODEL) {
                self.models.get_or_insert_default().push(model.to_owned());
                continue;
            }
            let known = serde_json::from_value(word.into());
            let operation = known.map_err(|_| "a word of the scope is no operation and no `model:NAME`")?;
            self.operations.get_or_insert_default().push(operation);
        }
        self.scope = Some(text.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Wish, String> {
        Wish::read(
            format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&{form}").as_bytes(),
        )
    }

    #[test]
    fn a_scope_names_operations_and_models() {
        let wish = read("scope=chat+model%3Am-oa+model:x/y&expires_in=60").unwrap();
        assert_eq!(wish.operations, Some(vec![Operation::Chat]));
        assert_eq!(wish.models, Some(vec!["m-oa".into(), "x/y".into()]));
        assert_eq!(wish.lifetime, Some(Duration::from_secs(60)));
        let bare = read("").unwrap();
        assert_eq!((bare.operations, bare.models, bare.lifetime), (None, None, None));
    }

    #[test]
    fn agp_e1_what_is_not_understood_is_refused() {
        for form in [
            "scope=",
            "scope=admin",
            "scope=chat&scope=chat",
            "expires_in=0",
            "expires_in=3601",
            "expires_in=x",
            "audience=elsewhere",
            "actor_token=x",
            "subject_token=btz_x",
            "signing_key=x",
            "requested_token_type=urn:x",
            "grant_type=password",
        ] {
            assert!(read(form).is_err(), "{form}");
        }
        assert!(Wish::read(b"grant_type=password").is_err());
        assert!(Wish::read(b"").is_err());
        assert!(read(&format!("scope={}", "chat+".repeat(65))).is_err());
    }
}
