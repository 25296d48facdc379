//! How the control plane says no: problem documents (RFC 9457) with stable codes.
//!
//! A problem tells the caller what to do next and nothing about anybody else's things.

use http::StatusCode;
use serde::Serialize;
use store::StoreError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// Why something was not done. Codes are stable; texts are for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The same sentence for every problem of the kind (RFC 9457 section 3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// Nobody is signed in.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "sign in first";
    /// The e-mail address, password or code is wrong; which, is not said.
    SignInFailed = "sign_in_failed", UNAUTHORIZED, "that is not how this account signs in";
    /// The account has a second factor, and no code came with the password.
    CodeRequired = "code_required", UNAUTHORIZED, "a code of the second factor is needed";
    /// Too many attempts.
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS, "too many attempts";
    /// A policy does not permit it.
    Forbidden = "forbidden", FORBIDDEN, "no policy permits this";
    /// A browser's request that did not come from this instance's own pages.
    CrossSite = "cross_site", FORBIDDEN, "the request did not come from this instance's own pages";
    /// It is not there, or the caller may not see it: both look the same.
    NotFound = "not_found", NOT_FOUND, "there is no such thing here";
    /// It was meant for another host.
    Misdirected = "misdirected", MISDIRECTED_REQUEST, "that is no name of this instance";
    /// The path is there, but not for this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "not with this method";
    /// The body or a parameter does not read.
    Malformed = "malformed", BAD_REQUEST, "the request does not read";
    /// The body is not JSON by its media type.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "the body must be JSON";
    /// The body is too long.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "the body is too long";
    /// It reads, and makes no sense.
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "the request makes no sense as it is";
    /// A name or id is taken, or the thing is in a state that does not allow it.
    Conflict = "conflict", CONFLICT, "that does not go with what is there";
    /// The instance is changed by files alone.
    DeclarativeMode = "declarative_mode", CONFLICT, "this instance is changed by files";
    /// A provider did not take a credential.
    ProbeFailed = "probe_failed", CONFLICT, "a provider does not take this credential";
    /// A change came without `If-Match`.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "say which version you change";
    /// The thing is not as the caller last saw it.
    ChangedMeanwhile = "changed_meanwhile", PRECONDITION_FAILED, "it changed meanwhile";
    /// The approval that the request names is none for it.
    ApprovalInvalid = "approval_invalid", CONFLICT, "that approval is not good for this";
    /// The idempotency key was used for another request.
    KeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "the idempotency key belongs to another request";
    /// The store does not answer.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "the store does not answer";
    /// A fault of the gate's own.
    Internal = "internal", INTERNAL_SERVER_ERROR, "something is wrong with this instance";
}

/// One no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// This time in particular: a sentence for the caller, lower case, no full stop.
    pub detail: String,
    /// Where in the body, as a JSON pointer (RFC 6901).
    pub pointer: Option<String>,
    /// When trying again makes sense, in seconds.
    pub retry_after_s: Option<u64>,
    /// For the log only.
    pub internal: Option<String>,
}

/// The document's members.
#[derive(Debug, Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
}

impl Problem {
    /// A problem with a sentence for the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: None,
            retry_after_s: None,
            internal: None,
        }
    }

    /// What is not there, and what may not be seen.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "it does not exist, or you may not see it")
    }

    /// Of the body's part at `pointer`.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The document as it goes over the wire.
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            kind: format!("urn:bartizan:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            pointer: self.pointer.as_deref(),
        };
        // Texts and a number: there is nothing in it that cannot be written.
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Conflict(_) => Self::new(
                Code::Conflict,
                "something of that name exists, or it changed meanwhile: look again, then repeat",
            ),
            StoreError::Removed(_) => Self::new(
                Code::Conflict,
                format!("{error}: ask for a later time, or for reports, which are made of sums that stay"),
            ),
            StoreError::Superseded => Self {
                internal: Some(error.to_string()),
                retry_after_s: Some(1),
                ..Self::new(Code::Unavailable, "nothing was changed; try again in a moment")
            },
            StoreError::Unavailable(why) | StoreError::Damaged(why) => Self {
                internal: Some(why),
                retry_after_s: Some(1),
                ..Self::new(Code::Unavailable, "nothing was changed; try again in a moment")
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_a_document_with_a_stable_code() {
        let problem = Problem::new(Code::Invalid, "the name is empty").at("/name");
        assert_eq!(
            String::from_utf8(problem.to_json()).unwrap(),
            concat!(
                r#"{"type":"urn:bartizan:problem:invalid","title":"the request makes no sense as it is","#,
                r#""status":422,"code":"invalid","detail":"the name is empty","pointer":"/name"}"#
            )
        );
    }

    #[test]
    fn codes_are_told_apart() {
        let names: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn agp_i1_what_the_store_says_is_for_the_log_only() {
        let problem = Problem::from(StoreError::Unavailable("host=10.1.2.3 password=x".to_owned()));
        assert!(!String::from_utf8(problem.to_json()).unwrap().contains("10.1.2.3"));
    }
}
