//! The register of threats and what is generated from it.

use std::collections::BTreeSet;

use xtask::register::{load, parse};
use xtask::{generate, repository};

const ONE: &str = "[[threat]]\nid = \"AGP-D1\"\ntitle = \"t\"\nsource = \"s\"\ndisposition = \"prevent\"\nwhere = [\"data\"]\n";

/// Counted by hand in the threat models.
#[test]
fn every_threat_of_the_models_is_in_the_register() {
    let threats = load(&repository::root()).unwrap();
    let ids: BTreeSet<_> = threats.iter().map(|threat| threat.id.clone()).collect();
    let mut expected = BTreeSet::new();
    for (letter, count) in [("S", 4), ("T", 4), ("R", 3), ("I", 4), ("D", 4), ("E", 4)] {
        expected.extend((1..=count).map(|number| format!("AGP-{letter}{number}")));
    }
    expected.extend((1..=8).map(|number| format!("CTX-T{number}")));
    expected.extend((1..=24).map(|number| format!("ANP-{number:04}")));
    expected.extend((1..=12).map(|number| format!("ANP-D{number:04}")));
    expected.extend((1..=10).map(|number| format!("ANP-B{number:04}")));
    assert_eq!(expected.len(), 77);
    let theft = [
        "1.1.1", "1.1.2", "1.1.3", "1.2.1", "2.1", "2.2", "3.1", "3.2", "4.1", "4.2",
    ];
    expected.extend(theft.map(|leaf| format!("AGP-CRED-{leaf}")));
    expected.extend(["1.1.1", "1.2", "2.1", "2.2", "3.1", "3.2"].map(|leaf| format!("AGP-BUDGET-{leaf}")));
    expected.extend((1..=5).map(|number| format!("AGP-R-{number:03}")));
    assert_eq!(ids, expected);
}

#[test]
fn the_generated_threats_are_up_to_date() {
    assert!(
        generate::is_fresh(&repository::root()).unwrap(),
        "run `cargo xtask gen`"
    );
}

#[test]
fn names_of_variants_and_tests_follow_from_the_id() {
    let names = |id: &str| {
        let threat = &parse(&ONE.replace("AGP-D1", id)).unwrap()[0];
        (threat.variant(), threat.snake())
    };
    for (id, variant, snake) in [
        ("AGP-D1", "AgpD1", "agp_d1"),
        ("AGP-CRED-1.1.1", "AgpCred111", "agp_cred_1_1_1"),
        ("AGP-R-001", "AgpRisk001", "agp_r_001"),
        ("CTX-T1", "CtxT1", "ctx_t1"),
        ("ANP-D0001", "AnpD0001", "anp_d0001"),
    ] {
        assert_eq!(names(id), (variant.to_owned(), snake.to_owned()));
    }
}

#[test]
fn a_register_that_says_too_little_or_too_much_is_refused() {
    assert_eq!(parse(ONE).unwrap().len(), 1);
    for (what, text) in [
        ("twice", format!("{ONE}{ONE}")),
        ("an unknown field", format!("{ONE}owner = \"me\"\n")),
        ("an unknown disposition", ONE.replace("prevent", "hope")),
        ("no reason", ONE.replace("prevent", "accept")),
        ("no place", ONE.replace("[\"data\"]", "[]")),
        ("no title", ONE.replace("title = \"t\"\n", "")),
        ("a foreign id", ONE.replace("AGP-D1", "XYZ-1")),
        ("a careless id", ONE.replace("AGP-D1", "AGP-d1")),
    ] {
        assert!(parse(&text).is_err(), "{what}");
    }
}
