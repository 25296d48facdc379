//! `/metrics`: every name is documented, labels are bounded, nothing of a caller is in it.

use std::path::Path;
use std::time::Duration;

use domain::{Money, Operation, Usage};
use telemetry::Metrics;
use telemetry::metrics::{BreakerState, Dialect, Ended, Listener, Stage};

/// Every metric touched once.
fn touched() -> Metrics {
    let metrics = Metrics::new("1.2.3");
    metrics.set_models(["fast"]);
    metrics.set_targets(["local"]);
    metrics.request(Operation::Chat, Dialect::OpenAi, Ended::Completed, 200);
    metrics.refusal("budget_exhausted");
    metrics.stage(Stage::Admit, Duration::from_micros(3));
    metrics.added_latency(Duration::from_micros(30));
    let model = metrics.model("fast");
    let usage = Usage {
        input: 100,
        output: 20,
        cache_read: 3,
        cache_write: 1,
        cache_write_long: 3,
        reasoning: 5,
        ..Usage::default()
    };
    model.settled(&usage, Money::from_nanos(1234));
    model.first_token(Duration::from_millis(12));
    model.duration(Duration::from_millis(120));
    let target = metrics.target("local");
    target.attempt();
    target.failure("timeout");
    target.breaker(BreakerState::Open);
    std::mem::forget(metrics.gauges().connections(Listener::Data).enter());
    metrics.gauges().checkpointed();
    metrics.gauges().policy_differences("calls").inc();
    metrics.gauges().key_signals("new_network").inc();
    metrics.gauges().sink("siem").delivered.inc();
    metrics.gauges().witness("elsewhere").taken.inc();
    metrics.connector("pii").needed.inc();
    metrics
}

fn typed(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect()
}

#[test]
fn every_metric_is_documented() {
    let metrics = touched();
    let mut scraped = typed(&metrics.render());
    let mut described: Vec<_> = metrics.described().iter().map(|d| d.name.to_owned()).collect();
    scraped.sort();
    described.sort();
    assert_eq!(scraped, described);

    let mut page = String::from(
        "# Metrics\n\nGenerated from the registry; `UPDATE_GENERATED=1 cargo test -p telemetry` writes it anew. Served as \
         OpenMetrics text at\n`/metrics` of the health listener. Models and targets are those the configuration names; \
         others count as `other`.\n\n| metric | kind | labels | what it says |\n|---|---|---|---|\n",
    );
    for metric in metrics.described() {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        page += &format!(
            "| `{}` | {} | {} | {} |\n",
            metric.name,
            metric.kind,
            labels.join(", "),
            metric.help
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/metrics.md is out of date: run with UPDATE_GENERATED=1"
    );
}

#[test]
fn values_are_what_was_counted() {
    let text = touched().render();
    for line in [
        r#"bartizan_requests_total{operation="chat",dialect="openai",outcome="completed",status="2xx"} 1"#,
        r#"bartizan_refusals_total{code="budget_exhausted"} 1"#,
        r#"bartizan_tokens_total{gen_ai_request_model="fast",gen_ai_token_type="input"} 100"#,
        r#"bartizan_tokens_total{gen_ai_request_model="fast",gen_ai_token_type="output"} 20"#,
        r#"bartizan_tokens_total{gen_ai_request_model="fast",gen_ai_token_type="cache_read"} 3"#,
        r#"gen_ai_client_token_usage_sum{gen_ai_request_model="fast",gen_ai_token_type="input"} 107.0"#,
        r#"bartizan_cost_nanos_total{gen_ai_request_model="fast"} 1234"#,
        r#"gen_ai_server_time_to_first_token_seconds_count{gen_ai_request_model="fast"} 1"#,
        r#"bartizan_upstream_failures_total{target="local",reason="timeout"} 1"#,
        r#"bartizan_breaker_state{target="local"} 2"#,
        r#"bartizan_connections_open{listener="data"} 1"#,
        r#"bartizan_build_info{version="1.2.3"} 1"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
    }
}

#[test]
fn agp_d1_names_a_caller_invents_make_no_series() {
    let metrics = touched();
    let before = metrics.render().lines().count();
    metrics.model("other");
    metrics.target("other");
    let with_other = metrics.render().lines().count();
    for n in 0..1000 {
        metrics
            .model(&format!("invented-{n}"))
            .settled(&Usage::default(), Money::ZERO);
        metrics.target(&format!("invented-{n}")).attempt();
    }
    let text = metrics.render();
    assert!(!text.contains("invented"));
    assert!(before < with_other);
    assert_eq!(text.lines().count(), with_other);
    metrics.set_models(
        (0..10_000)
            .map(|n| format!("configured-{n}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str),
    );
    assert!(metrics.render().matches("bartizan_cost_nanos_total{").count() <= 500);
}

#[test]
fn odd_statuses_are_other_and_guards_count_down() {
    let metrics = Metrics::new("0");
    for status in [0, 99, 600, 65_535] {
        metrics.request(Operation::ListModels, Dialect::Anthropic, Ended::Refused, status);
    }
    let line = r#"{operation="list_models",dialect="anthropic",outcome="refused",status="other"} 4"#;
    assert!(metrics.render().contains(line));
    let entered = metrics.gauges().streams_open.enter();
    assert_eq!(metrics.gauges().streams_open.get(), 1);
    drop(entered);
    assert_eq!(metrics.gauges().streams_open.get(), 0);
}
