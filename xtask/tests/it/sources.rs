//! House rules about sources.

use std::path::Path;

use xtask::{named, repository, scopes, tidy};

fn untidy(file: &str, text: &str) -> String {
    tidy::check_file(Path::new(file), text).join("\n")
}

#[test]
fn the_repository_is_tidy() {
    assert_eq!(tidy::check(&repository::root()).unwrap(), Vec::<String>::new());
}

#[test]
fn anp_0006_only_listed_files_of_the_repository_make_scopes() {
    assert_eq!(scopes::check(&repository::root()).unwrap(), Vec::<String>::new());
}

#[test]
fn anp_0006_anp_0007_making_a_scope_elsewhere_is_found() {
    let found = |text: &str| scopes::check_file(Path::new("crates/data/src/stage/route.rs"), text).len();
    assert_eq!(found("let scope = TenantScope::operator(tenant);"), 1);
    assert_eq!(found("let make = domain::TenantScope::of;"), 1);
    assert_eq!(
        found("// TenantScope::operator(tenant)\nlet text = \"TenantScope::of(\";"),
        0
    );
    assert_eq!(found("#[cfg(test)]\nmod tests {\n    TenantScope::of(&x);\n}"), 0);
}

#[test]
fn how_files_open_and_what_they_are_called() {
    assert_eq!(untidy("crates/x/src/a.rs", "//! What it is.\n"), "");
    assert!(untidy("crates/x/src/a.rs", "use x;\n").contains("does not open"));
    for name in [
        "crates/x/src/utils.rs",
        "crates/common/src/lib.rs",
        "crates/x/tests/helpers/mod.rs",
    ] {
        assert!(untidy(name, "//! x\n").contains("says nothing"), "{name}");
    }
}

#[test]
fn how_long_they_are() {
    let long = |lines: usize| format!("//! x\n{}", "x\n".repeat(lines - 1));
    assert_eq!(untidy("a.rs", &long(600)), "");
    assert!(untidy("a.rs", &long(601)).contains("601 lines"));
}

#[test]
fn reminders_give_a_reason() {
    let with = |comment: &str| untidy("a.rs", &format!("//! x\n// {comment}\n"));
    assert!(with("TODO: later").contains("without a reason"));
    assert!(with("FIXME").contains("without a reason"));
    assert!(with("TODO() later").contains("without a reason"));
    assert_eq!(with("TODO(waits for the vault port): read it from there"), "");
    assert_eq!(with("no `TODO` here"), "");
}

#[test]
fn anp_0007_sql_is_written_and_not_put_together() {
    let with = |code: &str| untidy("a.rs", &format!("//! x\n{code}\n"));
    assert!(with("let q = format!(\"SELECT * FROM {table}\");").contains("SQL built"));
    assert!(with("let q = format!(\n    r#\"DELETE FROM {table}\"#);").contains("SQL built"));
    assert_eq!(
        with("let q = \"SELECT 1\"; let m = format!(\"selected {n}\");"),
        ""
    );
    assert_eq!(with("// format!(\"SELECT 1\")"), "");
    assert!(with("let q = sqlx::query(AssertSqlSafe(text));").contains("vouches"));
    let in_tests = "//! x\nlet q = AssertSqlSafe(format!(\"DROP TABLE {table}\"));\n";
    assert_eq!(untidy("crates/x/tests/it/a.rs", in_tests), "");
}

#[test]
fn anp_b0008_what_would_start_a_program_is_found() {
    let gate = |text: &str| untidy("crates/data/src/stage/route.rs", &format!("//! x\n{text}\n"));
    assert!(gate("use std::process::Command;").contains("starts a program (line 2)"));
    assert!(gate("let child = tokio::process::Command::new(name);").contains("starts a program"));
    assert!(gate("let library = libloading::Library::new(path);").contains("starts a program"));
    assert_eq!(
        gate("// std::process::Command\nlet text = \"process::Command\";"),
        ""
    );
    assert_eq!(
        gate("#[cfg(test)]\nmod tests {\n    use std::process::Command;\n}"),
        ""
    );
    assert_eq!(
        untidy("xtask/src/a.rs", "//! x\nuse std::process::Command;\n"),
        ""
    );
}

#[test]
fn tests_that_documents_name_exist() {
    let tests = std::iter::once("agp_s1_that_is_there".to_owned()).collect();
    assert_eq!(
        named::missing("`agp_s1_that_is_there` and `other_words`", &tests),
        Vec::<String>::new()
    );
    assert_eq!(named::missing("`ctx_t1_that_is_not`", &tests).len(), 1);
}
