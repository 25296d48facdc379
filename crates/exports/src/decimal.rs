//! Amounts as text: every digit that there is, and none that is not.

const NANOS: u128 = 1_000_000_000;

/// Nano-dollars as dollars: `12.5`, `0.000000042`, `-3`, `0`.
pub fn dollars(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, fraction) = (nanos.unsigned_abs() / NANOS, nanos.unsigned_abs() % NANOS);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// Dollars as nano-dollars: a plain decimal, with an exponent if need be, that has no digit beyond the ninth after the
/// point. `None` for anything else, `NaN`, `inf`, `1,5` and numbers of more than 27 digits among it.
pub fn read_nanos(text: &str) -> Option<i128> {
    let (mantissa, exponent) = read(text)?;
    let shift = exponent + 9;
    if mantissa == 0 {
        return Some(0);
    }
    let by = 10i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 {
        return mantissa.checked_mul(by);
    }
    (mantissa % by == 0).then(|| mantissa / by)
}

/// The most digits a number may have.
const DIGITS_MAX: usize = 37;
/// The furthest the point may be moved.
const EXPONENT_MAX: i32 = 60;

/// A number as an integer and the power of ten it is to be multiplied with; `None` unless it is written as FOCUS wants
/// numbers: no plus sign, no separators, no words.
pub(crate) fn read(text: &str) -> Option<(i128, i32)> {
    let (number, power) = match text.split_once(['E', 'e']) {
        Some((number, power)) => (number, integer(power)?),
        None => (text, 0),
    };
    let (negative, number) = number
        .strip_prefix('-')
        .map_or((false, number), |rest| (true, rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let has_point = number.contains('.');
    if whole.is_empty() || (has_point && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    if whole.len() + fraction.len() > DIGITS_MAX {
        return None;
    }
    let all = format!("0{whole}{fraction}");
    let mantissa: i128 = all.parse().ok()?;
    let exponent = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    (exponent.abs() <= EXPONENT_MAX).then_some((if negative { -mantissa } else { mantissa }, exponent))
}

fn integer(text: &str) -> Option<i32> {
    let bare = text.strip_prefix('-').unwrap_or(text);
    (!bare.is_empty() && digits(bare)).then(|| text.parse().ok())?
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_have_every_digit() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (-42, "-0.000000042"),
            (1_500_000_000, "1.5"),
            (12_000_000_000, "12"),
            (i128::from(i64::MAX) * 1_000_000, "9223372036854775.807"),
        ] {
            assert_eq!(dollars(nanos), text);
            assert_eq!(read_nanos(text), Some(nanos));
        }
        assert_eq!(read_nanos("0.123456789012"), None);
        assert_eq!(read_nanos("3.52E-7"), Some(352));
        assert_eq!(read_nanos("1E3"), Some(1_000_000_000_000));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "1e+3",
            "1,5",
            "1 000",
            "NaN",
            "inf",
            "-inf",
            "0x10",
            "1_0",
            "1e",
            "١",
            "99999999999999999999999999999999999999",
            "1e999999999999",
            "1E-9999",
            "$1",
            "1 USD",
            "--1",
            "1-1",
        ] {
            assert_eq!(read_nanos(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn amounts_read_back(nanos in any::<i64>(), times in 1i128..1_000_000) {
            let nanos = i128::from(nanos) * times;
            prop_assert_eq!(read_nanos(&dollars(nanos)), Some(nanos));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,40}") {
            let _ = read_nanos(&text);
        }
    }
}
