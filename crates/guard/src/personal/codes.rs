//! Codes of letters and digits: bank accounts, and ids that states write so. Never looks further than one code.

use crate::personal::checks;
use crate::personal::kinds::PersonalKind;
use crate::personal::near::Near;
use crate::personal::numbers::Meant;
use crate::personal::text::{Text, Word};
use crate::personal::words::about as a;

/// The longest code without its signs, an IBAN (ISO 13616).
const CODE_BYTES_MAX: usize = 34;
/// Of other codes so many letters and digits are read, and none has so many.
const TIGHT_BYTES_MAX: usize = 20;

/// Lengths of IBANs by country, as SWIFT's registry has them.
const IBANS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18\
    FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22\
    MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23\
    TN24TR26UA29VA22VG24XK20YE30";

/// A code without its signs, in capitals.
struct Code {
    bytes: [u8; CODE_BYTES_MAX],
    length: usize,
    start: usize,
    end: usize,
    /// It was written in capitals.
    capitals: bool,
}

impl Code {
    /// Up to `most` letters and digits from `at` on, with single signs of `signs` between them.
    fn read(text: &Text<'_>, at: usize, most: usize, signs: &[u8]) -> Self {
        let mut code = Self {
            bytes: [0; CODE_BYTES_MAX],
            length: 0,
            start: at,
            end: at,
            capitals: true,
        };
        let mut next = at;
        while code.length < most {
            let byte = text.at(next);
            if byte.is_ascii_alphanumeric() {
                if let Some(slot) = code.bytes.get_mut(code.length) {
                    *slot = byte.to_ascii_uppercase();
                }
                code.capitals &= !byte.is_ascii_lowercase();
                code.length += 1;
                next += 1;
                code.end = next;
            } else if code.length > 0 && signs.contains(&byte) && text.at(next + 1).is_ascii_alphanumeric() {
                next += 1;
            } else {
                break;
            }
        }
        text.spend(code.length);
        code
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether it is written so: `A` a letter, `9` a digit, `*` either.
    fn is(&self, form: &[u8]) -> bool {
        self.length == form.len()
            && self.bytes().iter().zip(form).all(|(byte, form)| match form {
                b'A' => byte.is_ascii_uppercase(),
                b'9' => byte.is_ascii_digit(),
                _ => true,
            })
    }

    fn number(&self, from: usize, to: usize) -> u64 {
        let digits = self.bytes().get(from..to).unwrap_or_default();
        digits
            .iter()
            .fold(0, |sum, byte| sum * 10 + u64::from(byte.wrapping_sub(b'0')))
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes().get(at).copied().unwrap_or(0)
    }
}

/// Whether a code may end at `at`.
fn ends(text: &Text<'_>, at: usize) -> bool {
    let (next, after) = (text.at(at), text.at(at + 1));
    match next {
        b'-' | b'.' | b'/' | b':' | b'=' | b'+' => !after.is_ascii_alphanumeric(),
        b'_' | b'@' => false,
        0xC3..=0xDF => false,
        _ => !next.is_ascii_alphanumeric(),
    }
}

/// What the code is that begins with `word`, and where it ends.
pub(crate) fn code(text: &Text<'_>, word: &Word, near: &Near<'_>) -> Option<(Meant, usize)> {
    if let Some(found) = iban(text, word, near) {
        return Some(found);
    }
    // No other is a word so long.
    if word.len() >= TIGHT_BYTES_MAX {
        return None;
    }
    let at = word.start;
    let tight = Code::read(text, at, TIGHT_BYTES_MAX, b"-.");
    let spaced = || Code::read(text, at, 9, b" ");
    let found = match () {
        () if !ends(text, tight.end) => None,
        () => known(&tight, near).map(|meant| (meant, tight.end)),
    };
    let nino = || {
        // Blanks are read only where the prefix stands alone: a word is not held for what follows it.
        let code = if word.len() == 2 && word.is_capitals() {
            spaced()
        } else {
            return None;
        };
        let score = match (is_nino(&code), near.has(a::UK | a::NATIONAL)) {
            (true, true) => 98,
            (true, false) => 85,
            (false, true) if code.is(b"AA999999A") => 75,
            _ => return None,
        };
        (ends(text, code.end) && code.capitals).then(|| (id("uk_nino", score), code.end))
    };
    found.or_else(nino).or_else(|| bracketed(text, at)).or_else(|| {
        let digits = tight.bytes().iter().filter(|byte| byte.is_ascii_digit()).count();
        let is_code =
            tight.length >= 6 && digits >= 3 && tight.length < TIGHT_BYTES_MAX && ends(text, tight.end);
        let label = is_code.then(|| near.label()).flatten()?;
        Some((label, tight.end))
    })
}

const fn id(rule: &'static str, score: u8) -> Meant {
    Meant {
        kind: PersonalKind::NationalId,
        rule,
        score,
    }
}

/// Ids by their form and check.
fn known(code: &Code, near: &Near<'_>) -> Option<Meant> {
    let about = |about: u64, with: u8, without: u8| {
        if near.has(about | a::NATIONAL | a::TAX) {
            with
        } else {
            without
        }
    };
    let capitals = |score: u8| {
        if code.capitals {
            score
        } else {
            score.saturating_sub(35)
        }
    };
    match code.length {
        8 | 9 if code.is(b"9999999A") || code.is(b"9999999AA") => {
            irish(code).then(|| id("ie_pps_number", about(a::IE, 96, 45)))
        }
        9 if code.is(b"99999999A") => {
            spanish(code, code.number(0, 8), 8).then(|| id("es_dni", capitals(about(a::ES, 100, 80))))
        }
        9 if code.is(b"A9999999A") => {
            let first = u64::from(code.byte(0).saturating_sub(b'X'));
            let foreigner = code.byte(0) >= b'X' && spanish(code, first * 10_000_000 + code.number(1, 8), 8);
            let singapore = is_singapore(code);
            match (foreigner, singapore) {
                (true, _) => Some(id("es_nie", capitals(about(a::ES, 100, 88)))),
                (_, true) => Some(id("sg_nric", capitals(about(a::SG, 100, 88)))),
                _ => None,
            }
        }
        9 if is_nino(code) => Some(id("uk_nino", capitals(about(a::UK, 98, 85)))),
        10 if code.is(b"AAAAA9999A") && b"ABCFGHJLPT".contains(&code.byte(3)) => {
            Some(id("in_pan", capitals(about(a::IN, 98, 78))))
        }
        10 if code.is(b"A999999999") && is_taiwanese(code) => {
            Some(id("tw_identity_number", capitals(about(0, 90, 62))))
        }
        10 if b"LMNPRTVWXYCFGHJK".contains(&code.byte(0))
            && is_travel_document(code)
            && near.has(a::NATIONAL | a::PASSPORT) =>
        {
            Some(id("de_identity_card", 96))
        }
        10 | 11 if is_finnish(code) => Some(id("fi_personal_code", capitals(about(a::FI, 100, 90)))),
        11 if is_medicare(code) => Some(id("us_medicare_id", capitals(about(a::PATIENT, 95, 76)))),
        16 if is_italian(code) => Some(id("it_fiscal_code", if code.capitals { 100 } else { 90 })),
        16 if code.is(b"AAAAAA99A99A999A") && near.has(a::IT | a::TAX) => Some(id("it_fiscal_code", 80)),
        16 | 18 if is_british_licence(code) => Some(Meant {
            kind: PersonalKind::Document,
            rule: "driving_licence",
            score: capitals(if near.has(a::LICENCE) { 95 } else { 70 }),
        }),
        18 if is_mexican(code) => Some(id("mx_curp", capitals(about(a::MX, 100, 95)))),
        18 if code.byte(17) == b'X' => {
            let digits: Vec<u8> = code
                .bytes()
                .iter()
                .take(17)
                .map(|byte| byte.wrapping_sub(b'0'))
                .chain([10])
                .collect();
            (digits.iter().all(|digit| *digit <= 10) && checks::cn_resident(&digits))
                .then(|| id("cn_resident_id", about(a::CN, 100, 95)))
        }
        8 | 9 if code.byte(code.length - 1) == b'K' => {
            let rest = code.bytes().get(..code.length - 1)?;
            let digits: Vec<u8> = rest
                .iter()
                .map(|byte| byte.wrapping_sub(b'0'))
                .chain([10])
                .collect();
            (rest.iter().all(u8::is_ascii_digit) && checks::cl_rut(&digits))
                .then(|| id("cl_rut", about(a::CL, 98, 70)))
        }
        8 | 11 if code.capitals && near.within(a::BIC, 24) && is_bic(code) => Some(Meant {
            kind: PersonalKind::BankAccount,
            rule: "bank_identifier",
            score: 90,
        }),
        _ => None,
    }
}

/// The account number that begins with `word`.
fn iban(text: &Text<'_>, word: &Word, near: &Near<'_>) -> Option<(Meant, usize)> {
    let at = word.start;
    let head = [text.at(at), text.at(at + 1), text.at(at + 2), text.at(at + 3)];
    let [first, second, third, fourth] = head;
    let same_case = first.is_ascii_uppercase() == second.is_ascii_uppercase();
    if !(first.is_ascii_alphabetic() && second.is_ascii_alphabetic() && same_case) {
        return None;
    }
    // Some write a blank behind the country.
    if !(third.is_ascii_digit() && fourth.is_ascii_digit()) {
        return None;
    }
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let (rows, _) = IBANS.as_bytes().as_chunks::<4>();
    let length = rows.iter().find_map(|[one, two, tens, units]| {
        (country == [*one, *two]).then_some(usize::from(tens - b'0') * 10 + usize::from(units - b'0'))
    })?;
    let code = Code::read(text, at, length.min(CODE_BYTES_MAX), b" -");
    if code.length != length || !ends(text, code.end) {
        return None;
    }
    let (head, body) = code.bytes().split_first_chunk::<4>()?;
    let checks = checks::mod_97(body.iter().chain(head)) == 1;
    let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
    let score = match (checks, near.has(a::BANK)) {
        (true, _) => 100,
        (false, true) if digits * 2 > body.len() => 70,
        _ => return None,
    };
    let account = Meant {
        kind: PersonalKind::BankAccount,
        rule: "bank_account",
        score,
    };
    Some((account, code.end))
}

/// ISO 9362: bank, country, place, and perhaps branch.
fn is_bic(code: &Code) -> bool {
    let head = code.bytes().get(..6).unwrap_or_default();
    head.iter().all(u8::is_ascii_uppercase)
}

/// HM Revenue & Customs: letters that are not used, prefixes that are not given, suffixes A to D.
fn is_nino(code: &Code) -> bool {
    let prefix = [code.byte(0), code.byte(1)];
    code.is(b"AA999999A")
        && !prefix.iter().any(|byte| b"DFIQUV".contains(byte))
        && code.byte(1) != b'O'
        && ![*b"BG", *b"GB", *b"NK", *b"KN", *b"TN", *b"NT", *b"ZZ"].contains(&prefix)
        && (b'A'..=b'D').contains(&code.byte(8))
}

fn spanish(code: &Code, number: u64, at: usize) -> bool {
    let letter = b"TRWAGMYFPDXBNJZSQVHLCKE".get((number % 23) as usize);
    letter.is_some_and(|letter| *letter == code.byte(at))
}

fn irish(code: &Code) -> bool {
    let sum: u64 = (0..7).map(|at| code.number(at, at + 1) * (8 - at as u64)).sum();
    let second = match code.byte(8) {
        0 | b'W' => 0,
        byte => u64::from(byte - b'A') + 1,
    };
    b"WABCDEFGHIJKLMNOPQRSTUV".get(((sum + second * 9) % 23) as usize) == Some(&code.byte(7))
}

fn is_singapore(code: &Code) -> bool {
    let weights = [2, 7, 6, 5, 4, 3, 2];
    let sum: u64 = weights
        .iter()
        .zip(1..)
        .map(|(weight, at)| code.number(at, at + 1) * weight)
        .sum();
    let (letters, more) = match code.byte(0) {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    letters.get(((sum + more) % 11) as usize) == Some(&code.byte(8))
}

fn is_taiwanese(code: &Code) -> bool {
    let Some(letter) = b"ABCDEFGHJKLMNPQRSTUVXYWZIO"
        .iter()
        .position(|letter| *letter == code.byte(0))
    else {
        return false;
    };
    let letter = letter as u64 + 10;
    let rest: u64 = (1..9).map(|at| code.number(at, at + 1) * (9 - at as u64)).sum();
    let sum = letter / 10 + letter % 10 * 9 + rest + code.number(9, 10);
    matches!(code.byte(1), b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

/// ICAO Doc 9303: weights 7, 3, 1.
fn is_travel_document(code: &Code) -> bool {
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        _ => u32::from(byte - b'A') + 10,
    };
    let body = code.bytes().get(..9).unwrap_or_default();
    let sum: u32 = body
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(byte, weight)| value(*byte) * weight)
        .sum();
    code.byte(9).is_ascii_digit() && sum % 10 == u32::from(code.byte(9) - b'0')
}

/// `ddmmyy`, a sign of the century, a number, and a letter or digit that checks. The sign may be a letter.
fn is_finnish(code: &Code) -> bool {
    let number = if code.length == 11 { 7 } else { 6 };
    let digits_fit = code.bytes().iter().take(6).all(u8::is_ascii_digit)
        && code
            .bytes()
            .get(number..number + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    let century_fits = code.length == 10 || b"ABCDEFYXWVU".contains(&code.byte(6));
    let date_fits = (1..=31).contains(&code.number(0, 2)) && (1..=12).contains(&code.number(2, 4));
    let value = code.number(0, 6) * 1_000 + code.number(number, number + 3);
    digits_fit
        && century_fits
        && code.end - code.start == 11
        && date_fits
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get((value % 31) as usize) == Some(&code.byte(code.length - 1))
}

/// Centers for Medicare & Medicaid Services: the beneficiary's id since 2018, without S, L, O, I, B and Z.
fn is_medicare(code: &Code) -> bool {
    code.is(b"9A*9A*9AA99")
        && code.byte(0) != b'0'
        && !code.bytes().iter().any(|byte| b"SLOIBZ".contains(byte))
}

/// Agenzia delle Entrate: the last letter checks; digits may be replaced by letters where two people share a code.
fn is_italian(code: &Code) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let digit = |byte: u8| byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte);
    let letters = [0, 1, 2, 3, 4, 5, 8, 11, 15];
    let fits = code.bytes().iter().enumerate().all(|(at, byte)| {
        if letters.contains(&at) {
            byte.is_ascii_uppercase()
        } else {
            digit(*byte)
        }
    });
    let value = |byte: u8| {
        usize::from(if byte.is_ascii_digit() {
            byte - b'0'
        } else {
            byte.saturating_sub(b'A')
        })
    };
    let weigh = |(at, byte): (usize, &u8)| match at % 2 {
        0 => ODD.get(value(*byte)).copied().unwrap_or(0),
        _ => u32::try_from(value(*byte)).unwrap_or(0),
    };
    let sum: u32 = code.bytes().iter().take(15).enumerate().map(weigh).sum();
    fits && b"ABCDEHLMPRST".contains(&code.byte(8)) && u32::from(code.byte(15) - b'A') == sum % 26
}

/// Registro Nacional de Población: name, date, sex, state, and a digit that checks.
fn is_mexican(code: &Code) -> bool {
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u64::from(byte - b'0'),
        b'A'..=b'N' => u64::from(byte - b'A') + 10,
        // The eñe stands between.
        _ => u64::from(byte.saturating_sub(b'A')) + 11,
    };
    let sum: u64 = code
        .bytes()
        .iter()
        .take(17)
        .zip(0..17)
        .map(|(byte, at)| value(*byte) * (18 - at))
        .sum();
    code.is(b"AAAA999999AAAAAA*9")
        && b"HMX".contains(&code.byte(10))
        && (10 - sum % 10) % 10 == code.number(17, 18)
}

