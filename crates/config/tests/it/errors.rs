//! Every mistake is refused with its place and, where one can help, a hint.

use crate::read;

/// Message with place, and hint.
fn refusal(text: &str) -> (String, String) {
    let error = read(text).expect_err(text);
    (error.to_string(), error.hint.unwrap_or_default())
}

#[track_caller]
fn refused(text: &str, message: &str, hint: &str) {
    let (got, got_hint) = refusal(text);
    assert_eq!(got, format!("bartizan.yaml:{message}"));
    assert_eq!(got_hint, hint);
}

#[test]
fn agp_t3_an_unknown_key_names_its_place_and_the_nearest_known_one() {
    refused(
        "posture: staging\nlisen: {}\n",
        "2:1: unknown key `lisen`",
        "the nearest known key is `listen`",
    );
    refused(
        "server:\n  body_bytes: 1\n",
        "2:3: unknown key `body_bytes`",
        "the nearest known key is `body_bytes_max`",
    );
    refused(
        "guards:\n  secrets:\n    inputs: off\n",
        "3:5: unknown key `inputs`",
        "the nearest known key is `input`",
    );
    refused(
        "listen: { tls: { cert: a } }",
        "1:18: unknown key `cert`",
        "the nearest known key is `certificate`",
    );
    refused(
        "guards: { virus: off }",
        "1:11: unknown key `virus`",
        "known keys here: secrets, personal, injection, moderation, topics, links, leaks, format, bounds, unread, custom, profiles, exceptions, connectors, deadline_ms, on_timeout",
    );
}

#[test]
fn agp_t3_unknown_values_and_wrong_types_name_their_place() {
    refused(
        "posture: prod\n",
        "1:10: unknown value `prod`",
        "the nearest known value is `production`",
    );
    refused(
        "store:\n  engine: mysql\n",
        "2:11: unknown value `mysql`",
        "known values here: sqlite, postgres",
    );
    for (text, place) in [
        ("server:\n  headers_max: many\n", "2:16"),
        ("server:\n  headers_max: -1\n", "2:16"),
        ("server:\n  http2: yes\n", "2:10"),
        ("listen:\n  data: localhost\n", "2:9"),
        ("listen:\n  trusted_proxies: [10.0.0.0/33]\n", "2:21"),
        ("providers: { name: x }\n", "1:12"),
        ("server: 3\n", "1:9"),
        ("server: [1]\n", "1:9"),
        ("posture: null\n", "1:10"),
    ] {
        let (message, _) = refusal(text);
        assert!(
            message.starts_with(&format!("bartizan.yaml:{place}: ")),
            "{text}: {message}"
        );
    }
}

