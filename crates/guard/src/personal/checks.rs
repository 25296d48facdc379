//! Check digits and inner rules of numbers that states, banks and card networks hand out. Each is from the publisher's
//! own description of the number. Never reads text: digits as values in, yes or no out.

/// ISO/IEC 7812-1, annex B.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let doubled = |(at, digit): (usize, &u8)| match at % 2 {
        0 => u32::from(*digit),
        _ => u32::from(*digit) * 2 / 10 + u32::from(*digit) * 2 % 10,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// The digits as one number; those beyond the nineteenth do not fit.
pub(crate) fn value(digits: &[u8]) -> u64 {
    digits
        .iter()
        .take(19)
        .fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

fn part(digits: &[u8], from: usize, to: usize) -> u64 {
    value(digits.get(from..to).unwrap_or_default())
}

fn digit(digits: &[u8], at: usize) -> u32 {
    digits.get(at).copied().map_or(0, u32::from)
}

/// The sum of digits times weights, pair by pair.
fn weighed(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum()
}

fn all_same(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair.first() == pair.last())
}

/// Whether these two may be a month and a day.
const fn is_day(month: u64, day: u64) -> bool {
    month >= 1 && month <= 12 && day >= 1 && day <= 31
}

/// `yymmdd` at `at`.
fn year_first(digits: &[u8], at: usize) -> bool {
    is_day(part(digits, at + 2, at + 4), part(digits, at + 4, at + 6))
}

/// `ddmmyy` at the start.
pub(crate) fn day_first(digits: &[u8]) -> bool {
    is_day(part(digits, 2, 4), part(digits, 0, 2))
}

/// ISO 7064, MOD 11,10: Steuer-ID, OIB.
fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, rest)) = digits.split_last() else {
        return false;
    };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        sum * 2 % 11
    });
    (11 - product) % 10 == u32::from(*last)
}

/// Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000.
pub(crate) fn us_ssn(d: &[u8]) -> bool {
    let area = part(d, 0, 3);
    area != 0 && area != 666 && area < 900 && part(d, 3, 5) != 0 && part(d, 5, 9) != 0
}

