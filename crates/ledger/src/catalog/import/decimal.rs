//! Decimal numbers as lists write them (`2.5e-06`, `0.0000025`), moved by powers of ten. No floating point.

/// Digits that a number may have; more are no price.
const DIGITS_MAX: usize = 30;

/// A price for one token as dollars a million, in the shortest decimal text. Negative ones and those finer than a
/// nano-dollar a million are refused.
pub(super) fn per_million(text: &str) -> Result<String, String> {
    shifted(text, 6)
}

/// A price in dollars, in the shortest decimal text.
pub(super) fn dollars(text: &str) -> Result<String, String> {
    shifted(text, 0)
}

fn shifted(text: &str, by: i32) -> Result<String, String> {
    let wrong = || format!("`{}` is no price", text.chars().take(40).collect::<String>());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    if exponent.abs() > 60 {
        return Err(wrong());
    }
    let places = i32::try_from(part.len()).map_err(|_| wrong())? - exponent - by;
    write(&digits, places).ok_or_else(|| format!("`{text}` is finer than a nano-dollar"))
}

/// `digits` with so many of them behind the point; `None` if more than nine of those say something.
fn write(digits: &str, places: i32) -> Option<String> {
    let mut digits = digits.to_owned();
    if places < 0 {
        digits.extend(std::iter::repeat_n('0', usize::try_from(-places).ok()?));
    }
    let places = usize::try_from(places.max(0)).ok()?;
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = padded.split_at_checked(padded.len() - places)?;
    let part = part.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match part.len() {
        0 => Some(whole.to_owned()),
        1..=9 => Some(format!("{whole}.{part}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_of_a_token_become_dollars_a_million() {
        for (text, dollars) in [
            ("2.5e-06", "2.5"),
            ("2.5E-6", "2.5"),
            ("0.0000025", "2.5"),
            ("1.25e-7", "0.125"),
            ("0", "0"),
            ("0.0", "0"),
            ("0.0e-6", "0"),
            ("3e-05", "30"),
            ("1", "1000000"),
            ("1e-15", "0.000000001"),
            ("000.00000010", "0.1"),
        ] {
            assert_eq!(per_million(text).as_deref(), Ok(dollars), "{text}");
        }
        for bad in [
            "", "-1", "1e-16", "x", "1e", "1e99", "NaN", "0x10", "1.2.3", ".", "1_0",
        ] {
            assert!(per_million(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_was_meant(nanos in 0u64..1 << 50) {
            // So many nano-dollars a million tokens, spelled as dollars a token in two ways.
            let exponent = format!("{nanos}e-15");
            let plain = format!("0.{nanos:015}");
            let dollars = per_million(&exponent).unwrap();
            if nanos < 1_000_000_000_000_000 {
                prop_assert_eq!(&per_million(&plain).unwrap(), &dollars);
            }
            let money: domain::Money = dollars.parse().unwrap();
            prop_assert_eq!(money.nanos(), i64::try_from(nanos).unwrap());
        }
    }
}
