//! Dividing a whole number so that nothing is lost and nothing made: by largest remainders (Hamilton's method).

use domain::Money;

/// One part for each weight, in proportion, with exactly `total` as their sum. What is left after rounding down goes, one
/// each, to the parts that were rounded down by most, and among equals to those that come first. Weights that are all
/// zero count as equal.
pub fn split(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return match weights.is_empty() {
            true => Vec::new(),
            false => split(total, &vec![1; weights.len()]),
        };
    }
    let exact = |weight: &u64| {
        let product = u128::from(total) * u128::from(*weight);
        (u64::try_from(product / sum).unwrap_or(u64::MAX), product % sum)
    };
    let mut parts: Vec<(u64, u128)> = weights.iter().map(exact).collect();
    let given: u64 = parts.iter().map(|(part, _)| *part).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(parts.get(*at).map_or(0, |(_, rest)| *rest)));
    // Fewer are left than there are parts with a remainder.
    let left = usize::try_from(total - given).unwrap_or(0);
    for at in order.into_iter().take(left) {
        if let Some((part, _)) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts.into_iter().map(|(part, _)| part).collect()
}

/// The same of money, which may be below zero where more was taken back than spent.
pub(super) fn money_split(total: Money, weights: &[u64]) -> Vec<Money> {
    let nanos = total.nanos();
    let signed = |part: u64| match nanos < 0 {
        true => 0_i64.checked_sub_unsigned(part).unwrap_or(i64::MIN),
        false => i64::try_from(part).unwrap_or(i64::MAX),
    };
    let parts = split(nanos.unsigned_abs(), weights).into_iter();
    parts.map(signed).map(Money::from_nanos).collect()
}

/// Shares in millionths that sum to a million.
pub(super) fn shares_ppm(weights: &[u64]) -> Vec<u64> {
    split(1_000_000, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_divide_goes_to_those_who_lack_most() {
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(10, &[7, 2, 1]), [7, 2, 1]);
        assert_eq!(split(10, &[6, 6, 6, 1]), [3, 3, 3, 1]);
        assert_eq!(split(1, &[1, 2]), [0, 1]);
        assert_eq!(split(5, &[0, 0]), [3, 2]);
        assert_eq!(split(5, &[0, 9]), [0, 5]);
        assert_eq!(split(5, &[]), Vec::<u64>::new());
        assert_eq!(
            money_split(Money::from_nanos(i64::MIN), &[3]),
            [Money::from_nanos(i64::MIN)]
        );
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_are_off_by_less_than_one(
            total in any::<u64>(),
            weights in prop::collection::vec(any::<u64>(), 1..20),
        ) {
            let parts = split(total, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
            let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = (u128::from(total) * u128::from(*weight)).checked_div(sum);
                prop_assert!(exact.is_none_or(|floor| (floor..=floor + 1).contains(&u128::from(*part))));
                prop_assert!(sum == 0 || *weight > 0 || *part == 0);
            }
        }

        #[test]
        fn money_keeps_its_sign_and_its_sum(
            nanos in any::<i64>(),
            weights in prop::collection::vec(0_u64..1_000_000, 1..10),
        ) {
            let parts = money_split(Money::from_nanos(nanos), &weights);
            let sum: i128 = parts.iter().map(|part| i128::from(part.nanos())).sum();
            prop_assert_eq!(sum, i128::from(nanos));
            prop_assert!(parts.iter().all(|part| part.nanos() == 0 || (part.nanos() < 0) == (nanos < 0)));
        }
    }
}
