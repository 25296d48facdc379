//! Ids of digits alone that states give to people: how they are written, how they check, and how sure each makes a
//! finding. Never reads text.

use std::sync::LazyLock;

use crate::personal::checks as c;
use crate::personal::words::about as a;

/// One kind of id.
pub(crate) struct Scheme {
    pub(crate) rule: &'static str,
    /// How many digits.
    pub(crate) digits: u8,
    /// Groups as they are written; `.`, `-`, `/` and blanks are told apart by `tight`.
    pub(crate) form: &'static [u8],
    pub(crate) check: fn(&[u8]) -> bool,
    /// Words of the id itself.
    pub(crate) about: u64,
    /// The score in its written form without a word about it.
    pub(crate) formed: u8,
    /// The score as digits alone without a word about it.
    pub(crate) plain: u8,
}

macro_rules! scheme {
    ($rule:literal, $digits:literal, $form:expr, $check:path, $about:expr, $formed:literal, $plain:literal) => {
        Scheme {
            rule: $rule,
            digits: $digits,
            form: &$form,
            check: $check,
            about: $about,
            formed: $formed,
            plain: $plain,
        }
    };
}

/// Those of so many digits.
pub(crate) fn of_digits(digits: usize) -> &'static [&'static Scheme] {
    static BY_DIGITS: LazyLock<Vec<Vec<&Scheme>>> = LazyLock::new(|| {
        let of = |digits: u8| SCHEMES.iter().filter(|scheme| scheme.digits == digits).collect();
        (0..20).map(of).collect()
    });
    BY_DIGITS.get(digits).map_or(&[], Vec::as_slice)
}

/// All of them. Scores are by how seldom a number that is none has such a form, date and check digit.
const SCHEMES: &[Scheme] = &[
    scheme!("social_security_number", 9, [3, 2, 4], c::us_ssn, a::US, 85, 30),
    scheme!("us_taxpayer_id", 9, [3, 2, 4], c::us_itin, a::US | a::TAX, 80, 20),
    scheme!("us_employer_id", 9, [2, 7], not_zero, a::EIN, 30, 10),
    scheme!("uk_nhs_number", 10, [3, 3, 4], c::uk_nhs, a::UK, 45, 30),
    scheme!("de_tax_id", 11, [2, 3, 3, 3], c::de_tax, a::DE, 80, 50),
    scheme!("fr_nir", 15, [1, 2, 2, 2, 3, 3, 2], c::fr_nir, a::FR, 95, 85),
    scheme!("nl_bsn", 9, [4, 2, 3], c::nl_bsn, a::NL, 40, 20),
    scheme!(
        "be_national_number",
        11,
        [2, 2, 2, 3, 2],
        c::be_national,
        a::BE,
        95,
        70
    ),
    scheme!("pl_pesel", 11, [11], c::pl_pesel, a::PL, 50, 50),
    scheme!("pl_nip", 10, [3, 3, 2, 2], c::pl_nip, a::PL, 80, 20),
    scheme!("pl_nip", 10, [3, 2, 2, 3], c::pl_nip, a::PL, 80, 20),
    scheme!("se_personal_number", 10, [6, 4], c::se_personal, a::SE, 80, 35),
    scheme!("se_personal_number", 12, [8, 4], c::se_personal, a::SE, 90, 62),
    scheme!("no_birth_number", 11, [6, 5], c::no_birth, a::NO, 90, 75),
    scheme!("dk_cpr_number", 10, [6, 4], c::day_first, a::DK, 62, 20),
    scheme!("pt_nif", 9, [3, 3, 3], c::pt_nif, a::PT, 40, 20),
    scheme!("ch_ahv_number", 13, [3, 4, 4, 2], c::ch_ahv, a::CH, 98, 90),
    scheme!("at_insurance_number", 10, [4, 6], c::at_insurance, a::AT, 55, 35),
    scheme!("cz_birth_number", 10, [6, 4], c::cz_birth, a::CZ, 75, 35),
    scheme!("cz_birth_number", 9, [6, 3], c::cz_birth, a::CZ, 50, 10),
    scheme!("ro_cnp", 13, [13], c::ro_cnp, a::RO, 75, 75),
    scheme!("in_aadhaar", 12, [4, 4, 4], c::in_aadhaar, a::IN, 75, 40),
    scheme!("br_cpf", 11, [3, 3, 3, 2], c::br_cpf, a::BR, 97, 55),
    scheme!("br_cnpj", 14, [2, 3, 3, 4, 2], c::br_cnpj, a::BR, 97, 65),
    scheme!("ca_sin", 9, [3, 3, 3], c::ca_sin, a::CA, 50, 20),
    scheme!("au_tax_file_number", 9, [3, 3, 3], c::au_tfn, a::AU, 40, 20),
    scheme!("au_medicare_number", 10, [4, 5, 1], c::au_medicare, a::AU, 80, 20),
    scheme!("au_business_number", 11, [2, 3, 3, 3], c::au_abn, a::AU, 65, 30),
    scheme!("za_identity_number", 13, [6, 4, 3], c::za_id, a::ZA, 85, 76),
    scheme!("kr_resident_number", 13, [6, 7], c::kr_resident, a::KR, 90, 50),
    scheme!("kr_resident_number", 13, [6, 7], c::kr_form, a::KR, 65, 20),
    scheme!("tr_identity_number", 11, [11], c::tr_identity, a::TR, 55, 55),
    scheme!("cn_resident_id", 18, [18], c::cn_resident, a::CN, 95, 95),
    scheme!("jp_my_number", 12, [4, 4, 4], c::jp_number, a::JP, 55, 30),
    scheme!("il_identity_number", 9, [9], c::luhn, a::IL, 20, 20),
    scheme!("hr_oib", 11, [11], c::hr_oib, a::HR, 40, 40),
    scheme!("bg_egn", 10, [10], c::bg_egn, a::BG, 35, 35),
    scheme!("baltic_personal_code", 11, [11], c::baltic, a::NATIONAL, 60, 60),
    scheme!("gr_amka", 11, [11], c::gr_amka, a::GR, 50, 50),
    scheme!("ar_cuit", 11, [2, 8, 1], c::ar_cuit, a::AR, 90, 50),
    scheme!("cl_rut", 9, [2, 3, 3, 1], c::cl_rut, a::CL, 90, 20),
    scheme!("cl_rut", 8, [1, 3, 3, 1], c::cl_rut, a::CL, 85, 20),
    scheme!("cl_rut", 9, [8, 1], c::cl_rut, a::CL, 62, 20),
    scheme!(
        "th_identity_number",
        13,
        [1, 4, 5, 2, 1],
        c::th_id,
        a::NATIONAL,
        95,
        40
    ),
    scheme!("ru_snils", 11, [3, 3, 3, 2], c::ru_snils, a::NATIONAL, 85, 30),
];

