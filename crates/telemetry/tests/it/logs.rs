//! Canaries: secrets planted in everything that can be logged, and every byte of output searched.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use domain::Secret;
use telemetry::log::{LogFormat, LogGuard, LogOptions, build};
use telemetry::{Scrubber, TelemetryError};

/// A sink one can read.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What comes out when `work` logs.
fn logged(format: LogFormat, level: &str, work: impl FnOnce(&LogGuard)) -> String {
    let sink = Sink::default();
    let options = LogOptions {
        format,
        level: level.to_owned(),
        sink: Box::new(sink.clone()),
    };
    let (dispatch, guard) = build(options).unwrap();
    tracing::dispatcher::with_default(&dispatch, || work(&guard));
    drop(guard);
    String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
}

/// Recognised by shape.
fn shaped() -> Vec<String> {
    vec![
        format!("sk-ant-api03-{}-{}AA", "a1B2c3D4e5".repeat(8), "x9Y8z7W6v5U4"),
        format!("sk-proj-{}T3BlbkFJ{}", "a1B2c3D4e5F6g7H8i9J0", "k1L2m3N4o5P6q7R8s9T0"),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
            .to_owned(),
    ]
}

/// Recognised only because they were registered.
const REGISTERED: [&str; 3] = [
    "correct horse battery",
    "p\"q\\r\ns-t/u+v=w&x",
    "ordinary-looking-words",
];

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Nested<'a> {
    inner: Option<Vec<(&'a str, Inner<'a>)>>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Inner<'a> {
    text: &'a str,
}

#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not call with {}", self.0)
    }
}

impl std::error::Error for Failure {}

/// Logs a secret in every way there is.
fn log_everywhere(secret: &str) {
    tracing::info!("in a message: {secret}");
    tracing::warn!(field = secret, "in a field");
    tracing::error!(
        error = &Failure(secret.to_owned()) as &dyn std::error::Error,
        "in an error"
    );
    tracing::info!(debug = ?Nested { inner: Some(vec![("k", Inner { text: secret })]) }, "in nested debug");
    tracing::info!("{:?}", format!("{:?}", Inner { text: secret }));
    let span = tracing::info_span!("call", in_span = secret);
    span.in_scope(|| tracing::info!(nested = %secret, "in a span's field"));
    tracing::info!("url?key={}&x=1", percent(secret));
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Pieces that may not appear: the whole, and its longest plain stretch.
fn pieces(secret: &str) -> Vec<String> {
    let longest = secret
        .split(['"', '\\', '\n', ' ', '/', '+', '=', '&'])
        .max_by_key(|s| s.len())
        .unwrap_or_default();
    let mut all = vec![secret.to_owned()];
    if longest.len() >= 8 {
        all.push(longest.to_owned());
    }
    all
}

#[test]
fn agp_i1_agp_cred_3_1_planted_secrets_never_come_out() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let out = logged(format, "trace", |guard| {
            for secret in REGISTERED {
                guard.scrubber().register(&Secret::new(secret));
            }
            for secret in shaped().iter().map(String::as_str).chain(REGISTERED) {
                log_everywhere(secret);
            }
        });
        assert!(out.lines().count() >= 6 * 7, "{out}");
        assert!(
            out.contains("in a message") && out.contains("[redacted:"),
            "{out}"
        );
        for secret in shaped().iter().map(String::as_str).chain(REGISTERED) {
            for piece in pieces(secret) {
                assert!(!out.contains(&piece), "{piece} came out:\n{out}");
            }
        }
        assert!(
            !out.contains("p%22q") && !out.contains("ordinary%2D") && !out.contains("a1B2c3D4e5"),
            "{out}"
        );
    }
}

#[test]
fn agp_cred_3_1_headers_and_cookies_never_come_out_whatever_they_hold() {
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer hunter2hunter2"),
        ("x-api-key", "hunter2hunter2"),
        ("cookie", "session=hunter2hunter2; other=hunter2hunter2"),
        ("content-type", "application/json"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    for format in [LogFormat::Json, LogFormat::Text] {
        let out = logged(format, "info", |_| {
            tracing::info!(?headers, "head");
            tracing::info!("{headers:#?}");
            tracing::info!("Authorization: Basic hunter2hunter2");
            tracing::info!(password = "hunter2hunter2", "login");
        });
        assert!(!out.contains("hunter2"), "{out}");
        assert!(out.contains("application/json"), "what is no secret stays: {out}");
    }
}

#[test]
fn json_lines_stay_json_after_scrubbing() {
    let out = logged(LogFormat::Json, "info", |guard| {
        for secret in REGISTERED {
            guard.scrubber().register(&Secret::new(secret));
            log_everywhere(secret);
        }
        tracing::info!(authorization = "Bearer \"quoted\"", "x");
    });
    for line in out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn agp_i1_a_registered_secret_is_found_in_basic_authorization_and_hex() {
    let scrubber = Scrubber::new();
    scrubber.register(&Secret::new("a-provider-credential"));
    // base64 of `user:a-provider-credential:tail` and hex.
    for text in [
        "dXNlcjphLXByb3ZpZGVyLWNyZWRlbnRpYWw6dGFpbA==",
        "612d70726f76696465722d63726564656e7469616c",
        "a-provider-credential",
    ] {
        let clean = scrubber.scrub(text).into_owned();
        assert!(clean.contains("[redacted:registered]"), "{clean}");
        assert!(!clean.contains("LXByb3ZpZGVyLWNyZWRlbnRp"), "{clean}");
    }
    assert_eq!(scrubber.scrub("nothing to see"), "nothing to see");
}

#[test]
fn the_level_can_change_while_running_and_must_be_one() {
    let out = logged(LogFormat::Text, "info", |guard| {
        tracing::debug!("before");
        guard.set_level("debug,hyper=warn").unwrap();
        tracing::debug!("after");
        assert!(matches!(
            guard.set_level("verbose"),
            Err(TelemetryError::Level(_))
        ));
        tracing::debug!("still");
    });
    assert!(
        !out.contains("before") && out.contains("after") && out.contains("still"),
        "{out}"
    );
}

#[test]
fn a_line_too_long_is_cut_after_scrubbing() {
    let secret = "correct horse battery";
    let out = logged(LogFormat::Text, "info", |guard| {
        guard.scrubber().register(&Secret::new(secret));
        for shift in 0..40 {
            tracing::info!(
                "{}{secret}{}",
                "x".repeat(16 * 1024 - 90 + shift),
                "y".repeat(1000)
            );
        }
    });
    assert!(out.lines().all(|line| line.len() < 17 * 1024));
    assert!(!out.contains("correct") && out.contains("[cut]"));
}

#[test]
fn a_slow_sink_costs_lines_not_time() {
    struct Slow;
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            std::thread::sleep(std::time::Duration::from_micros(200));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let options = LogOptions {
        format: LogFormat::Text,
        level: "info".into(),
        sink: Box::new(Slow),
    };
    let (dispatch, guard) = build(options).unwrap();
    tracing::dispatcher::with_default(&dispatch, || (0..12_000).for_each(|n| tracing::info!(n)));
    assert!(guard.dropped_lines() > 0);
}