#[test]
fn agp_t3_what_yaml_lets_through_elsewhere_is_refused() {
    refused(
        "posture: staging\nposture: production\n",
        "2:1: the key `posture` is there twice",
        "",
    );
    refused(
        "a: &x { b: 1 }\n<<: *x\n",
        "1:1: unknown key `a`",
        &refusal("a: 1").1,
    );
    for text in [
        "server: &s { http2: true }\nserver: { <<: *s }\n",
        "posture: !!binary c3RhZ2luZw==\n",
        "posture: !custom staging\n",
        "posture: staging\n---\nposture: production\n",
        "? posture\n: [",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn agp_t3_a_missing_key_is_named() {
    let (message, _) = refusal("providers:\n  - name: x\n");
    assert!(
        message.ends_with("the key `kind` is missing") && message.contains(":2:"),
        "{message}"
    );
}

#[test]
fn an_unset_variable_is_refused_with_its_place() {
    refused(
        "posture: staging\ndata_dir: ${NOWHERE}/x\n",
        "2:11: the environment variable `NOWHERE` is not set",
        "set it, or give a default: `${NOWHERE:-default}`",
    );
    assert!(read("data_dir: ${1X}").is_err());
    assert!(read("data_dir: ${}").is_err());
    assert!(read("data_dir: /x/${PORT\n").is_err());
    refused(
        "server: { http2: ${NOWHERE} }",
        "1:18: the environment variable `NOWHERE` is not set",
        &refusal("data_dir: ${NOWHERE}").1,
    );
    refused(
        "data_dir: ${A:+b}\n",
        "1:11: `${A:+b}` is no variable",
        &refusal("data_dir: ${1X}").1,
    );
    assert!(read("# ${NOWHERE} and ${1X} in a comment\nposture: staging # ${NOWHERE}").is_ok());
}

#[test]
fn a_variable_in_quotes_is_refused_rather_than_taken_literally() {
    assert!(read("ledger: { origin: '${HOST:-x}' }").is_err());
    refused(
        "ledger:\n  origin: \"${HOST}\"\n",
        "2:12: `${HOST}` is inside quotes, where nothing is expanded",
        "leave the quotes out",
    );
}

#[test]
fn anp_b0002_a_secret_in_clear_is_refused_and_not_repeated() {
    let canary = "sk-canary-0123456789abcdef";
    for text in [
        format!("providers: [ {{ name: a, kind: openai, credential: {canary} }} ]"),
        format!("store: {{ engine: postgres, url: 'postgres://u:{canary}@db/x' }}"),
        format!("listen: {{ tls: {{ certificate: /c, private_key: {canary} }} }}"),
        format!("telemetry: {{ otlp: {{ endpoint: http://h, headers: {{ a: {canary} }} }} }}"),
    ] {
        let error = read(&text).unwrap_err();
        let all = format!("{error:?} {error} {:?}", error.hint);
        assert!(!all.contains("canary"), "{all}");
        assert!(error.message.starts_with("not a secret reference"), "{error}");
        assert!(error.hint.unwrap().contains("environment variable"));
        assert!(
            error.line == 1 && error.column > 20,
            "{}:{}",
            error.line,
            error.column
        );
    }
    refused(
        "store: { url: ${LEAKED} }",
        "1:15: the value of `${LEAKED}` does not fit here",
        "if it is a secret, name it here as `env:LEAKED`",
    );
    refused(
        "store: { url: vault:kv/db }",
        "1:15: not a mount, a path and a field after `vault:`: as in `vault:secret/bartizan/openai#api_key`, of \
         letters, digits, `-`, `_` and `.`",
        "",
    );
}

#[test]
fn agp_i1_a_variables_value_is_never_in_an_error() {
    for text in [
        "posture: ${LEAKED}",
        "server: { headers_max: ${LEAKED} }",
        "listen: { data: ${LEAKED} }",
        "server: ${LEAKED}",
        "listen: { trusted_proxies: [ ${LEAKED} ] }",
        "server: { http2: ${LEAKED} }",
        "prices: { overrides: [ { provider: a, model: b, input_per_million: ${LEAKED}, output_per_million: 1 } ] }",
    ] {
        let error = read(text).unwrap_err();
        let all = format!("{error} {:?}", error.hint);
        assert!(!all.contains("canary"), "{text}: {all}");
    }
}

#[test]
fn agp_t3_bombs_and_books_are_refused() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    assert!(read(bomb).is_err());
    let models = |inner: &str| format!("policies: {{ files: {inner} }}");
    assert!(read(&models(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)))).is_err());
    assert!(read(&models(&format!("[{}]", "a,".repeat(60_000)))).is_err());
    assert!(read(&models(&format!("[{}]", "&x a,".repeat(200)))).is_err());
    let long = "#".repeat(config::FILE_BYTES_MAX);
    assert!(read(&long).is_ok());
    assert!(
        read(&format!("{long}#"))
            .unwrap_err()
            .message
            .contains("larger than")
    );
}

#[test]
fn long_and_strange_input_is_clipped_in_messages() {
    let (message, hint) = refusal(&format!("{}: 1", "k".repeat(900)));
    assert!(message.len() < 200 && hint.len() < 400, "{message} {hint}");
    let (message, _) = refusal("\"a\\nb\": 1");
    assert!(!message.contains('\n'), "{message}");
}
