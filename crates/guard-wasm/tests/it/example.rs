//! The example that operators start from, built as its page says.

use std::path::{Path, PathBuf};
use std::process::Command;

use guard::{Direction, Origin};

use crate::load;

const TARGET: &str = "wasm32-unknown-unknown";

/// Whether this toolchain has what modules are built with; `rustup target add wasm32-unknown-unknown` brings it.
fn can_build() -> bool {
    let args = ["--print", "target-libdir", "--target", TARGET];
    let told = Command::new("rustc").args(args).output().unwrap();
    Path::new(String::from_utf8(told.stdout).unwrap().trim()).is_dir()
}

fn built() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/extension");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--offline",
            "--locked",
            "--quiet",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success());
    target.join(TARGET).join("release/project_codes.wasm")
}

#[test]
fn the_example_is_built_and_finds_project_codes() {
    if !can_build() {
        return;
    }
    let extension = load(&std::fs::read(built()).unwrap());
    let text = "Größe: move NW-482913-2 and SB-100000-2, not NW-482913-3.";
    let tried = extension.try_on(text, Direction::Input, Origin::User);
    let hits = tried.hits.unwrap();
    let found: Vec<_> = hits
        .iter()
        .map(|hit| (&text[hit.span.clone()], hit.rule.as_str(), hit.score))
        .collect();
    assert_eq!(
        found,
        [("NW-482913-2", "northwind", 100), ("SB-100000-2", "other", 100)]
    );
    let worst = "NW-482913-".repeat(10_000);
    let tried = extension.try_on(&worst, Direction::Input, Origin::User);
    assert_eq!(tried.hits, Ok(vec![]), "{tried:?}");
    assert!(tried.fuel < tried.fuel_max, "{tried:?}");
}
