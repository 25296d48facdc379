//! The repository on disk: where it is and which files it holds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &[
    ".git",
    "target",
    ".cache",
    "data",
    "node_modules",
    "__pycache__",
    ".venv",
];

/// The folder that holds the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Every file under `root`, as paths relative to it, sorted. `data` and the like are skipped only at the
/// top, where builds and servers leave them; links are not followed.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    walk(root, root, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |source| Error::File {
        path: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        if kind.is_dir() && !skipped(root, &path) {
            walk(root, &path, found)?;
        } else if kind.is_file() {
            found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
        }
    }
    Ok(())
}

fn skipped(root: &Path, folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    let ours_by_name = name == "data" && folder.parent() != Some(root);
    !ours_by_name && SKIPPED.iter().any(|skipped| name == *skipped)
}

/// The text of a file. Broken UTF-8 is replaced: a check of sources must not stop at an image.
pub fn read(root: &Path, file: &Path) -> Result<String, Error> {
    let path = root.join(file);
    let bytes = fs::read(&path).map_err(|source| Error::File { path, source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a generated file, and only when it changes: builds look at modification times.
pub fn write(root: &Path, file: &Path, text: &str) -> Result<bool, Error> {
    let path = root.join(file);
    if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let failed = |source| Error::File {
        path: path.clone(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(&path, text).map_err(failed)?;
    Ok(true)
}

/// Whether all of a file is there for tests: test folders, suites that engines pass, test tools.
pub fn is_for_tests(file: &Path) -> bool {
    let whole = |part: &str| ["tests", "testkit", "fuzz"].contains(&part) || part.starts_with("conformance");
    file.iter().any(|part| part.to_str().is_some_and(whole))
}
