//! The policies we ship, against the tests we ship with them.

use policy::{Engine, TestFailure, run_tests};

const DEFAULT_TESTS: &str = include_str!("../../../../policies/tests/default.json");

#[test]
fn anp_b0001_the_shipped_policies_pass_the_shipped_tests() {
    let engine = Engine::new(&[], true).unwrap();
    assert_eq!(run_tests(&engine, DEFAULT_TESTS), []);
}

/// Every file under `policies/tests` is run by some test of this file.
#[test]
fn every_shipped_test_file_is_known_here() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/tests");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["control.json", "default.json"]);
}

#[test]
fn anp_b0001_a_set_that_permits_too_much_fails_its_tests() {
    let wide = Engine::new(&[("wide.cedar", "permit (principal, action, resource);")], true).unwrap();
    let failures = run_tests(&wide, DEFAULT_TESTS);
    let failed = |name: &str| failures.iter().any(|failure| failure.name == name);
    assert!(failed("ctx_t1_an_empty_list_of_models_is_none"), "{failures:?}");
    assert!(
        !failed("agp_e1_a_key_of_all_models_stays_in_its_tenant"),
        "{failures:?}"
    );
}

#[test]
fn anp_b0001_a_set_that_permits_nothing_fails_its_tests() {
    let none = Engine::new(&[], false).unwrap();
    let reasons: Vec<_> = run_tests(&none, DEFAULT_TESTS)
        .into_iter()
        .map(|failure| failure.reason)
        .collect();
    assert!(
        reasons.contains(&"expected permit, got deny by []".to_owned()),
        "{reasons:?}"
    );
}

#[test]
fn a_permit_by_another_policy_than_expected_fails() {
    let engine = Engine::new(&[], true).unwrap();
    let json = r#"{"tests": [{"name": "n", "operation": "list_models", "expect": "permit", "policies": ["other"],
        "key": {"tenant": "acme", "team": "search", "operations": ["list_models"]}}]}"#;
    let reason = "expected permit by [other], got permit by [keys-list-models]".to_owned();
    assert_eq!(
        run_tests(&engine, json),
        [TestFailure {
            name: "n".to_owned(),
            reason
        }]
    );
}

#[test]
fn a_file_that_tests_nothing_fails() {
    let engine = Engine::new(&[], true).unwrap();
    for json in [
        "",
        "{}",
        r#"{"tests": []}"#,
        r#"{"tests": [{"nmae": "x"}]}"#,
        r#"{"tests": [], "more": 1}"#,
    ] {
        let failures = run_tests(&engine, json);
        assert_eq!(failures.len(), 1, "{json}");
        assert_eq!(failures[0].name, "(file)");
    }
}
