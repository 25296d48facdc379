//! The master key replaced while the gate serves: nothing that hangs on the root is lost, a run that was cut off
//! anywhere leaves an instance that starts, and a retired key opens nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use credential::MasterKey;
use testkit::{GateBuilder, ScriptedProvider};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::scene::{self, BINARY, Scene, call, providers};

const CHAT: &str = "/v1/chat/completions";

async fn raise(bend: impl FnOnce(GateBuilder) -> GateBuilder) -> Scene {
    let provider = ScriptedProvider::start().await;
    let text = providers(&provider.base_url());
    Scene::raise(provider, bend(scene::builder().config(text))).await
}

/// `bartizan …` on the scene's instance, with this on standard input.
async fn run(scene: &Scene, words: &[&str], typed: &str, environment: &[(&str, &str)]) -> (bool, String) {
    let mut child = Command::new(BINARY)
        .args(["--config", "bartizan.yaml", "--data-dir", "data"])
        .args(words)
        .current_dir(scene.gate.folder())
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

async fn works(scene: &Scene) {
    let answer = scene.client().post(CHAT, &call("m-oa")).await;
    assert_eq!(
        answer.status,
        200,
        "{}\n{}",
        answer.text(),
        scene.gate.lines().tail()
    );
}

async fn starts_and_works(scene: &mut Scene) {
    scene.gate.kill9().await;
    scene.gate.restart().await;
    works(scene).await;
}

fn read(scene: &Scene, name: &str) -> Vec<u8> {
    std::fs::read(scene.gate.data_dir().join(name)).unwrap()
}

fn write(scene: &Scene, name: &str, bytes: &[u8]) {
    std::fs::write(scene.gate.data_dir().join(name), bytes).unwrap();
}

fn is_private(path: &Path) -> bool {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}

#[tokio::test]
async fn agp_cred_2_2_a_new_master_key_keeps_everything_and_the_retired_one_opens_nothing() {
    let mut scene = raise(|builder| builder).await;
    works(&scene).await;
    let sealed = run(&scene, &["secrets", "put", "openai"], "sk-sealed", &[]).await;
    assert!(sealed.0, "{}", sealed.1);
    let signer = run(&scene, &["ledger", "key"], "", &[]).await.1;
    let (old, old_root) = (read(&scene, "master.key"), read(&scene, "root.key"));

    // Beside the gate that serves.
    let (done, said) = run(&scene, &["secrets", "rotate-master"], "", &[]).await;
    assert!(done && said.contains("so do 1 older"), "{said}");
    works(&scene).await;
    let (new, both) = (read(&scene, "master.key"), read(&scene, "root.key"));
    assert!(old != new && old_root != both);
    for name in ["master.key", "root.key"] {
        assert!(is_private(&scene.gate.data_dir().join(name)), "{name}");
    }

    // Cut off after the store was told, and after the folder was: the old key still starts, and the root is the same.
    for root in [&old_root, &both] {
        write(&scene, "master.key", &old);
        write(&scene, "root.key", root);
        starts_and_works(&mut scene).await;
        // A node that has not got the new key yet does not shut itself out.
        let (done, said) = run(&scene, &["secrets", "rotate-master", "--finish"], "", &[]).await;
        assert!(!done && said.contains("older master key"), "{said}");
    }
    // A node that has the new key and nothing else finds the root in the store.
    write(&scene, "master.key", &new);
    std::fs::remove_file(scene.gate.data_dir().join("root.key")).unwrap();
    starts_and_works(&mut scene).await;
    assert_eq!(read(&scene, "root.key"), both);
    assert_eq!(
        run(&scene, &["ledger", "key"], "", &[]).await.1,
        signer,
        "the same signer"
    );
    assert!(
        run(&scene, &["secrets", "list"], "", &[])
            .await
            .1
            .contains("openai")
    );

    let (done, said) = run(&scene, &["secrets", "rotate-master", "--finish"], "", &[]).await;
    assert!(
        done && said.contains("1 older master keys open nothing"),
        "{said}"
    );
    starts_and_works(&mut scene).await;
    // The old key, with every file that there ever was beside it.
    scene.gate.kill9().await;
    let finished = read(&scene, "root.key");
    for root in [Some(&old_root), Some(&both), Some(&finished), None] {
        write(&scene, "master.key", &old);
        match root {
            Some(root) => write(&scene, "root.key", root),
            None => std::fs::remove_file(scene.gate.data_dir().join("root.key")).unwrap(),
        }
        let (done, said) = run(&scene, &["keys", "list"], "", &[]).await;
        assert!(!done && said.contains("retired"), "{said}");
    }
    write(&scene, "master.key", &new);
    write(&scene, "root.key", &finished);
    scene.gate.restart().await;
    works(&scene).await;
}

/// An instance of the time before: its master key is the root itself.
#[tokio::test]
async fn agp_cred_2_2_an_instance_whose_master_key_is_the_root_gets_one_that_is_not() {
    let old = MasterKey::generate().unwrap().to_file(None).unwrap();
    let mut scene = raise(|builder| builder.file("data/master.key", old.as_bytes())).await;
    works(&scene).await;
    assert!(!scene.gate.data_dir().join("root.key").exists());
    let signer = run(&scene, &["ledger", "key"], "", &[]).await.1;
    let (done, said) = run(&scene, &["secrets", "rotate-master", "--finish"], "", &[]).await;
    assert!(!done && said.contains("the root itself"), "{said}");
    let (done, said) = run(&scene, &["secrets", "rotate-master"], "", &[]).await;
    assert!(done, "{said}");
    starts_and_works(&mut scene).await;
    let (done, said) = run(&scene, &["secrets", "rotate-master", "--finish"], "", &[]).await;
    assert!(done, "{said}");
    starts_and_works(&mut scene).await;
    assert_eq!(run(&scene, &["ledger", "key"], "", &[]).await.1, signer);
    let current = read(&scene, "master.key");
    write(&scene, "master.key", old.as_bytes());
    std::fs::remove_file(scene.gate.data_dir().join("root.key")).unwrap();
    let (done, said) = run(&scene, &["keys", "list"], "", &[]).await;
    assert!(!done && said.contains("retired"), "{said}");
    write(&scene, "master.key", &current);
    starts_and_works(&mut scene).await;
}

#[tokio::test]
async fn agp_cred_2_2_a_passphrase_comes_changes_and_goes() {
    const NAME: &str = "BARTIZAN_MASTER_PASSPHRASE";
    let scene = raise(|builder| builder).await;
    let guard = ["secrets", "passphrase"];
    let list = ["keys", "list"];
    let (done, said) = run(&scene, &guard, "first phrase\n", &[]).await;
    assert!(done, "{said}");
    assert!(is_private(&scene.gate.data_dir().join("master.key")));
    for (phrase, opens) in [
        (None, false),
        (Some("other"), false),
        (Some("first phrase"), true),
    ] {
        let environment: Vec<_> = phrase.map(|phrase| (NAME, phrase)).into_iter().collect();
        let (done, said) = run(&scene, &list, "", &environment).await;
        assert_eq!(done, opens, "{phrase:?}: {said}");
        assert!(!said.contains("phrase") || !said.contains("first"), "{said}");
    }
    // Nobody changes it who does not have it.
    assert!(!run(&scene, &guard, "second\n", &[(NAME, "other")]).await.0);
    assert!(run(&scene, &guard, "second\n", &[(NAME, "first phrase")]).await.0);
    assert!(!run(&scene, &list, "", &[(NAME, "first phrase")]).await.0);
    // A rotated key is wrapped as the old one was.
    let (done, said) = run(&scene, &["secrets", "rotate-master"], "", &[(NAME, "second")]).await;
    assert!(done, "{said}");
    assert!(!run(&scene, &list, "", &[]).await.0);
    assert!(run(&scene, &guard, "", &[(NAME, "second")]).await.0);
    assert!(run(&scene, &list, "", &[]).await.0);
    works(&scene).await;
}

#[tokio::test]
async fn anp_d0007_a_master_key_comes_from_systemd_a_file_or_the_environment() {
    let first = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
    let second = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bartizan-master-key"), first.as_bytes()).unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let scene = raise(|builder| builder.env("CREDENTIALS_DIRECTORY", &path)).await;
    works(&scene).await;
    assert!(
        !scene.gate.data_dir().join("master.key").exists(),
        "no key is left in the data folder"
    );
    let handed = [("CREDENTIALS_DIRECTORY", path.as_str())];
    let (done, said) = run(&scene, &["secrets", "rotate-master"], "", &handed).await;
    assert!(!done && said.contains("--to"), "{said}");
    let to = ["secrets", "rotate-master", "--to", "env:NEW_KEY"];
    let given = [handed[0], ("NEW_KEY", second.as_str())];
    let (done, said) = run(&scene, &to, "", &given).await;
    assert!(done && said.contains("secrets.master_key: env:NEW_KEY"), "{said}");
    // Both start during the window; afterwards the new one alone does.
    let config = std::fs::read_to_string(scene.gate.config_path()).unwrap();
    let named = format!("{config}secrets: {{ master_key: \"env:NEW_KEY\" }}\n");
    std::fs::write(scene.gate.folder().join("named.yaml"), named).unwrap();
    let with_new = ["--config", "named.yaml", "keys", "list"];
    let list = ["keys", "list"];
    assert!(run(&scene, &list, "", &handed).await.0);
    assert!(other(&scene, &with_new, &given[1..]).await.0);
    let finish = ["--config", "named.yaml", "secrets", "rotate-master", "--finish"];
    let (done, said) = other(&scene, &finish, &given[1..]).await;
    assert!(done, "{said}");
    assert!(!run(&scene, &list, "", &handed).await.0);
    assert!(other(&scene, &with_new, &given[1..]).await.0);
    works(&scene).await;
}

/// With another configuration.
async fn other(scene: &Scene, words: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(BINARY)
        .args(["--data-dir", "data"])
        .args(words)
        .current_dir(scene.gate.folder())
        .envs(environment.iter().copied())
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}