/// Driver and Vehicle Licensing Agency: surname, decade, month (50 more for women), day, year, initials.
fn is_british_licence(code: &Code) -> bool {
    let month = code.number(6, 8);
    let month = if month > 50 { month - 50 } else { month };
    let head = code.bytes().get(..5).unwrap_or_default();
    let dated = code
        .bytes()
        .get(5..11)
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    let letters = head.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    dated
        && letters >= 2
        && head.iter().skip(letters).all(|byte| *byte == b'9')
        && (1..=12).contains(&month)
        && (1..=31).contains(&code.number(8, 10))
        && code.byte(11).is_ascii_uppercase()
        && (code.byte(13).is_ascii_digit() || code.byte(14).is_ascii_uppercase())
}

/// Hong Kong's identity cards: `A123456(3)`.
fn bracketed(text: &Text<'_>, at: usize) -> Option<(Meant, usize)> {
    let letters = usize::from(text.at(at + 1).is_ascii_uppercase()) + 1;
    let number = at + letters;
    let fits = text.at(at).is_ascii_uppercase()
        && text.digits(number, 7) == 6
        && text.at(number + 6) == b'('
        && text.at(number + 8) == b')';
    if !fits {
        return None;
    }
    let letter = |at: usize| u32::from(text.at(at) - b'A') + 10;
    let head = match letters {
        1 => 36 * 9 + letter(at) * 8,
        _ => letter(at) * 9 + letter(at + 1) * 8,
    };
    let sum: u32 = (0..6)
        .map(|offset| u32::from(text.at(number + offset) - b'0') * (7 - offset as u32))
        .sum();
    let check = match text.at(number + 7) {
        b'A' => 10,
        byte @ b'0'..=b'9' => u32::from(byte - b'0'),
        _ => return None,
    };
    (head + sum + check)
        .is_multiple_of(11)
        .then_some((id("hk_identity_card", 95), number + 9))
}
