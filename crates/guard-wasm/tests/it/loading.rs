//! What is refused before it sees a text, in which words; and what a module is told.

use guard::custom::ExtensionUse;
use guard::{Direction, Origin};
use guard_wasm::{LoadError, MODULE_BYTES_MAX, WasmExtension};

use crate::{load, module, record, settings};

fn refused(bytes: &[u8]) -> LoadError {
    WasmExtension::load(bytes, &settings()).unwrap_err()
}

fn parsed(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

const GOOD: &str = r#"
    (memory (export "memory") 1)
    (func (export "bartizan_guard_abi") (result i32) i32.const 1)
    (func (export "allocate") (param i32) (result i32) i32.const 8)
    (func (export "inspect") (param i32 i32 i32 i32) (result i64) i64.const 0)"#;

#[test]
fn what_is_no_module_is_refused() {
    assert!(WasmExtension::load(&parsed(&format!("(module {GOOD})")), &settings()).is_ok());
    assert!(matches!(refused(b""), LoadError::NoModule { .. }));
    assert!(matches!(
        refused(b"\0asm\x01\0\0\0\xff\xff"),
        LoadError::NoModule { .. }
    ));
    // A component has another version in its first bytes.
    assert!(matches!(
        refused(b"\0asm\x0d\0\x01\0"),
        LoadError::NoModule { .. }
    ));
    let long = vec![0; MODULE_BYTES_MAX + 1];
    assert!(matches!(refused(&long), LoadError::TooLarge { bytes } if bytes == long.len()));
}

#[test]
fn agp_d1_a_start_function_is_refused_and_not_run() {
    for body in ["unreachable", "(loop $again br $again)", ""] {
        let text = format!("(module {GOOD} (func $start {body}) (start $start))");
        let error = refused(&parsed(&text));
        assert!(
            matches!(error, LoadError::NoModule { .. } | LoadError::NoStart { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("start"), "{error}");
    }
}

#[test]
fn what_wants_something_from_outside_is_refused_by_name() {
    for import in [
        r#"(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "clock_time_get" (global i32))"#,
    ] {
        let error = refused(&parsed(&format!("(module {import} {GOOD})")));
        let LoadError::Imports { name } = &error else {
            panic!("{error}")
        };
        assert_eq!(name, "wasi_snapshot_preview1.clock_time_get");
    }
}

#[test]
fn what_does_not_export_the_interface_is_refused() {
    for (good, bad, name) in [
        (r#"(export "memory")"#, "", "memory"),
        (r#"(export "inspect")"#, "", "inspect"),
        (r#"(export "allocate")"#, r#"(export "malloc")"#, "allocate"),
        (
            "(param i32 i32 i32 i32) (result i64)",
            "(param i32 i32 i32) (result i64)",
            "inspect",
        ),
        (
            "(param i32) (result i32) i32.const 8",
            "(param i32) (result i64) i64.const 8",
            "allocate",
        ),
        (
            "(result i32) i32.const 1",
            "(result i64) i64.const 1",
            "bartizan_guard_abi",
        ),
    ] {
        let error = refused(&parsed(&format!("(module {})", GOOD.replace(good, bad))));
        let LoadError::NoExport { name: found, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*found, name);
    }
    let error = refused(&parsed(&format!(
        "(module {})",
        GOOD.replace("i32.const 1)", "i32.const 2)")
    )));
    assert!(matches!(error, LoadError::OtherVersion { found: 2 }), "{error}");
    for body in ["unreachable", "(loop $again br $again) unreachable"] {
        let error = refused(&parsed(&format!(
            "(module {})",
            GOOD.replace("i32.const 1)", &format!("{body})"))
        )));
        assert!(matches!(error, LoadError::NoStart { .. }), "{error}");
    }
}

#[test]
fn what_begins_with_too_much_is_refused() {
    let large = GOOD.replace(r#"(export "memory") 1)"#, r#"(export "memory") 1000)"#);
    assert!(matches!(
        refused(&parsed(&format!("(module {large})"))),
        LoadError::NoStart { .. }
    ));
    let functions = "(func)".repeat(10_001);
    assert!(matches!(
        refused(&parsed(&format!("(module {GOOD} {functions})"))),
        LoadError::NoModule { .. }
    ));
    let tables = parsed(&format!("(module {GOOD} (table 4000000 funcref))"));
    assert!(matches!(refused(&tables), LoadError::NoStart { .. }));
}

#[test]
fn another_file_than_the_one_that_was_meant_is_refused() {
    let bytes = parsed(&format!("(module {GOOD})"));
    let extension = load(&bytes);
    let meant = |sha256: &str| {
        let settings = ExtensionUse {
            sha256: Some(sha256.to_owned()),
            ..settings()
        };
        WasmExtension::load(&bytes, &settings)
    };
    assert!(meant(extension.sha256()).is_ok());
    assert!(meant(&extension.sha256().to_uppercase()).is_ok());
    let error = meant(&"0".repeat(64)).unwrap_err();
    assert!(matches!(&error, LoadError::OtherDigest { found } if found == extension.sha256()));
}

#[test]
fn a_module_is_told_direction_and_origin() {
    let told = module(
        "(if (i32.eq (i32.load8_u (local.get $text)) (i32.add (i32.const 48)
                (i32.add (i32.mul (local.get $direction) (i32.const 6)) (local.get $origin))))
            (then (return (i64.const 68719476756))))
         i64.const 0",
        &format!(r#"(data (i32.const 16) "{}")"#, record(0, 1, 100, (0, 0))),
    );
    let extension = load(&told);
    let origins = [
        Origin::System,
        Origin::User,
        Origin::Assistant,
        Origin::ToolResult,
        Origin::Document,
        Origin::ToolDescription,
    ];
    for (place, direction) in [Direction::Input, Direction::Output].into_iter().enumerate() {
        for (number, origin) in origins.into_iter().enumerate() {
            for digit in 0..12_u8 {
                let text = char::from(b'0' + digit).to_string();
                let hits = extension.try_on(&text, direction, origin).hits.unwrap();
                assert_eq!(
                    hits.len() == 1,
                    usize::from(digit) == place * 6 + number,
                    "{direction:?} {origin:?}"
                );
            }
        }
    }
}
