//! Whether the keys fit together.

use crate::read;

/// The problems of a text, as `path: message`.
pub fn problems(text: &str) -> Vec<String> {
    read(text)
        .expect(text)
        .validate()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
pub fn one(text: &str, path: &str) -> String {
    let all = problems(text);
    assert!(
        all.len() == 1 && all[0].starts_with(&format!("{path}: ")),
        "{text}: {all:?}"
    );
    all[0].clone()
}

#[test]
fn anp_0005_the_control_plane_never_shares_the_data_listener() {
    one("listen: { control: 127.0.0.1:8080 }", "listen.control");
    one("listen: { data: '0.0.0.0:8081' }", "listen.control");
    one("listen: { data: '[::]:8081' }", "listen.control");
    one("listen: { control: '[::ffff:127.0.0.1]:8080' }", "listen.control");
    assert_eq!(
        problems("listen: { data: 127.0.0.1:0, control: 127.0.0.1:0, health: 127.0.0.1:0 }"),
        [""; 0]
    );
    assert_eq!(
        problems("listen: { data: 10.0.0.1:80, control: 127.0.0.1:80 }"),
        [""; 0]
    );
}

#[test]
fn anp_d0006_health_shares_with_nobody() {
    one("listen: { health: 127.0.0.1:8080 }", "listen.health");
    one("listen: { health: 127.0.0.1:8081 }", "listen.health");
}

#[test]
fn ctx_t2_production_refuses_plaintext_beyond_loopback() {
    for posture in ["staging", "production"] {
        let message = one(
            &format!("posture: {posture}\nlisten: {{ data: '0.0.0.0:8080' }}"),
            "listen.data",
        );
        assert!(message.contains("plain http"), "{message}");
        one(
            &format!("posture: {posture}\nlisten: {{ control: 10.0.0.1:1 }}"),
            "listen.control",
        );
        for allowed in [
            "data: '127.0.0.1:80'",
            "data: '0.0.0.0:80', behind_tls_proxy: true",
            "data: '0.0.0.0:443', tls: { certificate: /c, private_key: env:K }",
        ] {
            assert_eq!(
                problems(&format!("posture: {posture}\nlisten: {{ {allowed} }}")),
                [""; 0]
            );
        }
    }
    assert_eq!(problems("listen: { data: '0.0.0.0:8080' }"), [""; 0]);
}

#[test]
fn ctx_t2_checks_are_switched_off_for_measuring_only() {
    assert_eq!(problems("checks: off"), [""; 0]);
    one("checks: off\nposture: staging", "checks");
    one("checks: off\nposture: production", "checks");
    one("checks: off\nlisten: { data: 10.0.0.1:80 }", "checks");
}

#[test]
fn anp_0002_believing_everybodys_forwarded_address_is_refused() {
    one(
        "listen: { trusted_proxies: [0.0.0.0/0] }",
        "listen.trusted_proxies[0]",
    );
    one(
        "listen: { trusted_proxies: [10.0.0.0/8, '::/0'] }",
        "listen.trusted_proxies[1]",
    );
}

#[test]
fn client_certificates_need_an_authority() {
    one(
        "listen: { tls: { certificate: /c, private_key: env:K, client_certificates: optional } }",
        "listen.tls.client_ca",
    );
}

#[test]
fn a_store_has_an_address_exactly_when_it_is_a_server() {
    one("store: { engine: postgres }", "store.url");
    one("store: { url: env:X }", "store.url");
}

#[test]
fn anp_d0005_base_urls_are_https_or_declared() {
    let provider = |rest: &str| format!("providers: [ {{ name: a, kind: openai, {rest} }} ]");
    for good in [
        "base_url: https://a.example",
        "base_url: https://a.example:8443/v1",
        "base_url: http://127.0.0.1:1",
        "base_url: http://localhost:1",
        "base_url: 'http://[::1]:8000/v1'",
        "base_url: http://10.0.0.1, allow_plaintext: true",
    ] {
        assert_eq!(problems(&provider(good)), [""; 0], "{good}");
    }
    for bad in [
        "base_url: http://10.0.0.1",
        "base_url: http://localhost.evil.example",
        "base_url: http://169.254.169.254, allow_plaintext: true",
        "base_url: 'https://[::ffff:169.254.169.254]'",
        "base_url: https://0.0.0.0",
        "base_url: ftp://a",
        "base_url: a.example",
        "base_url: https://",
        "base_url: https://u:p@a.example",
        "base_url: https://a:0",
        "base_url: https://a:99999",
        "base_url: https://a?x=1",
        "base_url: 'https://a b'",
        "base_url: 'https://[::1'",
        "base_url: 'https://[x]'",
        "base_url: 'https://[::1]8'",
    ] {
        one(&provider(bad), "providers[0].base_url");
    }
}

#[test]
fn anp_b0002_headers_hold_no_credentials() {
    let header = |rest: &str| format!("providers: [ {{ name: a, kind: openai, headers: {{ {rest} }} }} ]");
    assert_eq!(
        problems(&header("anthropic-version: '2023-06-01', x-team: a")),
        [""; 0]
    );
    for bad in [
        "Authorization: x",
        "x-api-key: x",
        "Host: x",
        "cookie: x",
        "'a b': x",
        "'': x",
        "a: \"x\\ny\"",
    ] {
        assert_eq!(problems(&header(bad)).len(), 1, "{bad}");
    }
}

#[test]
fn names_are_unique_and_refer_to_something() {
    let two = "providers: [ { name: a, kind: openai }, { name: a, kind: openai } ]";
    one(two, "providers[1].name");
    let model = |target: &str| {
        format!(
            "providers: [ {{ name: a, kind: openai, models: [m] }} ]\nmodels: [ {{ name: x, targets: [ {target} ] }} ]"
        )
    };
    assert_eq!(problems(&model("{ provider: a, model: m }")), [""; 0]);
    one(
        &model("{ provider: b, model: m }"),
        "models[0].targets[0].provider",
    );
    one(
        &model("{ provider: a, model: '*' }"),
        "models[0].targets[0].model",
    );
    one(
        &model("{ provider: a, model: other }"),
        "models[0].targets[0].model",
    );
    one(
        &model("{ provider: a, model: m, weight: 0 }"),
        "models[0].targets[0].weight",
    );
    one(&model(""), "models[0].targets");
    one(
        "providers: [ { name: 'a b', kind: openai } ]",
        "providers[0].name",
    );
    one(
        "prices: { overrides: [ { provider: a, model: m, input_per_million: 1, output_per_million: 1 } ] }",
        "prices.overrides[0].provider",
    );
}

#[test]
fn agp_d2_bounds_hold_at_the_limit_and_one_past_it() {
    for (key, low, high) in [
        ("headers_max", 16, 1_000),
        ("head_bytes_max", 8 << 10, 1 << 20),
        ("body_bytes_max", 1 << 10, 1 << 30),
    ] {
        let at = |value: i64| problems(&format!("server: {{ {key}: {value} }}"));
        assert_eq!((at(low), at(high)), (vec![], vec![]), "{key}");
        assert_eq!((at(low - 1).len(), at(high + 1).len()), (1, 1), "{key}");
    }
    one("routing: { attempts_max: 0 }", "routing.attempts_max");
    one(
        "routing: { breaker: { cooldown_ms: 5000, cooldown_ms_max: 4999 } }",
        "routing.breaker.cooldown_ms_max",
    );
    one("journal: { bytes_max: 16777215 }", "journal.bytes_max");
    one(
        "telemetry: { otlp: { endpoint: http://a, sample_ratio: 1.5 } }",
        "telemetry.otlp.sample_ratio",
    );
    one(
        "telemetry: { otlp: { endpoint: http://a, sample_ratio: .nan } }",
        "telemetry.otlp.sample_ratio",
    );
}

#[test]
fn anp_b0002_a_secret_in_clear_is_found_wherever_it_stands() {
    let key = concat!(
        "sk-",
        "proj-",
        "Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4fGh7jKl0nOp3rSt6vWx9zAb2dE"
    );
    for (text, path) in [
        (
            format!("providers: [ {{ name: a, kind: openai, headers: {{ x-own: {key} }} }} ]"),
            "providers[0].headers.x-own",
        ),
        (format!("data_dir: /data/{key}"), "data_dir"),
        (
            format!("providers: [ {{ name: a, kind: openai, base_url: https://a.example/{key} }} ]"),
            "providers[0].base_url",
        ),
    ] {
        let message = one(&text, path);
        assert!(!message.contains("Ab3dEf6hIj9l"), "{message}");
    }
}

#[test]
fn anp_d0007_every_secret_can_come_from_a_file() {
    let text = "listen: { tls: { certificate: /c, private_key: file:/run/k } }
store: { engine: postgres, url: file:/run/db }
providers: [ { name: a, kind: openai, credential: file:/run/a } ]
telemetry: { otlp: { endpoint: http://a, headers: { x: file:/run/otlp } } }";
    assert_eq!(problems(text), [""; 0]);
}

const VAULT: &str = "secrets: { vault: { address: https://vault.example, auth: { token_file: /t }";

#[test]
fn anp_d0007_vault_references_need_a_vault() {
    let provider = "providers: [ { name: a, kind: openai, credential: 'vault:secret/a#b' } ]";
    let message = one(provider, "providers[0].credential");
    assert!(message.contains("no server"), "{message}");
    one(
        "telemetry: { otlp: { endpoint: 'https://x.example', headers: { a: 'vault:secret/a#b' } } }",
        "telemetry.otlp.headers.a",
    );
    one(
        "store: { engine: postgres, url: 'vault:secret/a#b' }",
        "store.url",
    );
    assert_eq!(problems(&format!("{VAULT} }} }}\n{provider}")), [""; 0]);
    assert_eq!(
        problems("providers: [ { name: a, kind: openai, credential: 'sealed:b' } ]"),
        [""; 0]
    );
}

#[test]
fn agp_cred_1_1_2_a_vault_is_reached_over_tls_or_on_this_machine() {
    let at = |address: &str| {
        format!("secrets: {{ vault: {{ address: '{address}', auth: {{ token_file: /t }} }} }}")
    };
    for good in [
        "https://vault.example:8200",
        "http://127.0.0.1:8200",
        "http://localhost:8200",
    ] {
        assert_eq!(problems(&at(good)), [""; 0], "{good}");
    }
    for bad in [
        "http://vault.example",
        "http://10.0.0.1",
        "https://169.254.169.254",
        "vault",
        "https://a:b@c",
    ] {
        let message = one(&at(bad), "secrets.vault.address");
        assert!(!message.contains("allow_plaintext"), "{message}");
    }
}

#[test]
fn a_gate_logs_in_to_its_vault_in_one_way() {
    let with =
        |auth: &str| format!("secrets: {{ vault: {{ address: https://v.example, auth: {{ {auth} }} }} }}");
    let role = "approle: { role_id: 6b5c0a4e-9a1b-4c1d-8e2f-0123456789ab, secret_id: 'file:/s' }";
    for good in [role, "kubernetes: { role: bartizan }", "token_file: /t"] {
        assert_eq!(problems(&with(good)), [""; 0], "{good}");
    }
    one(&with(""), "secrets.vault.auth");
    one(&with(&format!("{role}, token_file: /t")), "secrets.vault.auth");
    let there = "secrets.vault.auth.approle";
    one(
        &with(&role.replace("file:/s", "vault:secret/a#b")),
        &format!("{there}.secret_id"),
    );
    one(
        &with(&role.replace("role_id", "mount: 'a/../b', role_id")),
        &format!("{there}.mount"),
    );
    one(
        &with("kubernetes: { role: 'a b' }"),
        "secrets.vault.auth.kubernetes.role",
    );
    one(
        &format!(
            "{}\nstore: {{ engine: postgres, url: 'vault:secret/a#b' }}",
            with(&role.replace("secret_id", "wrapped: true, secret_id"))
        ),
        "store.url",
    );
    one("secrets: { sealed_under: 'sealed:a' }", "secrets.sealed_under");
    let spaced = |namespace: &str| format!("{VAULT}, namespace: '{namespace}' }} }}");
    assert_eq!(problems(&spaced("team/a/")), [""; 0]);
    for bad in ["", "a//b", "../a", "a b"] {
        one(&spaced(bad), "secrets.vault.namespace");
    }
}

#[test]
fn a_vaults_times_are_bounded_and_fit_together() {
    let with = |times: &str| format!("{VAULT}, {times} }} }}");
    assert_eq!(
        problems(&with("timeout_ms: 50, refresh_ms: 100, remember_ms: 150")),
        [""; 0]
    );
    one(
        &with("timeout_ms: 50, refresh_ms: 100, remember_ms: 149"),
        "secrets.vault.remember_ms",
    );
    one(&with("timeout_ms: 49"), "secrets.vault.timeout_ms");
    one(&with("timeout_ms: 60001"), "secrets.vault.timeout_ms");
    one(&with("refresh_ms: 99"), "secrets.vault.refresh_ms");
    one(&with("remember_ms: 86400001"), "secrets.vault.remember_ms");
}

#[test]
fn anp_0014_a_mistyped_act_is_no_act_that_wants_nobody() {
    for (text, path) in [
        ("approvals: { acts: [tenants.ofboard] }", "approvals.acts[0]"),
        (
            "approvals: { acts: [keys.create, approvals.decide] }",
            "approvals.acts[1]",
        ),
        ("approvals: { lasts_ms: 1 }", "approvals.lasts_ms"),
    ] {
        one(text, path);
    }
}

#[test]
fn anp_d0005_people_are_sent_to_an_origin_with_a_name_over_tls() {
    let with = |posture: &str, url: &str| format!("posture: {posture}\ncontrol: {{ public_url: '{url}' }}");
    for good in [
        "https://bartizan.example.com",
        "https://b.example:8443",
        "http://localhost:8081",
    ] {
        assert_eq!(problems(&with("production", good)), [""; 0], "{good}");
    }
    assert_eq!(problems(&with("development", "http://gate.lan")), [""; 0]);
    for bad in [
        "http://gate.lan",
        "https://10.0.0.1",
        "https://[::1]:8081",
        "https://b.example/",
        "https://b.example/console",
        "https://me@b.example",
        "b.example",
        "ftp://b.example",
        "",
    ] {
        one(&with("production", bad), "control.public_url");
    }
}

#[test]
fn anp_d0005_records_are_pushed_signed_and_not_in_clear_beyond_this_machine() {
    let with = |sink: &str| format!("alerts: {{ sinks: [{{ name: siem, {sink} }}] }}");
    let secret = "secrets: ['env:A']";
    for good in [
        format!("address: 'https://siem.example/in', {secret}"),
        format!("address: 'http://127.0.0.1:9/in', {secret}, acts: ['keys.*', sign_in, '*']"),
        format!("address: 'http://siem.lan', {secret}, allow_plaintext: true"),
        "address: 'tcp://127.0.0.1:514'".to_owned(),
        "address: 'udp://[::1]:514'".to_owned(),
        "address: 'tcp://siem.lan:514', allow_plaintext: true".to_owned(),
        "address: 'tls://siem.example:6514'".to_owned(),
        "address: 'tls://[::1]:6514', ca_file: /etc/ca.pem".to_owned(),
    ] {
        assert_eq!(problems(&with(&good)), [""; 0], "{good}");
    }
    for bad in [
        format!("address: 'http://siem.example', {secret}"),
        format!("address: 'https://169.254.169.254/latest', {secret}"),
        format!("address: 'https://me@siem.example', {secret}"),
        format!("address: 'siem.example', {secret}"),
        "address: 'tcp://siem.lan:514'".to_owned(),
        "address: 'udp://siem.lan', allow_plaintext: true".to_owned(),
        "address: 'tcp://127.0.0.1:514/in'".to_owned(),
        "address: 'tcp://169.254.169.254:514', allow_plaintext: true".to_owned(),
        "address: 'tls://siem.example'".to_owned(),
        "address: 'tls://siem.example:6514/in'".to_owned(),
        "address: 'tls://169.254.169.254:6514', allow_plaintext: true".to_owned(),
    ] {
        one(&with(&bad), "alerts.sinks[0].address");
    }
    one(
        &with("address: 'https://siem.example'"),
        "alerts.sinks[0].secrets",
    );
    one(
        &with(&format!("address: 'tcp://[::1]:514', {secret}")),
        "alerts.sinks[0].secrets",
    );
    one(
        &with("address: 'tcp://[::1]:514', ca_file: /etc/ca.pem"),
        "alerts.sinks[0].ca_file",
    );
    one(
        &with("address: 'tcp://[::1]:514', acts: ['k*y']"),
        "alerts.sinks[0].acts[0]",
    );
    let mail = "mail: { from: 'Gate <gate@example.com>', to: [ops@example.com]";
    for good in [
        format!(
            "address: 'https://hooks.slack.com/services', form: slack, {secret}, tenants: [acme], severity_min: error"
        ),
        format!(
            "address: 'https://events.pagerduty.com/v2/enqueue', form: pagerduty, {secret}, repeat_ms: 0"
        ),
        format!("address: 'smtps://mail.example:465', {mail}, user: me }}, {secret}, ca_file: /etc/ca.pem"),
        format!("address: 'smtp://mail.example:587', {mail} }}, give_up_after_ms: 1000"),
        format!("address: 'smtp://127.0.0.1:25', {mail} }}, allow_plaintext: true"),
    ] {
        assert_eq!(problems(&with(&good)), [""; 0], "{good}");
    }
    for (bad, at) in [
        (
            "address: 'https://hooks.slack.com/services', form: slack".to_owned(),
            "secrets",
        ),
        (
            format!("address: 'smtp://mail.example:587', {mail} }}, {secret}"),
            "secrets",
        ),
        (
            format!("address: 'smtps://mail.example:465', {mail}, user: me }}"),
            "secrets",
        ),
        ("address: 'smtps://mail.example:465'".to_owned(), "mail"),
        (
            format!("address: 'https://s.example', {secret}, {mail} }}"),
            "mail",
        ),
        (
            format!("address: 'smtps://mail.example:465', {mail} }}, form: slack"),
            "form",
        ),
        (format!("address: 'smtps://mail.example', {mail} }}"), "address"),
        (
            format!("address: 'smtps://169.254.169.254:465', {mail} }}"),
            "address",
        ),
        (
            format!("address: 'smtp://m.example:25', {mail}, user: me }}, {secret}, allow_plaintext: true"),
            "mail.user",
        ),
        (
            "address: 'smtps://m.example:465', mail: { from: 'a@b', to: [] }".to_owned(),
            "mail.to",
        ),
        (
            "address: 'smtps://m.example:465', mail: { from: 'a@b', to: ['a@b, c@d'] }".to_owned(),
            "mail.to[0]",
        ),
        (
            "address: 'smtps://m.example:465', mail: { from: \"a@b\\r\\nBcc: c@d\", to: ['a@b'] }".to_owned(),
            "mail.from",
        ),
        (
            format!("address: 'https://s.example', {secret}, give_up_after_ms: 999"),
            "give_up_after_ms",
        ),
        (
            format!("address: 'https://s.example', {secret}, repeat_ms: 86400001"),
            "repeat_ms",
        ),
        (
            format!("address: 'https://s.example', {secret}, teams: ['']"),
            "teams[0]",
        ),
    ] {
        one(&with(&bad), &format!("alerts.sinks[0].{at}"));
    }
    one(
        &with("address: 'https://s.example', secrets: ['vault:kv/a#b']"),
        "alerts.sinks[0].secrets[0]",
    );
}

/// Not for less than a month, nor than findings look back.
#[test]
fn agp_t4_entries_are_kept_for_ever_or_a_month_and_more() {
    for good in [
        "ledger: {}",
        "ledger: { keep_days: 31 }",
        "ledger: { keep_days: 36500, sweep_every_ms: 1000 }",
    ] {
        assert_eq!(problems(good), [""; 0], "{good}");
    }
    for bad in ["ledger: { keep_days: 30 }", "ledger: { keep_days: 36501 }"] {
        one(bad, "ledger.keep_days");
    }
    one("ledger: { sweep_every_ms: 999 }", "ledger.sweep_every_ms");
}

#[test]
fn agp_r3_audit_records_are_kept_for_ever_or_long_enough() {
    for good in [
        "audit: {}",
        "audit: { keep_days: 90 }",
        "audit: { keep_days: 36500, sweep_every_ms: 1000 }",
        "audit: { keep_days: 30 }\ncredentials: { idle_days: 7 }",
    ] {
        assert_eq!(problems(good), [""; 0], "{good}");
    }
    for bad in [
        "audit: { keep_days: 0 }",
        "audit: { keep_days: 89 }",
        "audit: { keep_days: 29 }\ncredentials: { idle_days: 7 }",
        "audit: { keep_days: 36501 }",
    ] {
        one(bad, "audit.keep_days");
    }
    one("audit: { sweep_every_ms: 999 }", "audit.sweep_every_ms");
}
