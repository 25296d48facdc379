//! Every case under `tests/golden/<direction>/<case>`: what goes in, and what must come out. Where a
//! case is refused, the refusal's sentence is what comes out. `DIALECT_GOLDEN=write` writes new
//! expectations, to be read before they are kept.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dialect::{BodyLimits, Dialect, DialectError, Endpoint, Rewrite};
use serde_json::Value;

use crate::support::translate;

type Out = Result<Vec<u8>, DialectError>;

fn directions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn run(direction: &str, case: &Path) -> (&'static str, Out) {
    let read = |name: &str| fs::read(case.join(name)).unwrap();
    let request = |endpoint, to| {
        (
            "out.json",
            dialect::translate_request(endpoint, &read("in.json"), to, &Rewrite::default()),
        )
    };
    let response = |endpoint, from| {
        (
            "out.json",
            dialect::translate_response(endpoint, from, &read("upstream.json"), "shown"),
        )
    };
    match direction {
        "request_to_anthropic" => request(Endpoint::ChatCompletions, Dialect::Anthropic),
        "request_to_openai" => request(Endpoint::Messages, Dialect::OpenAi),
        "response_to_openai" => response(Endpoint::ChatCompletions, Dialect::Anthropic),
        "response_to_anthropic" => response(Endpoint::Messages, Dialect::OpenAi),
        "stream_to_openai" => (
            "out.sse",
            translate(
                Endpoint::ChatCompletions,
                Dialect::Anthropic,
                &read("upstream.sse"),
            ),
        ),
        "stream_to_anthropic" => (
            "out.sse",
            translate(Endpoint::Messages, Dialect::OpenAi, &read("upstream.sse")),
        ),
        "usage" => ("out.json", usage(case, &read("in.json"))),
        "rewrite" => ("out.txt", rewrite(&read("in.json"), &read("rewrite.json"))),
        other => panic!("no such direction: {other}"),
    }
}

fn usage(case: &Path, body: &[u8]) -> Out {
    let openai = case.file_name().unwrap().to_string_lossy().starts_with("openai");
    let endpoint = if openai {
        Endpoint::ChatCompletions
    } else {
        Endpoint::Messages
    };
    let facts = dialect::read_response(endpoint, body)?;
    Ok(serde_json::to_vec(&facts.usage).unwrap())
}

fn rewrite(body: &[u8], how: &[u8]) -> Out {
    let how: Value = serde_json::from_slice(how).unwrap();
    let body = Bytes::copy_from_slice(body);
    let envelope = dialect::read_request(Endpoint::ChatCompletions, &body, &BodyLimits::default())?;
    let rewrite = Rewrite {
        model: how["model"].as_str(),
        max_output_tokens: how["max_output_tokens"].as_u64(),
        include_usage: how["include_usage"].as_bool().unwrap_or(false),
    };
    dialect::rewrite_request(Endpoint::ChatCompletions, &body, &envelope, &rewrite).map(|out| out.to_vec())
}

/// JSON laid out for people; other texts as they are.
fn shown(name: &str, bytes: &[u8]) -> String {
    if name == "out.json" {
        let value: Value = serde_json::from_slice(bytes).unwrap();
        return serde_json::to_string_pretty(&value).unwrap() + "\n";
    }
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_golden_case_comes_out_as_kept() {
    let write = std::env::var("DIALECT_GOLDEN").is_ok_and(|value| value == "write");
    let (mut cases, mut wrong) = (0, Vec::new());
    for direction in fs::read_dir(directions()).unwrap() {
        let direction = direction.unwrap();
        for case in fs::read_dir(direction.path()).unwrap() {
            let case = case.unwrap().path();
            cases += 1;
            let (name, out) = run(&direction.file_name().to_string_lossy(), &case);
            let (name, text) = match out {
                Ok(bytes) => (name, shown(name, &bytes)),
                Err(error) => ("refused.txt", format!("{error}\n")),
            };
            if write {
                fs::write(case.join(name), &text).unwrap();
            } else if fs::read_to_string(case.join(name)).ok().as_deref() != Some(text.as_str()) {
                wrong.push(format!("{}: got {name}:\n{text}", case.display()));
            }
        }
    }
    assert!(cases > 100, "only {cases} cases found");
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
