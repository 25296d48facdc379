//! Whoever gets out of a container next door, or runs beside the gate under its own account, reads nothing of its memory.
//! Root on the machine does: that is the deployment's to prevent.
#![cfg(target_os = "linux")]

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::scene::BINARY;

/// An account with no rights.
const NOBODY: u32 = 65_534;
/// Looks into another process in every way that files offer; fails if any of them is open.
const LOOK: &str = "for part in mem environ maps auxv; do \
    if head -c 1 /proc/$1/$part > /dev/null; then echo \"read $part\"; fi; done";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command as an account without rights: another one than ours where we may, else ours.
fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let account = [
        format!("--reuid={NOBODY}"),
        format!("--regid={NOBODY}"),
        "--clear-groups".into(),
    ];
    command.args(account).arg(program);
    command
}

async fn look_into(child: &Child) -> Output {
    let pid = child.id().unwrap().to_string();
    as_nobody(Path::new("/bin/sh"))
        .args(["-c", LOOK, "look", &pid])
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn agp_cred_2_1_no_process_of_the_gates_account_looks_into_it() {
    let folder = tempfile::tempdir().unwrap();
    // Where the account without rights can reach it.
    let binary = folder.path().join("bartizan");
    std::fs::copy(BINARY, &binary).unwrap();
    let config = folder.path().join("bartizan.yaml");
    std::fs::write(
        &config,
        "listen: { data: '127.0.0.1:0', control: '127.0.0.1:0', health: '127.0.0.1:0' }\n",
    )
    .unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut gate = as_nobody(&binary)
        .args(["serve", "--config", config.to_str().unwrap(), "--data-dir"])
        .arg(folder.path().join("data"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gate.stdout.take().unwrap()).lines();
    let serves = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("serves on") {
                return;
            }
        }
        panic!("it ended before it served");
    };
    tokio::time::timeout(Duration::from_secs(60), serves)
        .await
        .unwrap();

    let seen = look_into(&gate).await;
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "", "{seen:?}");
    assert!(
        String::from_utf8_lossy(&seen.stderr)
            .matches("Permission denied")
            .count()
            >= 4,
        "{seen:?}"
    );

    // Any other process of the account can be looked into: it is the gate that is closed.
    let mut other = as_nobody(Path::new("/bin/sleep"))
        .arg("30")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let seen = look_into(&other).await;
        let said = String::from_utf8_lossy(&seen.stdout).into_owned();
        if said.contains("read environ") && said.contains("read auxv") {
            break;
        }
        assert!(std::time::Instant::now() < until, "{seen:?}");
    }
    other.kill().await.unwrap();
    gate.kill().await.unwrap();
}
