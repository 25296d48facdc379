//! One call as a span, under the names of OpenTelemetry's GenAI conventions.

use std::time::SystemTime;

use domain::{Money, Operation, RequestId, Usage};
use opentelemetry::trace::{Event, Span, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use super::TraceParent;

/// A stage and when it ended.
#[derive(Debug, Clone, Copy)]
pub struct SpanStage {
    /// Its name.
    pub stage: &'static str,
    /// When it ended.
    pub ended: SystemTime,
}

/// What a span says of a call. There is no field that could hold content.
#[derive(Debug, Clone)]
pub struct CallSpan<'c> {
    /// The caller's trace, if it sent one.
    pub parent: Option<TraceParent>,
    /// When the request's head had been read.
    pub started: SystemTime,
    /// When the answer's last byte left.
    pub ended: SystemTime,
    /// The request.
    pub request: RequestId,
    /// What was asked.
    pub operation: Operation,
    /// The model as the configuration knows it; none if it does not.
    pub model: Option<&'c str>,
    /// The upstream model that served it.
    pub response_model: Option<&'c str>,
    /// The provider that served it.
    pub provider: Option<&'c str>,
    /// What was used.
    pub usage: Usage,
    /// What it cost.
    pub cost: Money,
    /// The HTTP status the caller got.
    pub status: u16,
    /// A refusal's or failure's stable code; none when all went well.
    pub error: Option<&'static str>,
    /// Attempts made upstream.
    pub attempts: u16,
    /// Whether the answer was streamed.
    pub streamed: bool,
    /// When the first token of the answer came.
    pub first_token: Option<SystemTime>,
    /// When stages ended.
    pub stages: &'c [SpanStage],
}

pub(super) fn record(tracer: &SdkTracer, call: &CallSpan<'_>) {
    let parent = call.parent.map_or_else(Context::new, |parent| {
        Context::new().with_remote_span_context(parent.context())
    });
    let mut span = SpanBuilder::from_name(name(call))
        .with_kind(SpanKind::Server)
        .with_start_time(call.started)
        .with_attributes(attributes(call))
        .with_events(events(call))
        .start_with_context(tracer, &parent);
    if let Some(error) = call.error {
        span.set_status(Status::error(error));
    }
    span.end_with_timestamp(call.ended);
}

fn name(call: &CallSpan<'_>) -> String {
    call.model.map_or_else(
        || call.operation.as_str().to_owned(),
        |model| format!("{} {model}", call.operation.as_str()),
    )
}

fn attributes(call: &CallSpan<'_>) -> Vec<KeyValue> {
    let mut all = vec![
        KeyValue::new("gen_ai.operation.name", call.operation.as_str()),
        KeyValue::new("http.response.status_code", i64::from(call.status)),
        KeyValue::new("bartizan.request.id", call.request.to_string()),
        KeyValue::new("bartizan.upstream.attempts", i64::from(call.attempts)),
        KeyValue::new("bartizan.cost_nanos", call.cost.nanos()),
        KeyValue::new("bartizan.streamed", call.streamed),
        KeyValue::new("gen_ai.usage.input_tokens", count(call.usage.prompt())),
        KeyValue::new("gen_ai.usage.output_tokens", count(call.usage.output)),
        KeyValue::new(
            "gen_ai.usage.cache_read.input_tokens",
            count(call.usage.cache_read),
        ),
        KeyValue::new(
            "gen_ai.usage.cache_creation.input_tokens",
            count(call.usage.cache_written()),
        ),
    ];
    let texts = [
        ("gen_ai.request.model", call.model),
        ("gen_ai.response.model", call.response_model),
        ("gen_ai.provider.name", call.provider),
        ("error.type", call.error),
    ];
    all.extend(
        texts
            .into_iter()
            .filter_map(|(key, text)| Some(KeyValue::new(key, text?.to_owned()))),
    );
    all
}

fn events(call: &CallSpan<'_>) -> Vec<Event> {
    let stages = call
        .stages
        .iter()
        .map(|stage| Event::new(stage.stage, stage.ended, Vec::new(), 0));
    let first = call
        .first_token
        .map(|at| Event::new("first_token", at, Vec::new(), 0));
    stages.chain(first).collect()
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
