//! Who may make a tenant scope. Everybody else is handed one, and so cannot choose a tenant.
// threat: ANP-0006
// threat: ANP-0007

use std::path::Path;

use crate::{Error, repository, source};

/// Files (or folders, with a slash at the end) whose code may, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/domain/src/principal.rs", "defines them"),
    (
        "crates/data/src/stage/02_identify.rs",
        "the principal has just been identified",
    ),
    (
        "crates/data/src/directory.rs",
        "the principal comes from the key's own record",
    ),
    (
        "crates/data/src/book.rs",
        "budgets of the snapshot, each by its own tenant",
    ),
    (
        "crates/store/src/registry.rs",
        "a tenant that is being made is its own scope",
    ),
    (
        "crates/store/src/signing.rs",
        "the keys of the logs are the platform's, and sign every tenant's heads",
    ),
    (
        "crates/worker/",
        "background work goes through tenants one by one",
    ),
    ("crates/data/src/book/", "its tests"),
    ("crates/control/", "the operator's interface"),
    ("crates/bartizan/", "the operator's tools"),
    ("bench/", "no product"),
];

/// What makes a scope.
const MAKERS: &[&str] = &["TenantScope::of", "TenantScope::operator"];

/// Places that make a scope and may not.
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let mut problems = Vec::new();
    for file in repository::files(root)? {
        if file.extension().is_some_and(|kind| kind == "rs") && !is_allowed(&file) {
            problems.extend(check_file(&file, &repository::read(root, &file)?));
        }
    }
    Ok(problems)
}

/// Allowed by the list, or there for tests alone.
fn is_allowed(file: &Path) -> bool {
    let name = file.display().to_string();
    let listed = |path: &str| name == path || (path.ends_with('/') && name.starts_with(path));
    repository::is_for_tests(file) || ALLOWED.iter().any(|(path, _)| listed(path))
}

/// The same for one file's text.
pub fn check_file(file: &Path, text: &str) -> Vec<String> {
    let lines = source::lines(text);
    let code = (1..).zip(&lines).filter(|(_, line)| !line.test);
    let made = code.filter(|(_, line)| MAKERS.iter().any(|maker| line.code.contains(maker)));
    made.map(|(number, _)| {
        format!(
            "{}:{number}: makes a tenant scope; take one as an argument (xtask/src/scopes.rs)",
            file.display()
        )
    })
    .collect()
}