/// Internal Revenue Service: 9xx with groups 50–65, 70–88, 90–92, 94–99.
pub(crate) fn us_itin(d: &[u8]) -> bool {
    part(d, 0, 3) >= 900 && matches!(part(d, 3, 5), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

pub(crate) fn uk_nhs(d: &[u8]) -> bool {
    let check = 11 - weighed(d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check % 11 == digit(d, 9) && check != 10 && !all_same(d)
}

/// One digit occurs twice or thrice among the first ten.
pub(crate) fn de_tax(d: &[u8]) -> bool {
    let first = d.get(..10).unwrap_or_default();
    let times = |wanted: u8| first.iter().filter(|digit| **digit == wanted).count();
    let repeated = (0..10).filter(|wanted| times(*wanted) > 1).count();
    digit(d, 0) != 0 && repeated == 1 && (0..10).all(|wanted| times(wanted) <= 3) && mod_11_10(d)
}

/// Thirteen digits and a key: 97 less the rest of a division by 97.
pub(crate) fn fr_nir(d: &[u8]) -> bool {
    let month = part(d, 3, 5);
    matches!(digit(d, 0), 1..=4 | 7 | 8)
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && 97 - part(d, 0, 13) % 97 == part(d, 13, 15)
}

pub(crate) fn nl_bsn(d: &[u8]) -> bool {
    let sum = weighed(d, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == digit(d, 8) && !all_same(d)
}

pub(crate) fn be_national(d: &[u8]) -> bool {
    let body = part(d, 0, 9);
    let check = part(d, 9, 11);
    let month = part(d, 2, 4) % 20;
    (month <= 12 && part(d, 4, 6) <= 31)
        && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

pub(crate) fn pl_pesel(d: &[u8]) -> bool {
    let sum = weighed(d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    is_day(part(d, 2, 4) % 20, part(d, 4, 6)) && (10 - sum % 10) % 10 == digit(d, 10)
}

pub(crate) fn pl_nip(d: &[u8]) -> bool {
    weighed(d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(d, 9) && !all_same(d)
}

/// The last ten digits; a day above 60 is a coordination number.
pub(crate) fn se_personal(d: &[u8]) -> bool {
    let short = d.get(d.len().saturating_sub(10)..).unwrap_or_default();
    let day = part(short, 4, 6);
    let century = d.len() == 10 || matches!(part(d, 0, 2), 18..=20);
    century && is_day(part(short, 2, 4), if day > 60 { day - 60 } else { day }) && luhn(short)
}

pub(crate) fn no_birth(d: &[u8]) -> bool {
    let day = part(d, 0, 2);
    let first = 11 - weighed(d, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11;
    let second = 11 - weighed(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    is_day(part(d, 2, 4), if day > 40 { day - 40 } else { day })
        && first % 11 == digit(d, 9)
        && second % 11 == digit(d, 10)
}

pub(crate) fn pt_nif(d: &[u8]) -> bool {
    let rest = weighed(d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    !matches!(digit(d, 0), 0 | 4) && check == digit(d, 8)
}

/// GS1's check digit over thirteen digits.
fn ean(d: &[u8]) -> bool {
    let sum = weighed(d, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    (10 - sum % 10) % 10 == digit(d, 12)
}

pub(crate) fn ch_ahv(d: &[u8]) -> bool {
    part(d, 0, 3) == 756 && ean(d)
}

pub(crate) fn at_insurance(d: &[u8]) -> bool {
    weighed(d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == digit(d, 3)
        && is_day(part(d, 6, 8) % 12 + 1, part(d, 4, 6))
}

/// Of Czechia and Slovakia. Women's months have 50 more; since 2004 also 20.
pub(crate) fn cz_birth(d: &[u8]) -> bool {
    let month = part(d, 2, 4);
    let month = if month > 50 { month - 50 } else { month };
    let month = if month > 20 { month - 20 } else { month };
    let checks =
        d.len() == 9 || value(d).is_multiple_of(11) || (part(d, 0, 9) % 11 == 10 && digit(d, 9) == 0);
    is_day(month, part(d, 4, 6)) && checks
}

pub(crate) fn ro_cnp(d: &[u8]) -> bool {
    let rest = weighed(d, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    digit(d, 0) != 0 && year_first(d, 1) && (if rest == 10 { 1 } else { rest }) == digit(d, 12)
}

/// Verhoeff's check, by his dihedral group.
pub(crate) fn in_aadhaar(d: &[u8]) -> bool {
    let times = |left: u32, right: u32| match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right - 5) % 5,
        (false, true) => 5 + (left - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    };
    const TURN: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let turned = |digit: u8, places: usize| {
        (0..places % 8).fold(u32::from(digit), |digit, _| {
            TURN.get(digit as usize).copied().unwrap_or(0)
        })
    };
    let sum = d
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (at, digit)| times(sum, turned(*digit, at)));
    digit(d, 0) >= 2 && sum == 0
}

pub(crate) fn br_cpf(d: &[u8]) -> bool {
    let check = |weights: &[u32]| (weighed(d, weights) * 10 % 11) % 10;
    check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(d, 9)
        && check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(d, 10)
        && !all_same(d)
}

pub(crate) fn br_cnpj(d: &[u8]) -> bool {
    let check = |weights: &[u32]| {
        let rest = weighed(d, weights) % 11;
        if rest < 2 { 0 } else { 11 - rest }
    };
    check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(d, 12)
        && check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(d, 13)
        && !all_same(d)
}

pub(crate) fn ca_sin(d: &[u8]) -> bool {
    !matches!(digit(d, 0), 0 | 8) && luhn(d)
}

pub(crate) fn au_tfn(d: &[u8]) -> bool {
    weighed(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !all_same(d)
}

pub(crate) fn au_medicare(d: &[u8]) -> bool {
    matches!(digit(d, 0), 2..=6) && weighed(d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(d, 8)
}

pub(crate) fn au_abn(d: &[u8]) -> bool {
    let sum = weighed(d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    digit(d, 0) > 0 && (sum - 10).is_multiple_of(89)
}

pub(crate) fn za_id(d: &[u8]) -> bool {
    year_first(d, 0) && digit(d, 10) < 2 && luhn(d)
}

pub(crate) fn kr_resident(d: &[u8]) -> bool {
    let sum = weighed(d, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    kr_form(d) && (11 - sum % 11) % 10 == digit(d, 12)
}

/// Numbers given since October 2020 have no check digit.
pub(crate) fn kr_form(d: &[u8]) -> bool {
    year_first(d, 0) && matches!(digit(d, 6), 1..=8)
}

pub(crate) fn tr_identity(d: &[u8]) -> bool {
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|at| digit(d, *at)).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|at| digit(d, *at)).sum();
    let all: u32 = (0..10).map(|at| digit(d, at)).sum();
    digit(d, 0) != 0 && (odd * 7 + 100 - even) % 10 == digit(d, 9) && all % 10 == digit(d, 10)
}

/// ISO 7064, MOD 11-2; the last may be an X, given as 10.
pub(crate) fn cn_resident(d: &[u8]) -> bool {
    let sum = weighed(d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    matches!(part(d, 6, 8), 18..=20) && year_first(d, 8) && (12 - sum % 11) % 11 == digit(d, 17)
}

pub(crate) fn jp_number(d: &[u8]) -> bool {
    let rest = weighed(d, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == digit(d, 11) && !all_same(d)
}

pub(crate) fn hr_oib(d: &[u8]) -> bool {
    mod_11_10(d)
}

pub(crate) fn bg_egn(d: &[u8]) -> bool {
    let sum = weighed(d, &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    is_day(part(d, 2, 4) % 20, part(d, 4, 6)) && sum % 11 % 10 == digit(d, 9)
}

/// Of Estonia and Lithuania.
pub(crate) fn baltic(d: &[u8]) -> bool {
    let first = weighed(d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let check = match first {
        10 => weighed(d, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    matches!(digit(d, 0), 1..=6) && year_first(d, 1) && check == digit(d, 10)
}

pub(crate) fn gr_amka(d: &[u8]) -> bool {
    day_first(d) && luhn(d)
}

pub(crate) fn ar_cuit(d: &[u8]) -> bool {
    let check = (11 - weighed(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    matches!(part(d, 0, 2), 20 | 23 | 24 | 27 | 30 | 33 | 34) && check == digit(d, 10)
}

/// The last digit is the check digit; a K is given as 10.
pub(crate) fn cl_rut(d: &[u8]) -> bool {
    let Some((last, rest)) = d.split_last() else {
        return false;
    };
    let sum: u32 = rest
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].iter().cycle())
        .map(|(d, w)| u32::from(*d) * w)
        .sum();
    (11 - sum % 11) % 11 == u32::from(*last)
}

pub(crate) fn th_id(d: &[u8]) -> bool {
    let sum = weighed(d, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    digit(d, 0) != 0 && (11 - sum % 11) % 10 == digit(d, 12)
}

pub(crate) fn ru_snils(d: &[u8]) -> bool {
    let sum = weighed(d, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    u64::from(sum % 101 % 100) == part(d, 9, 11) && !all_same(d)
}

/// GS1's own numbers of books and goods, which look like ids.
pub(crate) fn is_book(d: &[u8]) -> bool {
    d.len() == 13 && matches!(part(d, 0, 3), 978 | 979) && ean(d)
}

/// ISO 7064, MOD 97-10, over characters of an account number.
pub(crate) fn mod_97<'b>(characters: impl Iterator<Item = &'b u8>) -> u32 {
    characters.fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        byte => (sum * 100 + u32::from(byte.to_ascii_uppercase().saturating_sub(b'A')) + 10) % 97,
    })
}
