//! What the numbering plans of the world say of telephone numbers (ITU-T E.164 and national plans): codes of countries
//! and how many digits follow. Never reads text.

use std::sync::LazyLock;

/// Codes of countries and areas, and the fewest and most digits of a significant number there.
const PLANS: &[(&str, u8, u8)] = &[
    ("1", 10, 10),
    ("7", 10, 10),
    ("20", 8, 10),
    ("27", 9, 9),
    ("30", 10, 10),
    ("31", 9, 9),
    ("32", 8, 9),
    ("33", 9, 9),
    ("34", 9, 9),
    ("36", 8, 9),
    ("39", 6, 11),
    ("40", 9, 9),
    ("41", 9, 9),
    ("43", 7, 13),
    ("44", 9, 10),
    ("45", 8, 8),
    ("46", 7, 10),
    ("47", 8, 8),
    ("48", 9, 9),
    ("49", 6, 11),
    ("51", 8, 9),
    ("52", 10, 11),
    ("53", 6, 8),
    ("54", 10, 11),
    ("55", 10, 11),
    ("56", 9, 9),
    ("57", 8, 10),
    ("58", 10, 10),
    ("60", 8, 10),
    ("61", 9, 9),
    ("62", 8, 12),
    ("63", 8, 10),
    ("64", 8, 10),
    ("65", 8, 8),
    ("66", 8, 9),
    ("81", 9, 10),
    ("82", 8, 10),
    ("84", 9, 10),
    ("86", 10, 11),
    ("90", 10, 10),
    ("91", 10, 10),
    ("92", 9, 10),
    ("93", 9, 9),
    ("94", 9, 9),
    ("95", 7, 10),
    ("98", 10, 10),
    ("21", 8, 9),
    ("22", 7, 10),
    ("23", 7, 10),
    ("24", 6, 9),
    ("25", 7, 9),
    ("26", 7, 9),
    ("29", 5, 7),
    ("35", 7, 10),
    ("37", 6, 10),
    ("38", 8, 9),
    ("42", 7, 9),
    ("50", 7, 8),
    ("59", 6, 9),
    ("67", 5, 8),
    ("68", 4, 7),
    ("85", 8, 10),
    ("87", 8, 9),
    ("88", 8, 10),
    ("96", 7, 9),
    ("97", 7, 9),
    ("99", 8, 10),
];

/// What a plan says of numbers: how many digits its code has, and the fewest and most behind it.
#[derive(Clone, Copy)]
struct Plan {
    code: usize,
    fewest: usize,
    most: usize,
    /// A national zero, `+49 (0) 30`, may stand behind the code.
    zero: bool,
}

/// The plans by the first two digits.
static BY_DIGITS: LazyLock<[Option<Plan>; 100]> = LazyLock::new(|| {
    // Codes that begin so have three digits.
    const THREE: [&str; 21] = [
        "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "85", "87",
        "88", "96", "97", "99",
    ];
    let mut plans = [None; 100];
    for (code, fewest, most) in PLANS {
        let plan = Plan {
            code: code.len() + usize::from(THREE.contains(code)),
            fewest: usize::from(*fewest),
            most: usize::from(*most),
            zero: *code != "39",
        };
        for (two, slot) in plans.iter_mut().enumerate() {
            if format!("{two:02}").starts_with(code) {
                *slot = Some(plan);
            }
        }
    }
    plans
});

/// Whether these digits, that of the country first, are a number of its plan. Codes of three digits are taken by
/// their first two; their third counts as one of the code.
pub(crate) fn international(digits: &[u8]) -> bool {
    let [first, second, ..] = digits else { return false };
    let plan = BY_DIGITS.get(usize::from(*first) * 10 + usize::from(*second));
    plan.copied().flatten().is_some_and(|plan| {
        let rest = digits.len().saturating_sub(plan.code);
        let zero = usize::from(plan.zero && digits.get(plan.code) == Some(&0));
        (plan.fewest..=plan.most + zero).contains(&rest)
    })
}

/// North America: area and exchange begin with 2 to 9, and neither ends in 11.
pub(crate) fn north_america(digits: &[u8]) -> bool {
    match digits {
        [area, _, _, exchange, second, third, ..] if digits.len() == 10 => {
            *area >= 2 && *exchange >= 2 && (*second, *third) != (1, 1)
        }
        _ => false,
    }
}
