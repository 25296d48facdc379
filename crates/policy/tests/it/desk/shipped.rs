//! The control plane's policies, against the tests we ship with them.

use policy::{Desk, run_control_tests};

use super::cast::SHIPPED;

pub const TESTS: &str = include_str!("../../../../../policies/tests/control.json");

#[test]
fn anp_b0001_the_shipped_roles_pass_the_shipped_tests() {
    assert_eq!(run_control_tests(&SHIPPED, TESTS), []);
}

#[test]
fn anp_b0001_a_set_that_permits_too_much_fails_its_tests() {
    let wide = "permit (principal, action in Action::\"control\", resource);";
    let failures = run_control_tests(&Desk::new(&[("wide.cedar", wide)]).unwrap(), TESTS);
    let failed = |name: &str| failures.iter().any(|failure| failure.name == name);
    assert!(
        failed("ctx_t3_a_member_does_not_see_somebodys_key"),
        "{failures:?}"
    );
    assert!(!failed("agp_e1_an_admin_stays_in_its_tenant"), "{failures:?}");
}

#[test]
fn anp_b0001_a_set_that_forbids_everything_fails_its_tests() {
    let none = "@id(\"none\") forbid (principal, action in Action::\"control\", resource);";
    let failures = run_control_tests(&Desk::new(&[("none.cedar", none)]).unwrap(), TESTS);
    assert!(
        failures
            .iter()
            .any(|failure| failure.reason == "expected permit, got deny by [none]"),
        "{failures:?}"
    );
}

#[test]
fn a_test_that_names_no_permission_or_another_reason_fails() {
    let json = r#"{"tests": [
        {"name": "a", "actor": {"who": {"user": "ann"}, "tenant": "acme"}, "permission": "keys.steal",
         "resource": {"kind": "platform"}, "expect": "deny"},
        {"name": "b", "actor": {"who": {"user": "ann"}, "tenant": "acme"}, "permission": "tenants.create",
         "resource": {"kind": "platform"}, "expect": "deny", "reason": "because"},
        {"name": "c", "actor": {"who": {"user": "ann"}, "tenant": "acme"}, "permission": "tenants.create",
         "resource": {"kind": "platform"}, "expect": "deny", "policies": []}
    ]}"#;
    let reasons: Vec<_> = run_control_tests(&SHIPPED, json)
        .into_iter()
        .map(|failure| failure.reason)
        .collect();
    assert_eq!(
        reasons,
        [
            "there is no permission `keys.steal`",
            "expected the reason `because`, got ``",
            "expected deny by [], got deny by [people-stay-in-their-tenant]"
        ]
    );
    for nothing in ["", r#"{"tests": []}"#, r#"{"tests": [{"nmae": "x"}]}"#] {
        assert_eq!(run_control_tests(&SHIPPED, nothing).len(), 1, "{nothing}");
    }
}

/// What `docs/policies.md` shows is what is accepted, and its test passes.
#[test]
fn the_documented_example_works() {
    let page = include_str!("../../../../../docs/policies.md");
    let (_, page) = page.split_once("## Your own policies").unwrap();
    let block = |language: &str| {
        let (_, from) = page.split_once(&format!("```{language}\n")).unwrap();
        from.split_once("```").unwrap().0
    };
    let desk = Desk::new(&[("own.cedar", block("cedar"))]).unwrap();
    assert_eq!(run_control_tests(&desk, block("json")), []);
    assert_eq!(run_control_tests(&SHIPPED, block("json")).len(), 1);
}
