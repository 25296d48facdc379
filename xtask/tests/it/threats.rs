//! The join of the register with what sources say.

use std::path::Path;

use xtask::citations::Citations;
use xtask::matrix::{self, State};
use xtask::register::{self, Threat};
use xtask::repository;

fn threats() -> Vec<Threat> {
    register::load(&repository::root()).unwrap()
}

fn read(file: &str, text: &str) -> Citations {
    let mut citations = Citations::default();
    citations.read(Path::new(file), text, &threats());
    citations
}

/// Found ids: plain for code, with the test's name for tests.
fn found(file: &str, text: &str) -> Vec<String> {
    let citations = read(file, text);
    assert_eq!(citations.problems, Vec::<String>::new());
    citations
        .sites
        .into_iter()
        .map(|site| {
            site.test
                .map_or(site.id.clone(), |test| format!("{} {test}", site.id))
        })
        .collect()
}

#[test]
fn nothing_in_the_repository_names_a_threat_that_is_none() {
    assert_eq!(
        matrix::load(&repository::root()).unwrap().problems,
        Vec::<String>::new()
    );
}

#[test]
fn citations_are_found_in_every_kind_of_comment() {
    for (file, text) in [
        ("a.rs", "// threat: AGP-D1"),
        ("a.rs", "let x = 1; // threat: AGP-D1"),
        ("a.rs", "/// threat: AGP-D1"),
        ("a.cedar", "// threat: AGP-D1"),
        ("a.sql", "-- threat: AGP-D1"),
        ("a.yaml", "  # threat: AGP-D1"),
        ("a.py", "# threat: AGP-D1"),
        ("a.tpl", "{{/* threat: AGP-D1 */}}"),
    ] {
        assert_eq!(found(file, text), ["AGP-D1"], "{text}");
    }
    assert_eq!(
        found("a.rs", "// threat: AGP-D1, CTX-T5 ANP-0004."),
        ["AGP-D1", "CTX-T5", "ANP-0004"]
    );
    assert_eq!(found("a.rs", "// threat: AGP-BUDGET-3.1"), ["AGP-BUDGET-3.1"]);
}

#[test]
fn what_only_looks_like_a_citation_is_none() {
    for text in [
        "let a = \"// threat: AGP-D1\";",
        "//! Says `// threat: AGP-D1` above it.",
        "// a threat: many",
    ] {
        assert_eq!(found("a.rs", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn unknown_and_missing_ids_are_problems() {
    for (file, text) in [
        ("a.rs", "// threat: AGP-D9"),
        ("a.rs", "// threat: AGP-D1, AGP-D9"),
        ("a.rs", "// threat: see above"),
        ("tests/it/a.rs", "// threat: AGP-D9"),
        ("a.rs", "#[test]\nfn agp_d9_x() {}"),
        ("a.rs", "#[test]\nfn agp_d12() {}"),
        ("a.py", "def test_anp_9999_x():"),
    ] {
        assert_eq!(read(file, text).problems.len(), 1, "{text}");
    }
}

#[test]
fn tests_count_by_their_names_and_only_when_they_run() {
    assert_eq!(found("a.rs", "#[test]\nfn agp_d1_x() {}"), ["AGP-D1 agp_d1_x"]);
    assert_eq!(
        found("a.rs", "#[tokio::test(flavor = \"x\")]\nasync fn agp_d1_x() {}"),
        ["AGP-D1 agp_d1_x"]
    );
    assert_eq!(
        found("a.rs", "#[test]\nfn agp_cred_1_1_1_x() {}"),
        ["AGP-CRED-1.1.1 agp_cred_1_1_1_x"]
    );
    assert_eq!(
        found("a.rs", "#[test]\nfn agp_r_001_x() {}"),
        ["AGP-R-001 agp_r_001_x"]
    );
    assert_eq!(found("a.rs", "#[test]\nfn agp_d1_anp_0004_x() {}").len(), 2);
    assert_eq!(
        found("store/src/conformance/keys.rs", "pub async fn anp_0007_x() {}"),
        ["ANP-0007 anp_0007_x"]
    );
    assert_eq!(
        found("tests/sdk/test_a.py", "async def test_agp_s1_x():"),
        ["AGP-S1 agp_s1_x"]
    );
    assert_eq!(
        found("tests/a.test.mjs", "test(\"agp_s1_x\", async () => {"),
        ["AGP-S1 agp_s1_x"]
    );
    assert_eq!(
        found("policies/tests/a.json", "\"name\": \"agp_e1_x\","),
        ["AGP-E1 agp_e1_x"]
    );
    for not_run in [
        "fn agp_d1_x() {}",
        "#[test]\n#[ignore = \"slow\"]\nfn agp_d1_x() {}",
        "// #[test]\n// fn agp_d1_x() {}",
    ] {
        assert_eq!(found("a.rs", not_run), Vec::<String>::new(), "{not_run}");
    }
}

#[test]
fn a_comment_in_a_test_is_not_code() {
    assert_eq!(
        found("a.rs", "#[cfg(test)]\nmod tests {\n// threat: AGP-D1\n}"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("crates/x/tests/it/a.rs", "// threat: AGP-D1"),
        Vec::<String>::new()
    );
}

#[test]
fn what_nothing_names_is_open_whatever_is_planned() {
    let mut citations = Citations::default();
    citations.read(
        Path::new("a.rs"),
        "// threat: AGP-D1\n// threat: AGP-D2",
        &threats(),
    );
    citations.read(
        Path::new("b.rs"),
        "#[test]\nfn agp_d1_x() {}\n#[test]\nfn agp_d3_x() {}",
        &threats(),
    );
    let matrix = matrix::join(&threats(), citations);
    let state = |id: &str| matrix.rows.iter().find(|row| row.id == id).unwrap().state;
    assert_eq!(state("AGP-D1"), State::Covered);
    assert_eq!(state("AGP-D2"), State::CodeOnly);
    assert_eq!(state("AGP-D3"), State::TestOnly);
    assert_eq!(state("AGP-I4"), State::Open);
    assert_eq!(
        matrix.summary(),
        "98 threats: 1 covered, 1 code only, 1 test only, 95 open"
    );
    assert!(matrix.text().contains("95 open"));
    assert!(
        matrix
            .markdown()
            .contains("| AGP-I4 | timing tells one caller about another | accept | **open** |")
    );
}
