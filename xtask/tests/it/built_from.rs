//! What the product is built from.

use xtask::banned::{check, check_lock, check_tree};
use xtask::repository;

#[test]
fn anp_b0003_the_product_is_built_from_one_registry_and_nothing_banned() {
    assert_eq!(check(&repository::root()).unwrap(), Vec::<String>::new());
}

#[test]
fn agp_r_005_a_banned_crate_in_the_tree_is_found() {
    for name in ["ring", "openssl", "openssl-sys", "native-tls"] {
        let tree = format!("bartizan v0.1.0 (/x)\nrustls v0.23.0\n{name} v0.17.0 (*)\n");
        assert_eq!(check_tree(&tree).len(), 1, "{name}");
    }
    assert_eq!(
        check_tree("stringring v1.0.0\nring-buffer v1.0.0"),
        Vec::<String>::new()
    );
}

#[test]
fn ctx_t7_crates_from_elsewhere_or_without_a_checksum_are_found() {
    let package = |source: &str, checksum: &str| {
        format!("[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n{source}\n{checksum}\n")
    };
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let sum = "checksum = \"00\"";
    let problems = |text: String| check_lock(&text).unwrap().len();
    assert_eq!(problems(package(registry, sum)), 0);
    assert_eq!(problems(package("", "")), 0);
    assert_eq!(problems(package(registry, "")), 1);
    assert_eq!(
        problems(package("source = \"git+https://example.org/x#00\"", "")),
        1
    );
    assert_eq!(
        problems(package("source = \"registry+https://example.org/index\"", sum)),
        1
    );
}