fn not_zero(digits: &[u8]) -> bool {
    digits.iter().any(|digit| *digit != 0)
}

/// Issuers of payment cards by their first digits (ISO/IEC 7812 ranges as the networks publish them), and whether
/// cards of so many digits are theirs.
pub(crate) fn card_issued(digits: &[u8]) -> bool {
    let six = c::value(digits.get(..6).unwrap_or_default());
    let range = |low: u64, high: u64, places: u32| {
        let unit = 10_u64.pow(6 - places);
        (low..=high).contains(&(six / unit))
    };
    match digits.len() {
        12 | 17 | 18 => maestro(six),
        13 => range(4, 4, 1) || maestro(six),
        14 => {
            range(300, 305, 3) || range(36, 36, 2) || range(38, 39, 2) || range(3095, 3095, 4) || maestro(six)
        }
        15 => {
            range(34, 34, 2)
                || range(37, 37, 2)
                || range(1800, 1800, 4)
                || range(2131, 2131, 4)
                || maestro(six)
        }
        16 | 19 => {
            range(4, 4, 1)
                || range(51, 55, 2)
                || range(2221, 2720, 4)
                || range(6011, 6011, 4)
                || range(644, 659, 3)
                || range(3528, 3589, 4)
                || range(60, 62, 2)
                || range(81, 82, 2)
                || range(2200, 2204, 4)
                || range(30, 30, 2)
                || range(36, 36, 2)
                || maestro(six)
        }
        _ => false,
    }
}

/// Maestro and its national kin, of twelve to nineteen digits.
const fn maestro(six: u64) -> bool {
    matches!(six / 10_000, 50 | 56..=59 | 63 | 67) || matches!(six / 100, 6304 | 6759 | 6761..=6763)
}
