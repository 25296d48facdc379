//! Guards that are made of files, through the real binary: modules of one's own and lists of words; one that is not the file it
//! should be is a configuration that is not taken, and one that fails lets nothing pass.

use sha2::{Digest, Sha256};
use testkit::Reply;

use crate::guards::{asking, play, said};
use crate::scene::{self, Scene};

/// Finds every `#` and the character behind it; loops for ever on a text that begins with `!`.
const MODULE: &str = r#"(module
    (memory (export "memory") 4)
    (func (export "bartizan_guard_abi") (result i32) i32.const 1)
    (func (export "allocate") (param i32) (result i32) i32.const 65536)
    (func (export "inspect") (param $text i32) (param $bytes i32) (param i32 i32) (result i64)
        (local $at i32) (local $out i32)
        (local.set $out (i32.const 1024))
        (if (i32.eq (i32.load8_u (local.get $text)) (i32.const 33))
            (then (loop $ever (br $ever))))
        (block $done
            (loop $next
                (br_if $done (i32.ge_u (i32.add (local.get $at) (i32.const 1)) (local.get $bytes)))
                (if (i32.eq (i32.load8_u (i32.add (local.get $text) (local.get $at))) (i32.const 35))
                    (then
                        (i32.store (local.get $out) (local.get $at))
                        (i32.store offset=4 (local.get $out) (i32.add (local.get $at) (i32.const 2)))
                        (i32.store offset=8 (local.get $out) (i32.const 90))
                        (i32.store offset=12 (local.get $out) (i32.const 0))
                        (i32.store offset=16 (local.get $out) (i32.const 0))
                        (local.set $out (i32.add (local.get $out) (i32.const 20)))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $next)))
        (i64.or
            (i64.shl (i64.const 1024) (i64.const 32))
            (i64.extend_i32_u (i32.sub (local.get $out) (i32.const 1024))))))"#;

fn module() -> (Vec<u8>, String) {
    let bytes = wat::parse_str(MODULE).unwrap();
    let digest = Sha256::digest(&bytes);
    (bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn with(custom: &str) -> Scene {
    let (bytes, _) = module();
    let folder = tempfile::tempdir().unwrap().keep();
    std::fs::write(folder.join("marks.wasm"), bytes).unwrap();
    std::fs::write(folder.join("names.txt"), "# ours\nFalcon\nBlue Heron # a bird\n").unwrap();
    let custom = custom.replace("FOLDER", &folder.display().to_string());
    Scene::with(&format!(
        "guards: {{ secrets: {{ input: off, output: off }}, custom: {{ {custom} }} }}\n"
    ))
    .await
}

#[tokio::test]
async fn agp_d1_a_module_of_ones_own_judges_requests_and_answers() {
    let (_, digest) = module();
    let scene = with(&format!(
        "extensions: [ {{ name: marks, file: FOLDER/marks.wasm, sha256: {digest}, input: redact, output: redact }} ]"
    ))
    .await;
    scene
        .client()
        .post("/v1/messages", &asking("m-an", "a #1 and a #2, größer", false))
        .await;
    let sent = String::from_utf8_lossy(&scene.provider.requests()[0].body).into_owned();
    assert!(
        sent.contains("a [redacted:custom:marks] and a [redacted:custom:marks], größer"),
        "{sent}"
    );
    for stream in [false, true] {
        let text = "it is #3, yes";
        if stream {
            play(&scene, "m-an", &["it is ", "#", "3, ", "yes"]);
        } else {
            scene.provider.script("*", Reply::text(text));
        }
        let live = scene
            .client()
            .stream("/v1/messages", &asking("m-an", "which?", stream))
            .await;
        let answer = live.body().await.unwrap();
        assert_eq!(said(&answer, stream), "it is [redacted:custom:marks], yes");
    }
    // What never ends is stopped, and nothing passes that it has not judged.
    scene.provider.forget_requests();
    let answer = scene
        .client()
        .post("/v1/messages", &asking("m-an", "!for ever", false))
        .await;
    assert_eq!(
        (answer.status, scene::code(&answer).as_str()),
        (400, "input_blocked"),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("custom:marks:failed"), "{}", answer.text());
    assert!(scene.provider.requests().is_empty());
}

#[tokio::test]
async fn a_list_of_words_is_read_from_its_file() {
    let scene =
        with("rules: [ { name: birds, file: FOLDER/names.txt, whole_words: true, input: redact } ]").await;
    scene
        .client()
        .post(
            "/v1/messages",
            &asking("m-an", "Falcon and Blue Heron, not Falconer, nor a bird", false),
        )
        .await;
    let sent = String::from_utf8_lossy(&scene.provider.requests()[0].body).into_owned();
    assert!(
        sent.contains("[redacted:custom:birds] and [redacted:custom:birds], not Falconer, nor a bird"),
        "{sent}"
    );
}

#[tokio::test]
async fn agp_t3_a_module_that_is_another_one_is_not_taken() {
    let scene = with("rules: []").await;
    let folder = tempfile::tempdir().unwrap();
    let (bytes, digest) = module();
    std::fs::write(folder.path().join("marks.wasm"), &bytes[..bytes.len() - 1]).unwrap();
    for (file, why) in [("marks.wasm", "SHA-256"), ("none.wasm", "cannot be read")] {
        let path = folder.path().join(file);
        scene.gate.write_config(&format!(
            "{}guards: {{ custom: {{ extensions: [ {{ name: marks, file: {}, sha256: {digest} }} ] }} }}\n",
            scene::providers(&scene.provider.base_url()),
            path.display()
        ));
        let checked = scene.gate.cli(&["check"]).await;
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(!checked.status.success() && said.contains(why), "{said}");
    }
    // What it does is tried without a gate.
    std::fs::write(folder.path().join("marks.wasm"), &bytes).unwrap();
    std::fs::write(folder.path().join("text"), "one\n and #2").unwrap();
    let (module, text) = (folder.path().join("marks.wasm"), folder.path().join("text"));
    let words = [
        "guard",
        "extension",
        module.to_str().unwrap(),
        text.to_str().unwrap(),
        "--json",
    ];
    let tried = scene.gate.cli_json(&words).await;
    assert_eq!(tried["sha256"], digest.as_str());
    assert_eq!(
        (&tried["found"][0]["line"], &tried["found"][0]["column"]),
        (&2.into(), &6.into())
    );
    assert!(tried["fuel"].as_u64().unwrap() > 0);
}
