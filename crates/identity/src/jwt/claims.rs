//! What is taken from a token, and from where in it. Issuers differ in where they say which team or scopes
//! somebody has; the places are configured, and what stands there must be of the right type.

use std::str::FromStr;

use domain::UnixMillis;
use serde_json::{Map, Value};

use super::Refused;

const PATH_CHARS_MAX: usize = 256;
const VALUE_CHARS_MAX: usize = 256;
const SCOPES_MAX: usize = 128;

/// A text that is no path to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a claim is named as it stands (`sub`, `https://example.com/team`) or by a JSON pointer (`/realm_access/roles`)"
)]
pub struct BadPath;

/// Where a claim stands: a name at the top, or a JSON pointer (RFC 6901) when it begins with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(String);

impl FromStr for ClaimPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let chars = text.chars().count();
        let fits = (1..=PATH_CHARS_MAX).contains(&chars) && text != "/";
        fits.then(|| Self(text.to_owned())).ok_or(BadPath)
    }
}

impl ClaimPath {
    pub(super) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let Some(pointer) = self.0.strip_prefix('/') else {
            return claims.get(&self.0);
        };
        let unescape = |name: &str| name.replace("~1", "/").replace("~0", "~");
        let (first, rest) = match pointer.split_once('/') {
            Some((first, rest)) => (first, format!("/{rest}")),
            None => (pointer, String::new()),
        };
        claims.get(&unescape(first))?.pointer(&rest)
    }

    pub(super) fn refused(&self) -> Refused {
        Refused::Claim(self.0.clone())
    }
}

/// Where what stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPaths {
    /// Who: a text. Usually `sub`.
    pub subject: ClaimPath,
    /// Whose: a text. Where it is configured it must be there.
    pub team: Option<ClaimPath>,
    /// What for: a text with spaces between, or an array of texts. None there is no scope.
    pub scopes: Option<ClaimPath>,
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who, as the issuer names them. Unique within that issuer only.
    pub subject: String,
    /// Whose.
    pub team: Option<String>,
    /// What for.
    pub scopes: Vec<String>,
    /// The token's own name, if it has one: to refuse it when it is reported stolen.
    pub id: Option<String>,
    /// The names of the issuer's rules that it meets, each once.
    pub rules: Vec<String>,
    /// From this time on nothing decided by this token holds.
    pub expires: UnixMillis,
}

impl Claims {
    pub(super) fn read(
        claims: &Map<String, Value>,
        paths: &ClaimPaths,
        expires: UnixMillis,
    ) -> Result<Self, Refused> {
        let team = paths.team.as_ref().map(|path| text(claims, path)).transpose()?;
        let id = claims
            .get("jti")
            .map(|id| plain(id).ok_or_else(|| Refused::Claim("jti".into())));
        Ok(Self {
            subject: text(claims, &paths.subject)?,
            team,
            scopes: scopes(claims, paths.scopes.as_ref())?,
            id: id.transpose()?,
            rules: Vec::new(),
            expires,
        })
    }
}

fn text(claims: &Map<String, Value>, path: &ClaimPath) -> Result<String, Refused> {
    path.find(claims).and_then(plain).ok_or_else(|| path.refused())
}

/// A text that can be shown and stored: neither empty nor endless, nothing in it that is no character.
pub(super) fn plain(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = (1..=VALUE_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn scopes(claims: &Map<String, Value>, path: Option<&ClaimPath>) -> Result<Vec<String>, Refused> {
    let Some((path, value)) = path.and_then(|path| Some((path, path.find(claims)?))) else {
        return Ok(Vec::new());
    };
    let scopes: Option<Vec<String>> = match value {
        Value::String(list) => list
            .split(' ')
            .filter(|one| !one.is_empty())
            .map(|one| plain(&one.into()))
            .take(SCOPES_MAX + 1)
            .collect(),
        Value::Array(list) => list.iter().map(plain).take(SCOPES_MAX + 1).collect(),
        _ => None,
    };
    let scopes = scopes.filter(|scopes| scopes.len() <= SCOPES_MAX);
    scopes.ok_or_else(|| path.refused())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(claims: Value, team: Option<&str>, scopes: Option<&str>) -> Result<Claims, Refused> {
        let path = |text: &str| text.parse().unwrap();
        let paths = ClaimPaths {
            subject: path("sub"),
            team: team.map(path),
            scopes: scopes.map(path),
        };
        Claims::read(claims.as_object().unwrap(), &paths, UnixMillis(9))
    }

    #[test]
    fn claims_are_found_by_name_and_by_pointer() {
        let token = json!({
            "sub": "ada", "jti": "7", "https://example.com/team": "engines",
            "realm_access": {"roles": ["a", "b"]}, "a/b": {"~": ["x", "y z"]}, "scope": " chat  embed "
        });
        let claims = read(
            token.clone(),
            Some("https://example.com/team"),
            Some("/realm_access/roles"),
        )
        .unwrap();
        assert_eq!(
            (claims.subject.as_str(), claims.team.as_deref()),
            ("ada", Some("engines"))
        );
        assert_eq!(
            (claims.scopes, claims.id.as_deref()),
            (vec!["a".into(), "b".into()], Some("7"))
        );
        let claims = read(token.clone(), Some("/a~1b/~0/1"), Some("scope")).unwrap();
        assert_eq!(claims.team.as_deref(), Some("y z"));
        assert_eq!(claims.scopes, ["chat", "embed"]);
        assert!(read(token, None, Some("/nowhere")).unwrap().scopes.is_empty());
    }

    #[test]
    fn agp_s3_claims_of_another_type_are_refused_by_name() {
        let claim = |name: &str| Err(Refused::Claim(name.into()));
        for sub in [
            json!(7),
            json!(null),
            json!(["ada"]),
            json!(""),
            json!("a\u{0}b"),
            json!("a\nb"),
        ] {
            assert_eq!(read(json!({"sub": sub}), None, None), claim("sub"));
        }
        assert_eq!(read(json!({}), None, None), claim("sub"));
        assert!(read(json!({"sub": "x".repeat(256)}), None, None).is_ok());
        assert_eq!(read(json!({"sub": "x".repeat(257)}), None, None), claim("sub"));
        assert_eq!(read(json!({"sub": "a"}), Some("team"), None), claim("team"));
        assert_eq!(
            read(json!({"sub": "a", "team": ["t"]}), Some("team"), None),
            claim("team")
        );
        assert_eq!(read(json!({"sub": "a", "jti": 7}), None, None), claim("jti"));
        for scope in [
            json!(7),
            json!({"a": 1}),
            json!(["a", 7]),
            json!([["a"]]),
            json!("s ".repeat(129)),
        ] {
            assert_eq!(
                read(json!({"sub": "a", "scope": scope}), None, Some("scope")),
                claim("scope")
            );
        }
        assert_eq!(
            read(
                json!({"sub": "a", "scope": "s ".repeat(128)}),
                None,
                Some("scope")
            )
            .unwrap()
            .scopes
            .len(),
            128
        );
    }

    proptest! {
        #[test]
        fn any_path_is_looked_up_without_panic(path in "\\PC{0,20}|(/[a-z~0-9]{0,3}){0,4}") {
            if let Ok(path) = path.parse::<ClaimPath>() {
                let claims = json!({"a": {"b": [1, {"": "x"}]}, "": 1});
                let _ = path.find(claims.as_object().unwrap());
            }
        }
    }
}
