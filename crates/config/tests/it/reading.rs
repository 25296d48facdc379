//! What is read, and as what.

use config::section::{JournalSync, LogFormat, ProviderKind, StoreEngine};
use config::{Config, Posture};
use credential::SecretRef;
use domain::Money;

use crate::read;

#[test]
fn nothing_is_the_default() {
    for text in ["", "\n", "# only a comment\n", "---\n", "{}", "\u{feff}"] {
        assert_eq!(read(text).unwrap(), Config::default(), "{text:?}");
    }
    assert!(Config::default().validate().is_empty());
}

#[test]
fn defaults_are_those_of_the_design() {
    let config = Config::default();
    assert_eq!(config.posture, Posture::Development);
    assert_eq!(config.listen.data.to_string(), "127.0.0.1:8080");
    assert_eq!(config.listen.control.to_string(), "127.0.0.1:8081");
    assert_eq!(config.listen.health.to_string(), "127.0.0.1:8082");
    assert_eq!(config.guards.secrets.input, guard::Mode::Redact);
    assert_eq!(config.guards.secrets.output, guard::Mode::Redact);
    assert_eq!(
        (config.cache.enabled, config.limits.output_tokens_default),
        (false, 4096)
    );
}

#[test]
fn the_example_is_read_and_fits() {
    let config = read(include_str!("../../../../bartizan.example.yaml")).unwrap();
    assert_eq!(config.validate(), []);
    assert_eq!(config.providers[0].kind, ProviderKind::Openai);
    assert_eq!(config.providers[0].base_url(), "https://api.openai.com");
    assert_eq!(
        config.providers[0].credential,
        Some(SecretRef::Env("OPENAI_API_KEY".into()))
    );
    assert_eq!(config.providers[2].base_url(), "http://127.0.0.1:8000");
    assert_eq!(config.models[0].targets[1].priority, 1);
    assert_eq!(
        config.prices.overrides[0].input_per_million.0,
        Money::from_nanos(20_000_000)
    );
    assert_eq!(config.limits.new_keys.requests_per_minute, Some(600));
}

#[test]
fn every_section_is_read() {
    let config = read(
        "posture: production
listen: { data: '0.0.0.0:443', tls: { certificate: /c.pem, private_key: file:/k.pem, client_ca: /ca.pem, client_certificates: required }, trusted_proxies: [10.0.0.0/8] }
server: { http2: false, body_bytes_max: 1024 }
store: { engine: postgres, url: env:DATABASE_URL, connections_max: 3 }
journal: { sync: disk }
policies: { files: [a.cedar], replace_defaults: true }
telemetry: { log: { format: text }, otlp: { endpoint: http://otel:4318, headers: { x-key: env:K }, sample_ratio: 0.5 } }
",
    )
    .unwrap();
    assert_eq!(config.validate(), []);
    assert_eq!(config.store.engine, StoreEngine::Postgres);
    assert_eq!(config.journal.sync, JournalSync::Disk);
    assert_eq!(config.telemetry.log.format, LogFormat::Text);
    assert_eq!(
        config.telemetry.otlp.unwrap().headers["x-key"],
        SecretRef::Env("K".into())
    );
    assert_eq!((config.server.http2, config.server.headers_max), (false, 100));
}

#[test]
fn variables_are_expanded_in_plain_values() {
    let text = "ledger: { origin: a.${HOST}x${PORT}-${HOST}_1 }";
    assert_eq!(
        read(text).unwrap().ledger.origin,
        "a.engine.internalx9090-engine.internal_1"
    );
    let text = "listen: { data: 127.0.0.1:${PORT} }\nserver: { headers_max: ${COUNT:-64} }\ndata_dir: ${EMPTY:-/var/lib}/x\n";
    let config = read(text).unwrap();
    assert_eq!(config.listen.data.port(), 9090);
    assert_eq!(config.server.headers_max, 64);
    assert_eq!(config.data_dir.to_str(), Some("/var/lib/x"));
}

#[test]
fn what_a_variable_holds_is_not_expanded_again() {
    assert_eq!(
        read("data_dir: $${HOST}$HOST$").unwrap().data_dir.to_str(),
        Some("${HOST}$HOST$")
    );
    assert_eq!(
        read("data_dir: ${NESTED}").unwrap().data_dir.to_str(),
        Some("${HOST}")
    );
}

#[test]
fn prices_are_read_without_a_float() {
    let price = |text: &str| {
        let line = format!(
            "prices: {{ overrides: [ {{ provider: p, model: m, input_per_million: {text}, output_per_million: 1 }} ] }}"
        );
        read(&line).map(|config| config.prices.overrides[0].input_per_million.0.nanos())
    };
    assert_eq!(price("0.000000001").unwrap(), 1);
    assert_eq!(price("\"0.15\"").unwrap(), 150_000_000);
    assert_eq!(price("123456789.123456789").unwrap(), 123_456_789_123_456_789);
    for bad in ["-1", "1e3", ".nan", "0.0000000001", "free"] {
        assert!(price(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_configuration_written_out_reads_back() {
    let config = read(include_str!("../../../../bartizan.example.yaml")).unwrap();
    assert_eq!(
        read(&serde_json::to_string_pretty(&config).unwrap()).unwrap(),
        config
    );
}
