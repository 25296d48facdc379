//! Who depends on whom.

use xtask::manifest::{Manifest, parse};
use xtask::{floors, repository};

fn a_crate(name: &str, tables: &str) -> Manifest {
    parse(&format!("[package]\nname = \"{name}\"\n{tables}")).unwrap()
}

fn problems(crates: &[(&str, &str)]) -> Vec<String> {
    let crates: Vec<_> = crates
        .iter()
        .map(|(name, tables)| a_crate(name, tables))
        .collect();
    floors::check_crates(&crates)
}

fn depends(on: &str) -> String {
    format!("[dependencies]\n{on}.workspace = true\n")
}

#[test]
fn the_repository_keeps_its_floors() {
    assert_eq!(floors::check(&repository::root()).unwrap(), Vec::<String>::new());
}

#[test]
fn edges_down_and_declared_edges_are_fine() {
    for (from, to) in [
        ("data", "policy"),
        ("store", "credential"),
        ("policy", "credential"),
        ("xtask", "config"),
    ] {
        assert_eq!(
            problems(&[(from, &depends(to))]),
            Vec::<String>::new(),
            "{from} {to}"
        );
    }
}

#[test]
fn edges_up_and_sideways_are_found() {
    for (from, to, why) in [
        ("domain", "ledger", "up"),
        ("guard", "store", "up"),
        ("guard", "policy", "its own floor"),
        ("credential", "policy", "its own floor"),
        ("upstream", "store", "its own floor"),
        ("control", "data", "its own floor"),
        ("store-sqlite", "store-postgres", "its own floor"),
        ("store-sqlite", "telemetry", "may not see"),
        ("data", "testkit", "tool"),
    ] {
        let found = problems(&[(from, &depends(to))]).join("\n");
        assert!(
            found.contains(why) && found.contains(from) && found.contains(to),
            "{from} {to}: {found}"
        );
    }
}

#[test]
fn no_kind_of_table_hides_an_edge() {
    for tables in [
        "[build-dependencies]\nstore = \"1\"",
        "[target.'cfg(unix)'.dependencies]\nstore = { path = \"x\" }",
        "[dependencies]\nrenamed = { package = \"store\", path = \"x\" }",
        "[dependencies]\nstore = { path = \"x\", optional = true }",
    ] {
        assert_eq!(problems(&[("guard", tables)]).len(), 1, "{tables}");
    }
    assert_eq!(
        problems(&[("guard", "[dev-dependencies]\nstore = \"1\"")]),
        Vec::<String>::new()
    );
}

#[test]
fn engines_stay_pure() {
    for outside in ["tokio", "hyper", "sqlx"] {
        assert_eq!(problems(&[("ledger", &depends(outside))]).len(), 1, "{outside}");
        assert_eq!(problems(&[("domain", &depends(outside))]).len(), 1, "{outside}");
        assert_eq!(
            problems(&[("store", &depends(outside))]),
            Vec::<String>::new(),
            "{outside}"
        );
    }
}

#[test]
fn anp_0005_data_reaches_control_by_no_way() {
    let crates = [
        ("data", depends("telemetry")),
        ("telemetry", depends("odd")),
        ("odd", depends("control")),
    ];
    let crates: Vec<_> = crates
        .iter()
        .map(|(name, tables)| (*name, tables.as_str()))
        .collect();
    let found = problems(&crates).join("\n");
    assert!(found.contains("`data` reaches `control`"), "{found}");
    assert!(found.contains("`odd` has no floor"), "{found}");
}
