//! The commands about lists, with the real binary: through files, and through what is wrong with them.

use serde_json::Value;
use testkit::Gate;

use super::scene::Scene;

const LITELLM: &str = r#"{"sample_spec": {"mode": "chat"},
  "house/large": {"litellm_provider": "house", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
    "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token_batches": 5e-06},
  "house/odd": {"litellm_provider": "house", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06,
    "input_cost_per_second": 0.1},
  "other/large": {"litellm_provider": "other", "mode": "chat", "input_cost_per_token": 9e-06, "output_cost_per_token": 9e-06}}"#;
const OPENROUTER: &str =
    r#"{"data": [{"id": "them/large", "pricing": {"prompt": "0.000002", "completion": "0.000006"}}]}"#;

/// What a command says to programs.
async fn json_of(gate: &Gate, words: &[&str]) -> Value {
    gate.cli_json(&[words, &["--json"]].concat()).await
}

async fn run(gate: &Gate, words: &[&str]) -> (i32, String, String) {
    let done = gate.cli(words).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn file(gate: &Gate, name: &str, content: &str) -> String {
    let path = gate.folder().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn agp_r2_a_list_is_imported_compared_laid_over_and_shown() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let (list, ours) = (
        file(gate, "litellm.json", LITELLM),
        gate.folder().join("ours.json"),
    );
    let ours = ours.to_str().unwrap();
    let days = ["--read", "2025-11-01", "--from", "2025-11-02"];
    let import = [
        &[
            "prices",
            "import",
            "--format",
            "litellm",
            &list,
            "--provider",
            "house",
            "--out",
            ours,
        ],
        &days[..],
    ]
    .concat();
    let (code, out, err) = run(gate, &import).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("1 models taken") && out.contains("input_cost_per_second"),
        "{out}"
    );
    let written: Value = serde_json::from_str(&std::fs::read_to_string(ours).unwrap()).unwrap();
    assert_eq!(written["models"][0]["prices"][0]["from"], "2025-11-02");
    assert_eq!(written["models"][0]["prices"][0]["batch"]["output"], "5");
    assert_eq!(written["sources"]["litellm"]["read"], "2025-11-01");
    assert_eq!(written["left_out"][0]["name"], "house/odd");

    let diff = json_of(gate, &["prices", "diff", ours]).await;
    assert_eq!(
        (diff.as_array().unwrap().len(), diff[0]["model"].as_str()),
        (1, Some("large")),
        "{diff}"
    );
    let (_, out, _) = run(gate, &["prices", "diff", ours]).await;
    assert!(out.contains("- → 2.50") && out.contains("new"), "{out}");

    // In force, it is listed and shown; and laid over itself it changes nothing.
    let config = std::fs::read_to_string(gate.config_path()).unwrap();
    let with = config.replacen("prices:\n", &format!("prices:\n  files: [\"{ours}\"]\n"), 1);
    assert_ne!(with, config);
    gate.write_config(&with);
    let listed = json_of(gate, &["prices", "list", "--provider", "house"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let (code, out, _) = run(gate, &["prices", "list"]).await;
    assert!(
        code == 0 && out.contains("house") && out.contains("anthropic"),
        "{out}"
    );
    let shown = json_of(gate, &["prices", "show", "house", "large"]).await;
    assert_eq!(
        shown["prices"][0]["standard"]["rates"]["input"], 2_500_000_000_u64,
        "{shown}"
    );
    let (_, out, _) = run(gate, &["prices", "show", "house", "large"]).await;
    assert!(out.contains("batch") && out.contains("2025-11-02"), "{out}");
    let (_, out, _) = run(gate, &["prices", "diff", ours]).await;
    assert!(out.contains("nothing would change"), "{out}");

    // To standard output it is the file alone.
    let list = file(gate, "openrouter.json", OPENROUTER);
    let (code, out, err) = run(gate, &["prices", "import", "--format", "openrouter", &list]).await;
    let whole: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && err.contains("1 models taken"), "{err}");
    assert_eq!(whole["models"][0]["names"][0], "them/large");
}

#[tokio::test]
async fn agp_r2_wrong_lists_are_refused_with_what_is_wrong() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let (text, list) = (
        file(gate, "text.json", "no list"),
        file(gate, "list.json", LITELLM),
    );
    let format = |number: u32| format!(r#"{{"format": {number}, "sources": {{}}, "models": []}}"#);
    let second = file(gate, "second.json", &format(2));
    let nowhere = gate.folder().join("no/such/folder.json");
    let nowhere = nowhere.to_str().unwrap();
    for (words, code, part) in [
        (vec!["import", "--format", "litellm", &text], 2, "cannot be read"),
        (
            vec!["import", "--format", "openrouter", &list],
            2,
            "cannot be read",
        ),
        (
            vec!["import", "--format", "litellm", nowhere],
            2,
            "cannot be read",
        ),
        (
            vec!["import", "--format", "litellm", &list, "--provider", "nobody"],
            2,
            "no model",
        ),
        (
            vec!["import", "--format", "litellm", &list, "--from", "2026-02-30"],
            2,
            "is no day",
        ),
        (
            vec!["import", "--format", "litellm", &list, "--out", nowhere],
            1,
            "cannot be written",
        ),
        (vec!["import", "--format", "excel", &list], 2, "invalid value"),
        (vec!["diff", &text], 2, "prices import"),
        (vec!["diff", &second], 2, "format 2"),
        (vec!["diff", nowhere], 2, "cannot be read"),
        (vec!["list", "--provider", "nobody"], 3, "no model of `nobody`"),
        (vec!["show", "openai", "no-such-model"], 3, "has no price"),
    ] {
        let (found, out, err) = run(gate, &[&["prices"], &words[..]].concat()).await;
        assert!(found != 0 && err.contains(part), "{words:?}: {found} {err}");
        assert_eq!(found, code, "{words:?}: {err}");
        assert!(out.is_empty(), "{words:?}: {out}");
    }
}
