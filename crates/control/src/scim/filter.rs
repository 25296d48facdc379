//! Filters: one attribute equal to one text, which is what identity providers ask (RFC 7644 section 3.4.2.2).
//! Nothing of a filter reaches the store but a whole value that is compared.

use super::shown::short;
use super::wire::No;

/// `attribute eq "value"`.
#[derive(Debug, PartialEq, Eq)]
pub struct Filter {
    /// The attribute, in lower case.
    pub attribute: String,
    /// The value.
    pub value: String,
}

/// Reads one.
// threat: ANP-0020
pub fn read(text: &str) -> Result<Filter, No> {
    let (attribute, rest) = text.trim().split_once(' ').ok_or_else(No::filter)?;
    let (operator, value) = rest.trim_start().split_once(' ').ok_or_else(No::filter)?;
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(No::filter());
    }
    let value: String = serde_json::from_str(value.trim()).map_err(|_| No::filter())?;
    Ok(Filter {
        attribute: short(attribute),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0020_a_filter_is_one_comparison_and_nothing_else() {
        let good = read(r#" userName  EQ "Ann \"the\" O'Neill" "#).unwrap();
        assert_eq!(
            (good.attribute.as_str(), good.value.as_str()),
            ("username", "Ann \"the\" O'Neill")
        );
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq ann",
            "userName ne \"a\"",
            "userName eq \"a\" or userName eq \"b\"",
            "userName eq \"a\" and active eq true",
            "(userName eq \"a\")",
            "userName eq \"a\" --",
            "userName eq 'a'",
            "not userName eq \"a\"",
            "active eq true",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
