//! Provider credentials in the instance's own sealed file.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use credential::MasterKey;
use testkit::ScriptedProvider;

use crate::scene::{self, BINARY, Scene, call, providers};

const CHAT: &str = "/v1/chat/completions";

/// `bartizan secrets put`, with the value on standard input.
fn put(scene: &Scene, name: &str, value: &str) -> String {
    let mut child = Command::new(BINARY)
        .args(["--data-dir", "data", "secrets", "put", name])
        .current_dir(scene.gate.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

async fn presents(scene: &Scene, value: &str) {
    let begun = Instant::now();
    loop {
        scene.provider.forget_requests();
        assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
        let wanted = format!("Bearer {value}");
        if scene.provider.requests()[0].header("authorization") == Some(wanted.as_str()) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{}",
            scene.gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn anp_d0007_agp_cred_2_2_a_sealed_credential_is_used_replaced_and_sealed_anew() {
    let provider = ScriptedProvider::start().await;
    let base = providers(&provider.base_url());
    let mut scene = Scene::raise(provider, scene::builder().config(base.clone())).await;
    assert!(put(&scene, "openai", "sk-sealed-first\n").contains("version 1"));
    // A reload may be the first to name a sealed value.
    let sealed = base.replace("env:OA_KEY", "sealed:openai");
    scene.gate.write_config(&sealed);
    presents(&scene, "sk-sealed-first").await;
    assert!(put(&scene, "openai", "sk-sealed-second").contains("version 2"));
    scene.gate.hang_up().await;
    presents(&scene, "sk-sealed-second").await;

    let cli = async |args: &[&str]| {
        let output = scene.gate.cli(args).await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let at = ["--config", "bartizan.yaml"];
    let (listed, text) = cli(&[&at[..], &["secrets", "list"]].concat()).await;
    assert!(
        listed && text.contains("openai") && !text.contains("sk-"),
        "{text}"
    );
    let (checked, text) = cli(&[&at[..], &["check"]].concat()).await;
    assert!(checked, "{text}");

    // Another master key: the old one no longer opens it, the gate with the new one does.
    let key = scene.gate.folder().join("other.key");
    let other = MasterKey::generate().unwrap().to_file(None).unwrap();
    std::fs::write(&key, other.as_bytes()).unwrap();
    let to = format!("file:{}", key.display());
    let (rewrapped, text) = cli(&[&at[..], &["secrets", "rewrap", "--to", &to]].concat()).await;
    assert!(rewrapped && text.contains("1 values"), "{text}");
    let (checked, text) = cli(&[&at[..], &["check"]].concat()).await;
    assert!(!checked && text.contains("another master key"), "{text}");
    scene
        .gate
        .write_config(&format!("{sealed}secrets: {{ sealed_under: \"{to}\" }}\n"));
    scene.gate.kill9().await;
    scene.gate.restart().await;
    presents(&scene, "sk-sealed-second").await;
    let log = scene.gate.lines().all().join("\n");
    assert!(!log.contains("sk-sealed"), "{log}");

    // What is gone is not used.
    let gone = scene
        .gate
        .cli(&["--config", "bartizan.yaml", "secrets", "remove", "openai"])
        .await;
    assert!(gone.status.success());
    scene.gate.hang_up().await;
    let begun = Instant::now();
    while scene.client().post(CHAT, &call("m-oa")).await.status != 503 {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
