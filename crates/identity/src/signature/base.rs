//! The text that is signed (RFC 9421, section 2.5): a line for each component, and what was agreed on.

use super::refused::Refused;
use super::request::{Component, Request};

/// A request's head is bounded elsewhere; covering one long field many times is not possible.
const BASE_BYTES_MAX: usize = 128 * 1024;

/// The signature base. `params` is the value of `@signature-params`.
// threat: ANP-0001
pub(super) fn base(request: &Request<'_>, components: &[Component], params: &str) -> Result<String, Refused> {
    let mut base = String::new();
    for component in components {
        let absent = || Refused::Absent(component.name().to_owned());
        let value = request.value(component).ok_or_else(absent)?;
        // A line break in a value would be a component of the client's own making.
        if value.chars().any(char::is_control) || base.len() + value.len() > BASE_BYTES_MAX {
            return Err(absent());
        }
        base.extend(["\"", component.name(), "\": ", &*value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", params]);
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::super::key::VerifyingKey;
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// RFC 9421, appendix B.2: the request that all examples sign.
    const REQUEST: Request<'_> = Request {
        method: "POST",
        target_uri: "https://example.com/foo?param=Value&Pet=dog",
        fields: &[
            ("Host", b"example.com"),
            ("Date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
            ("Content-Type", b"application/json"),
            ("Content-Length", b"18"),
        ],
    };

    fn signed(params: &str, components: &[&str]) -> String {
        let components: Vec<_> = components
            .iter()
            .map(|name| Component::named(name).unwrap())
            .collect();
        base(&REQUEST, &components, params).unwrap()
    }

    #[test]
    fn the_hmac_of_the_rfc_verifies() {
        let params = r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
        let base = signed(params, &["date", "@authority", "content-type"]);
        assert_eq!(
            base,
            format!(
                "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
                 \"content-type\": application/json\n\"@signature-params\": {params}"
            )
        );
        let secret = STANDARD
            .decode(
                "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
            )
            .unwrap();
        let signature = STANDARD
            .decode("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=")
            .unwrap();
        let key = VerifyingKey::hmac_sha256(&secret).unwrap();
        assert!(key.verifies(&base, &signature));
        assert!(!key.verifies(&base.replace("POST", "GET").replace("json", "jsom"), &signature));
    }

    #[test]
    fn the_ed25519_signature_of_the_rfc_verifies() {
        let params = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");\
                      created=1618884473;keyid=\"test-key-ed25519\"";
        let covered = [
            "date",
            "@method",
            "@path",
            "@authority",
            "content-type",
            "content-length",
        ];
        let base = signed(params, &covered);
        let public = STANDARD
            .decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
            .unwrap();
        let signature = STANDARD
            .decode(
                "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
            )
            .unwrap();
        let key = VerifyingKey::ed25519(&public.try_into().unwrap()).unwrap();
        assert!(key.verifies(&base, &signature));
        assert!(!key.verifies(&base.replace("/foo", "/fop"), &signature));
    }

    #[test]
    fn anp_0001_a_line_break_in_a_value_is_refused() {
        let fields: &[(&str, &[u8])] = &[("x", b"a\n\"@method\": GET")];
        let request = Request { fields, ..REQUEST };
        let refused = base(&request, &[Component::named("x").unwrap()], "()");
        assert_eq!(refused, Err(Refused::Absent("x".into())));
    }
}
