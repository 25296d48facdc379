//! The request as far as a signature can cover it, and the values of its components (RFC 9421, section 2).

use std::borrow::Cow;

use super::refused::Refused;

/// A request's head.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The absolute address as the client sees it: scheme and host come from the configuration or from a
    /// trusted proxy, path and query from the request.
    pub target_uri: &'a str,
    /// Header fields in the order they came; a name may come several times.
    pub fields: &'a [(&'a str, &'a [u8])],
}

/// What can be covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Component {
    Method,
    TargetUri,
    Authority,
    Scheme,
    Path,
    Query,
    Field(String),
}

impl Component {
    /// The component of this name. A name beginning with `@` is derived; of those the ones of responses, and
    /// `@request-target`, whose meaning depends on the version of HTTP, are not known here.
    pub(super) fn named(name: &str) -> Result<Self, Refused> {
        Ok(match name {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@path" => Self::Path,
            "@query" => Self::Query,
            field if is_field_name(field) => Self::Field(field.to_owned()),
            other => return Err(Refused::Component(other.chars().take(48).collect())),
        })
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Method => "@method",
            Self::TargetUri => "@target-uri",
            Self::Authority => "@authority",
            Self::Scheme => "@scheme",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::Field(name) => name,
        }
    }
}

/// A token of lower-case letters; not the fields that hold the signature itself.
fn is_field_name(name: &str) -> bool {
    let token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && !matches!(name, "signature" | "signature-input")
}

impl<'a> Request<'a> {
    /// The value of a component; nothing if the request has none.
    pub(super) fn value(&self, component: &Component) -> Option<Cow<'a, str>> {
        let (scheme, authority, path, query) = self.parts()?;
        Some(match component {
            Component::Method => self.method.into(),
            Component::TargetUri => self.target_uri.into(),
            Component::Scheme => scheme.to_ascii_lowercase().into(),
            Component::Authority => normal_authority(scheme, authority).into(),
            Component::Path if path.is_empty() => "/".into(),
            Component::Path => path.into(),
            Component::Query => format!("?{}", query.unwrap_or_default()).into(),
            Component::Field(name) => self.field(name)?.into(),
        })
    }

    /// All lines of a field, trimmed and joined as one (RFC 9421, section 2.1).
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let lines = self
            .fields
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let texts: Option<Vec<&str>> = lines
            .map(|(_, value)| {
                str::from_utf8(value)
                    .ok()
                    .map(|text| text.trim_matches([' ', '\t']))
            })
            .collect();
        texts
            .filter(|texts| !texts.is_empty())
            .map(|texts| texts.join(", "))
    }

    fn parts(&self) -> Option<(&'a str, &'a str, &'a str, Option<&'a str>)> {
        let (scheme, rest) = self.target_uri.split_once("://")?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
        Some((scheme, authority, path, query))
    }
}

/// Lower case, and without the scheme's own port.
fn normal_authority(scheme: &str, authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let own = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    authority.strip_suffix(own).unwrap_or(&authority).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(uri: &str, component: &str) -> Option<String> {
        let request = Request {
            method: "GET",
            target_uri: uri,
            fields: &[("X", b" a "), ("x", b"\tb, c")],
        };
        request
            .value(&Component::named(component).unwrap())
            .map(Cow::into_owned)
    }

    #[test]
    fn components_have_the_values_of_the_rfc() {
        let uri = "HTTPS://Www.Example.com:443/path?param=value&foo=bar&baz=bat%2Dman";
        for (component, expected) in [
            ("@method", "GET"),
            ("@target-uri", uri),
            ("@authority", "www.example.com"),
            ("@scheme", "https"),
            ("@path", "/path"),
            ("@query", "?param=value&foo=bar&baz=bat%2Dman"),
            ("x", "a, b, c"),
        ] {
            assert_eq!(value(uri, component).as_deref(), Some(expected), "{component}");
        }
        assert_eq!(value("http://a:443", "@authority").as_deref(), Some("a:443"));
        assert_eq!(value("http://a?b", "@path").as_deref(), Some("/"));
        assert_eq!(value("http://a/", "@query").as_deref(), Some("?"));
        assert_eq!(value("http://a/?", "@query").as_deref(), Some("?"));
        assert_eq!(value("http://a/", "y"), None);
        assert_eq!(value("/relative", "@path"), None);
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "@status",
            "@request-target",
            "@query-param",
            "X",
            "a b",
            "signature",
            "signature-input",
            "é",
        ] {
            assert!(Component::named(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_address_is_read_without_panic(uri in "\\PC*|https?://\\PC*") {
            for component in ["@authority", "@scheme", "@path", "@query"] {
                let _ = value(&uri, component);
            }
        }
    }
}
