//! Our "no" in the caller's dialect: bodies and last events.

use crate::Dialect;
use crate::json::Writer;

/// The `type` the dialect's own provider gives with a status.
pub const fn error_type(dialect: Dialect, status: u16) -> &'static str {
    match dialect {
        Dialect::OpenAi => openai_type(status),
        Dialect::Anthropic => anthropic_type(status),
    }
}

const fn openai_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

const fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// The body of an error.
pub fn error_body(dialect: Dialect, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    write_error(Vec::new(), dialect, (status, code), message, request_id)
}

/// The event that ends a live stream with an error, in the dialect's own way: a client that knows the
/// dialect stops after it.
pub fn error_event(dialect: Dialect, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let start: &[u8] = match dialect {
        Dialect::OpenAi => b"data: ",
        Dialect::Anthropic => b"event: error\ndata: ",
    };
    let mut event = write_error(start.to_vec(), dialect, (status, code), message, request_id);
    event.extend_from_slice(match dialect {
        Dialect::OpenAi => b"\n\ndata: [DONE]\n\n",
        Dialect::Anthropic => b"\n\n",
    });
    event
}

fn write_error(
    out: Vec<u8>,
    dialect: Dialect,
    (status, code): (u16, &str),
    message: &str,
    request_id: &str,
) -> Vec<u8> {
    let mut json = Writer::onto(out);
    json.object(|json| match dialect {
        Dialect::OpenAi => {
            json.key("error").object(|json| {
                json.key("message").text(message);
                json.key("type").text(error_type(dialect, status));
                json.key("param").raw("null");
                json.key("code").text(code);
            });
        }
        Dialect::Anthropic => {
            json.key("type").text("error");
            json.key("error").object(|json| {
                json.key("type").text(error_type(dialect, status));
                json.key("message").text(message);
            });
            json.key("request_id").text(request_id);
        }
    });
    json.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_own_shape() {
        assert_eq!(
            String::from_utf8(error_body(
                Dialect::OpenAi,
                429,
                "rate_limited",
                "too \"fast\"",
                "req_1"
            ))
            .unwrap(),
            r#"{"error":{"message":"too \"fast\"","type":"rate_limit_error","param":null,"code":"rate_limited"}}"#
        );
        assert_eq!(
            String::from_utf8(error_event(Dialect::Anthropic, 503, "x", "busy", "req_1")).unwrap(),
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},\"request_id\":\"req_1\"}\n\n"
        );
        assert!(error_event(Dialect::OpenAi, 500, "x", "a\nb", "r").ends_with(b"\n\ndata: [DONE]\n\n"));
    }

    #[test]
    fn a_message_cannot_break_out_of_its_event() {
        let event = error_event(Dialect::OpenAi, 500, "x", "a\n\ndata: forged\r\n", "r");
        assert_eq!(event.windows(2).filter(|pair| pair == b"\n\n").count(), 2);
    }

    #[test]
    fn every_status_has_a_type() {
        for status in 400..=599 {
            assert!(error_type(Dialect::OpenAi, status).contains('_'));
            assert!(!error_type(Dialect::Anthropic, status).is_empty());
        }
    }
}
