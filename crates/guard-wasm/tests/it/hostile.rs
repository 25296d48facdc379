//! What a module may try against the gate and against other calls: nothing of it gets anywhere.

use std::sync::Arc;
use std::thread;

use guard::custom::ExtensionUse;
use guard::{Direction, Extension, ExtensionFailed, Hit, Origin};
use guard_wasm::{FUEL_BASE, WasmExtension};

use crate::{answering, hits, load, module, record, settings, tried};

#[test]
fn agp_d1_a_module_that_never_ends_is_ended() {
    let forever = module("(loop $again br $again) unreachable", "");
    let tried = tried(&forever, "text");
    assert_eq!(tried.hits, Err(ExtensionFailed::Fuel));
    assert_eq!(tried.fuel_max, FUEL_BASE + settings().fuel_per_kib);
    assert!(tried.fuel <= tried.fuel_max);
    // It ends in `allocate` just as well, and by copying memory about, which is one instruction.
    let copies = module(
        "(loop $again (memory.copy (i32.const 0) (i32.const 65536) (i32.const 65536)) br $again) unreachable",
        "",
    );
    assert_eq!(hits(&copies, "text"), Err(ExtensionFailed::Fuel));
}

#[test]
fn agp_d1_longer_texts_have_more_fuel_and_no_text_has_more_than_its_length_says() {
    let a_step_a_byte = module(
        "(local $at i32)
         (loop $next
            (drop (i32.load8_u (i32.add (local.get $text) (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (local.get $bytes))))
         i64.const 0",
        "",
    );
    let settings = ExtensionUse {
        fuel_per_kib: 20_000,
        ..settings()
    };
    let extension = WasmExtension::load(&a_step_a_byte, &settings).unwrap();
    let of = |bytes: usize| extension.try_on(&"x".repeat(bytes), Direction::Input, Origin::User);
    let (short, long) = (of(1_024), of(100 * 1_024));
    assert_eq!((short.hits, long.hits), (Ok(vec![]), Ok(vec![])));
    assert_eq!(short.fuel_max, FUEL_BASE + 20_000);
    assert_eq!(long.fuel_max, FUEL_BASE + 2_000_000);
    assert!(long.fuel > 50 * short.fuel);
    assert_eq!(of(1_025).fuel_max, FUEL_BASE + 40_000);
}

#[test]
fn agp_d1_memory_beyond_what_is_allowed_is_not_given() {
    let at_once = module("(drop (memory.grow (i32.const 60000))) i64.const 0", "");
    assert_eq!(hits(&at_once, "text"), Err(ExtensionFailed::Memory));
    let step_by_step = module(
        "(loop $again (drop (memory.grow (i32.const 1))) br $again) unreachable",
        "",
    );
    let tried = tried(&step_by_step, "text");
    assert_eq!(tried.hits, Err(ExtensionFailed::Memory));
    assert!(tried.memory_bytes <= settings().memory_bytes_max);
    let table = module(
        "(loop $again (drop (table.grow $table (ref.null func) (i32.const 65000))) br $again) unreachable",
        "(table $table 1 funcref)",
    );
    assert_eq!(hits(&table, "text"), Err(ExtensionFailed::Memory));
}

#[test]
fn agp_d1_calls_within_calls_end() {
    let forever = module(
        "(call $inspect (local.get 0) (local.get 1) (local.get 2) (local.get 3))",
        "",
    );
    let generous = ExtensionUse {
        fuel_per_kib: 100_000_000,
        ..settings()
    };
    let extension = WasmExtension::load(&forever, &generous).unwrap();
    let tried = extension.try_on("text", Direction::Input, Origin::User);
    assert_eq!(tried.hits, Err(ExtensionFailed::Trap), "{}", tried.detail);
}

#[test]
fn traps_are_failures() {
    for body in [
        "unreachable",
        "(i64.div_u (i64.const 1) (i64.const 0))",
        "(i64.load (i32.const -8))",
        "(i64.load (i32.const 131072))",
    ] {
        assert_eq!(
            hits(&module(body, ""), "text"),
            Err(ExtensionFailed::Trap),
            "{body}"
        );
    }
}

#[test]
fn answers_that_point_anywhere_are_not_followed() {
    let answers: [u64; 7] = [
        u64::MAX,
        // Just over the end of its memory, and far from it.
        ((131_072 - 19) << 32) | 20,
        (0xffff_ffff << 32) | 20,
        // No whole number of findings.
        (16 << 32) | 19,
        // More than there may be, in and outside of memory.
        4_097 * 20,
        0xffff_ffec,
        (1 << 63) | 20,
    ];
    for answer in answers {
        let body = format!("i64.const {}", answer.cast_signed());
        assert_eq!(
            hits(&module(&body, ""), "text"),
            Err(ExtensionFailed::Output),
            "{answer:x}"
        );
    }
}

#[test]
fn places_for_the_text_that_are_none_are_not_written_to() {
    let placing = |place: &str| {
        let text = format!(
            r#"(module
                (memory (export "memory") 2)
                (func (export "bartizan_guard_abi") (result i32) i32.const 1)
                (func (export "allocate") (param i32) (result i32) {place})
                (func (export "inspect") (param i32 i32 i32 i32) (result i64) i64.const 0))"#
        );
        hits(&wat::parse_str(text).unwrap(), "text")
    };
    assert_eq!(placing("i32.const 8"), Ok(vec![]));
    assert_eq!(placing("i32.const 131068"), Ok(vec![]));
    assert_eq!(placing("i32.const 131069"), Err(ExtensionFailed::Output));
    assert_eq!(placing("i32.const -1"), Err(ExtensionFailed::Output));
    assert_eq!(placing("i32.const 0"), Err(ExtensionFailed::Memory));
    assert_eq!(placing("unreachable"), Err(ExtensionFailed::Trap));
    assert_eq!(
        placing("(loop $again br $again) unreachable"),
        Err(ExtensionFailed::Fuel)
    );
}

#[test]
fn findings_that_cannot_be_are_not_believed() {
    // `ü` is bytes 4 and 5.
    let text = "abc ü def";
    let one = |start, end, score, rule| {
        hits(
            &answering(&[record(start, end, score, rule)], "Big name-1\\ff"),
            text,
        )
    };
    let found = |span, score, rule: &str| {
        Ok(vec![Hit {
            span,
            score,
            rule: rule.into(),
        }])
    };
    assert_eq!(one(4, 6, 100, (0, 0)), found(4..6, 100, ""));
    assert_eq!(one(0, 10, 1, (516, 6)), found(0..10, 1, "name-1"));
    let wrong = [
        (0, 11, 100, (0, 0)),
        (0xffff_ffff, 1, 100, (0, 0)),
        (3, 3, 100, (0, 0)),
        (3, 2, 100, (0, 0)),
        (0, 5, 100, (0, 0)),
        (5, 6, 100, (0, 0)),
        (0, 1, 0, (0, 0)),
        (0, 1, 101, (0, 0)),
        (0, 1, 356, (0, 0)),
        (0, 1, 100, (512, 3)),
        (0, 1, 100, (512, 65)),
        (0, 1, 100, (516, 7)),
        (0, 1, 100, (131_072, 1)),
        (0, 1, 100, (0xffff_ffff, 0xffff_ffff)),
    ];
    for (start, end, score, rule) in wrong {
        assert_eq!(
            one(start, end, score, rule),
            Err(ExtensionFailed::Output),
            "{start}..{end} {score} {rule:?}"
        );
    }
    let several = |spans: &[(u32, u32)]| {
        let records: Vec<String> = spans
            .iter()
            .map(|(start, end)| record(*start, *end, 100, (0, 0)))
            .collect();
        hits(&answering(&records, ""), text).map(|hits| hits.len())
    };
    assert_eq!(several(&[(0, 2), (2, 3), (7, 9)]), Ok(3));
    assert_eq!(several(&[(0, 2), (1, 3)]), Err(ExtensionFailed::Output));
    assert_eq!(several(&[(2, 3), (0, 1)]), Err(ExtensionFailed::Output));
    assert_eq!(several(&[(0, 2), (0, 2)]), Err(ExtensionFailed::Output));
}

/// Tries to tell a later text about an earlier one, in every place there is.
const REMEMBERS: &str = r#"
    (if (i32.or (global.get $seen)
            (i32.or (i32.load (i32.const 700))
                (i32.or (i32.load (i32.const 90000))
                    (i32.or (i32.ne (memory.size) (i32.const 2))
                        (i32.or (i32.ne (table.size $table) (i32.const 1))
                            (i32.load8_u (i32.add (local.get $text) (local.get $bytes))))))))
        (then (return (i64.const 68719476756))))
    (global.set $seen (i32.const 1))
    (i32.store (i32.const 700) (local.get $bytes))
    (i32.store (i32.const 90000) (i32.load8_u (local.get $text)))
    (drop (memory.grow (i32.const 1)))
    (drop (table.grow $table (ref.null func) (i32.const 1)))
    i64.const 0"#;

#[test]
fn agp_i1_nothing_of_one_text_is_there_for_the_next() {
    let others = format!(
        r#"(global $seen (mut i32) (i32.const 0)) (table $table 1 funcref) (data (i32.const 16) "{}")"#,
        record(0, 1, 100, (0, 0))
    );
    // It does see what it looks for: in a module that was started with it.
    let knowing = others.replace("(mut i32) (i32.const 0)", "(mut i32) (i32.const 1)");
    assert_eq!(hits(&module(REMEMBERS, &knowing), "text").unwrap().len(), 1);
    let extension = load(&module(REMEMBERS, &others));
    for text in ["the first tenant's secret", "x", "another", ""] {
        assert_eq!(
            extension.inspect(text, Direction::Input, Origin::User),
            Ok(vec![]),
            "{text}"
        );
    }
}

#[test]
fn the_same_text_is_judged_the_same_by_all_threads_and_costs_the_same() {
    // The sign of what 0/0 is differs between processors; here it does not.
    let nan = module(
        "(i64.shr_u (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))) (i64.const 63))",
        "",
    );
    assert_eq!(hits(&nan, "text"), Ok(vec![]));
    let extension = Arc::new(load(&answering(&[record(1, 2, 50, (0, 0))], "")));
    let ask = |extension: &WasmExtension| extension.try_on("text", Direction::Output, Origin::Assistant);
    let first = ask(&extension);
    assert_eq!(first.hits.as_ref().unwrap()[0].span, 1..2);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let extension = Arc::clone(&extension);
            thread::spawn(move || (0..50).map(|_| ask(&extension)).collect::<Vec<_>>())
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap().iter().all(|one| *one == first));
    }
}
