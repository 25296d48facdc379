//! Personal data from outside: what is found, what is left, and that a stream is judged as the whole.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use guard::{
    Finding, PERSONAL_AHEAD_BYTES_MAX, Personal, PersonalKind, PersonalKinds, PersonalStream, redact,
    scan_personal,
};
use proptest::prelude::*;

static PERSONAL: LazyLock<Arc<Personal>> = LazyLock::new(|| Arc::new(Personal::new()));

fn found(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    PERSONAL.scan(text, &mut found);
    found
}

fn redacted(text: &str) -> String {
    redact(text, &found(text))
}

/// Rule, and a text with it between two bars.
const FOUND: &[(&str, &str)] = &[
    ("email_address", "write to |ada.l+x@mail.example.org|."),
    ("email_address", "|jürgen@müller.de|!"),
    ("email_address", "mailto:|o'neil@example.co.uk|?subject=x"),
    ("telephone_number", "call |+49 (0) 30 901820| now"),
    ("telephone_number", "|0049 30 90182099|"),
    ("telephone_number", "mein Handy: |0171/1234567|"),
    ("telephone_number", "mon numéro est le |06 12 34 56 78|"),
    ("telephone_number", "|(415) 555-2671| x"),
    ("telephone_number", "reach me at |415-555-2671 ext. 12|."),
    ("telephone_number", "llámame al |612 345 678|"),
    ("telephone_number", "tel:|+12025550143|"),
    ("telephone_number", "meu celular é |(11) 98765-4321|"),
    ("telephone_number", "电话|13812345678|"),
    ("telephone_number", "|082 490 1693|-Office"),
    ("bank_account", "account number |12345678|"),
    ("street_address", "|APO AE 09123|"),
    ("payment_card", "card |4111 1111 1111 1111|, yes"),
    ("payment_card", "|5500-0000-0000-0004|"),
    ("payment_card", "amex |3782 822463 10005|"),
    ("bank_account", "IBAN |DE89 3704 0044 0532 0130 00| please"),
    ("bank_account", "|gb82west12345698765432|"),
    ("bank_identifier", "BIC: |COBADEFFXXX|"),
    ("crypto_address", "btc |1BoatSLRHtKNngkdXEeobR76b53LETtpyT|"),
    ("crypto_address", "|bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4|"),
    ("crypto_address", "|0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed|"),
    ("social_security_number", "ssn |219-09-9999|"),
    ("us_taxpayer_id", "ITIN |912-70-1234|"),
    ("us_employer_id", "EIN: |12-3456789|"),
    ("us_medicare_id", "MBI |1EG4-TE5-MK73|"),
    ("uk_nino", "NI number |AB 12 34 56 C|"),
    ("uk_nhs_number", "NHS number |943 476 5919|"),
    ("de_tax_id", "Steuer-ID |86 095 742 719|"),
    ("fr_nir", "NIR |2 55 08 14 168 025 38|"),
    ("es_dni", "DNI |12345678Z|"),
    ("es_nie", "NIE |X-1234567-L|"),
    ("it_fiscal_code", "|RSSMRA85T10A562S|"),
    ("nl_bsn", "BSN |111222333|"),
    ("be_national_number", "|85.07.30-033.28|"),
    ("pl_pesel", "PESEL |44051401359|"),
    ("se_personal_number", "personnummer |811218-9876|"),
    ("no_birth_number", "fødselsnummer |01010750160|"),
    ("dk_cpr_number", "CPR |070761-4285|"),
    ("fi_personal_code", "HETU |131052-308T|"),
    ("pt_nif", "contribuinte, NIF |123456789|"),
    ("ch_ahv_number", "AHV |756.9217.0769.85|"),
    ("at_insurance_number", "SVNR |1237 010180|"),
    ("cz_birth_number", "rodné číslo |736028/5163|"),
    ("ro_cnp", "CNP |1800101221144|"),
    ("in_aadhaar", "Aadhaar |2341 2341 2346|"),
    ("in_pan", "PAN |ABCPE1234F|"),
    ("br_cpf", "CPF |529.982.247-25|"),
    ("br_cnpj", "|11.222.333/0001-81|"),
    ("ca_sin", "SIN |130 692 544|"),
    ("au_tax_file_number", "TFN |123 456 782|"),
    ("mx_curp", "|HEGG560427MVZRRL04|"),
    ("za_identity_number", "|8001015009087|"),
    ("kr_resident_number", "|850101-1234564|"),
    ("sg_nric", "NRIC |S1234567D|"),
    ("tr_identity_number", "TCKN |10000000146|"),
    ("cn_resident_id", "|11010519491231002X|"),
    ("jp_my_number", "マイナンバー |1234 5678 9018|"),
    ("cl_rut", "RUT |12.345.678-5|"),
    ("hk_identity_card", "|A123456(3)|"),
    ("national_id", "my national id is |9938-112-77|"),
    ("passport_number", "passport number |C01X00T47|"),
    ("driving_licence", "driver's license |D1234567|"),
    ("medical_record_number", "MRN: |00482913|"),
    ("ip_address", "from |81.2.69.142|."),
    ("ip_address", "peer |2a02:8071:184:d400::1| gone"),
    ("mac_address", "ether |00:1B:44:11:3A:B7|"),
    ("coordinates", "location: |52.516275, 13.377704|"),
    ("coordinates", "|48°51'24\"N 2°21'08\"E|"),
    ("street_address", "I live at |221B Baker Street, London NW1 6XE|."),
    (
        "street_address",
        "ship to |1600 Pennsylvania Avenue NW, Washington, DC 20500|",
    ),
    ("street_address", "wohnt |Lange Straße 12a, 60311 Frankfurt|"),
    ("street_address", "j'habite |12 bis, rue de la Paix, 75002 Paris|"),
    ("street_address", "vivo en |Calle de Alcalá 45, 28014 Madrid|"),
    (
        "street_address",
        "Abito in |Via degli Olmi 7/B, 20123 Milano (MI)|.",
    ),
    (
        "street_address",
        "woonachtig |Lindelaan 12-II, 1012 AB Amsterdam|",
    ),
    ("street_address", "mieszka |ul. Długa 12/5, 00-950 Warszawa|"),
    ("street_address", "|Rua das Flores, 123, 2º Esq, 1200-195 Lisboa|"),
    (
        "street_address",
        "|Rua Augusta, 1500, apto 45, São Paulo - SP, 01304-001|",
    ),
    ("street_address", "bor på |Kungsgatan 5B, 111 43 Stockholm|."),
    ("street_address", "bor |Nørregade 8, 2. tv, 1165 København|"),
    ("street_address", "|Flat 3, 12 High Street, Leeds LS1 4AB|."),
    ("street_address", "|Unit 5/12 George Street, Sydney NSW 2000|"),
    ("street_address", "|12, Nehru Marg, Bengaluru - 560001|"),
    (
        "street_address",
        "|974 Kesk 53\n Suite 343\n Tartu\n Estonia 50090|",
    ),
    (
        "street_address",
        "to:\n> |228 Ringvej 144\n> Apt. 902\n> Aalborg\n> Denmark 9000|",
    ),
    ("street_address", "|571 Kip Burg, Springfield, IL 62701|"),
    ("street_address", "|P.O. Box 242, Austin, TX 78701|"),
    ("street_address", "|Postfach 10 02 11, 50968 Köln|"),
    ("street_address", "|Apartado de correos 12, 46001 Valencia|"),
    ("street_address", "|PSC 1234, Box 5678\nAPO AE 09123|"),
    ("street_address", "|Mickiewicza 12, 30-059 Kraków|"),
    ("street_address", "wohnhaft |10115 Berlin|."),
    ("street_address", "zip code |90210|."),
    ("date_of_birth", "Er wurde am |12. März 1985| geboren."),
    ("date_of_birth", "nací el |16/11/1974|"),
    ("date_of_birth", "d.o.b. |1936-01-25|"),
    ("medical_record_number", "Historia clínica n.º |7563608463|"),
    ("medical_record_number", "Patientennummer: |620-80-4231|"),
    ("health_condition", "I was diagnosed with |asthma| in May."),
    ("health_condition", "Sie leidet an |Epilepsie|."),
    ("health_condition", "atteint d'|hépatite C|"),
    ("health_condition", "mi hijo tiene |esquizofrenia|."),
    ("date_of_birth", "DOB: |1985-04-12|"),
    ("date_of_birth", "geboren am |12. März 1985|"),
    ("date_of_birth", "born |April 12th, 1985|"),
    ("username", "username: |jdoe42|"),
    (
        "profile_url",
        "see https://www.|linkedin.com/in/ada-lovelace-1815|",
    ),
    ("person", "my name is |Ada Lovelace|, hi"),
    ("person", "Ich heiße |Jürgen Müller|."),
    ("person", "je m'appelle |Amélie de la Tour|."),
    ("person", "me llamo |Lucía Fernández|"),
    ("person", "\"name\": \"|Maria Garcia|\""),
    ("person", "Il signor |Paolo Conti| ha chiamato."),
    ("person", "Nazywam się |Ewa Nowak|."),
    ("person", "Klant: |Sanne de Vries|"),
    ("person", "Med vänliga hälsningar\n|Åsa Lindqvist|"),
    ("person", "Kind regards,\n|Zelda Quux|"),
    ("person", "Client: |Anna Miller|"),
    ("person", "this is |Peter Smith|, hello"),
];

#[test]
fn anp_0010_personal_data_of_every_kind_is_found() {
    let mut missed = Vec::new();
    for (rule, marked) in FOUND {
        let text = marked.replace('|', "");
        let start = marked.find('|').unwrap();
        let span = start..marked.rfind('|').unwrap() - 1;
        let found = found(&text);
        if !found
            .iter()
            .any(|finding| finding.rule == *rule && finding.span == span)
            || found.len() != 1
        {
            missed.push((rule, text, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// What has a form, and is nobody's.
const LEFT: &[&str] = &[
    "at 2026-10-05 12:30 we sold 1,234,567 of 42",
    "a @ b, and @handle, and x@localhost, icon@2x.png, pkg@1.2.3",
    "the number 4111111111111112 does not check",
    "DE00 and GB12 are no accounts; nor is ab12 cd34",
    "pi is 3.14159265358979, e is 2.718281828",
    "version 1.2.3.4 of chrome/120.0.6099.109",
    "listen on 127.0.0.1:8080, or 0.0.0.0",
    "Order number 4539578763621486 has shipped.",
    "ISBN 978-3-16-148410-0",
    "commit 26a6dc0aa866545e14838bb96026b9d6428dbd8e",
    "id 30bbac45-60f7-e6f1-2146-ce7dc5b1b248",
    "epoch 1700000000, or 1700000000000 ms",
    "std::collections::BTreeMap, abc::def",
    "population of 331,449,281 in 2020; pages 123-456",
    "We walked 5 miles along Wall Street in 1990.",
    "for i in 0..10 { x[i] = 100 * 200 / 300 - 400 }",
    "Dear Sir or Madam, thanks, Best regards",
    "the function is called with 12345678 items",
    "total: $1234567890, or 98765432 EUR",
    "postgres://app:pass@db.example.com/x",
    "Anna Miller wrote a book, and Peter Smith read it.",
    "1 Corinthians 13, 2 Samuel 12 and 24 March 2020, London",
    "Creative Suite 6, Boeing 747 Flight Path, the top 10 National Parks",
    "What are the symptoms of asthma? Cancer research needs money.",
    "Client Library 12, Best Western Hotel, To Kill a Mockingbird",
    "in box 12, post 7 or psc 4",
    "",
];

#[test]
fn what_is_nobodys_stays() {
    for text in LEFT {
        assert_eq!(redacted(text), *text);
    }
}

#[test]
fn only_the_kinds_asked_for_are_found() {
    let kinds: PersonalKinds = [PersonalKind::Email].into_iter().collect();
    let personal = Personal::with(kinds, 60);
    let mut found = Vec::new();
    personal.scan(
        "ada@example.org, +49 30 901820, card 4111 1111 1111 1111",
        &mut found,
    );
    assert_eq!(
        found
            .iter()
            .map(|finding| finding.rule.clone())
            .collect::<Vec<_>>(),
        ["email_address"]
    );
    assert!(
        !PersonalKinds::ALL
            .without(PersonalKind::Name)
            .has(PersonalKind::Name)
    );
}

#[test]
fn anp_0010_what_is_kept_of_calls_is_cleaned_of_what_may_be() {
    for (text, expected) in [
        ("(555) 010-9999", "[redacted:telephone_number]"),
        ("from 192.0.2.17.", "from [redacted:ip_address]."),
        ("378282246310005", "[redacted:payment_card]"),
        (
            "then Ada Lovelace met John Smith",
            "then [redacted:person] met [redacted:person]",
        ),
    ] {
        let mut found = Vec::new();
        scan_personal(text, &mut found);
        assert_eq!(redact(text, &found), expected);
    }
}

/// Streams a text in pieces, checking the promises on the way.
fn streamed<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Vec<Finding> {
    let mut stream = PersonalStream::new(Arc::clone(&PERSONAL));
    let (mut found, mut arrived, mut cleared) = (Vec::new(), 0, 0);
    for piece in pieces {
        let known = found.len();
        arrived += piece.len();
        let now = stream.push(piece, &mut found) as usize;
        assert!(now >= cleared, "cleared goes forward");
        assert!(
            arrived.saturating_sub(now) <= PERSONAL_AHEAD_BYTES_MAX,
            "held {}",
            arrived - now
        );
        assert!(found[known..].iter().all(|finding| finding.span.start >= cleared));
        assert!(
            found
                .iter()
                .all(|finding| finding.span.end <= now.max(finding.span.end))
        );
        cleared = now;
    }
    assert!(stream.finish(&mut found) as usize >= arrived);
    found
}

fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut at: Vec<usize> = cuts
        .iter()
        .map(|cut| text.floor_char_boundary(cut % (text.len() + 1)))
        .collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

#[test]
fn anp_0023_each_kind_is_found_in_single_characters() {
    for (_, marked) in FOUND {
        let text = format!("So {} and so on, as they say.", marked.replace('|', ""));
        let single: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        assert_eq!(streamed(single), found(&text), "{text}");
    }
}

#[test]
fn anp_0023_clean_text_is_held_for_a_word_at_most() {
    let mut stream = PersonalStream::new(Arc::clone(&PERSONAL));
    let (mut found, mut arrived) = (Vec::new(), 0);
    for word in [
        "Once ",
        "upon ",
        "a ",
        "time, ",
        "there ",
        "were 3 ",
        "tokens ",
        "of ",
        "trust.\n\n",
        "漢字 ",
        "x = y; ",
    ] {
        arrived += word.len();
        let cleared = stream.push(word, &mut found) as usize;
        assert!(arrived - cleared <= word.len(), "{word}: {cleared} of {arrived}");
    }
    assert!(found.is_empty());
}

/// Texts of whole findings, parts of them, and what else there is.
fn texts() -> impl Strategy<Value = String> {
    let known: Vec<String> = FOUND.iter().map(|(_, marked)| marked.replace('|', "")).collect();
    let part = (
        prop::sample::select(known.clone()),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(text, at, head)| {
            let at = text.floor_char_boundary(at.index(text.len()));
            if head {
                text[..at].to_owned()
            } else {
                text[at..].to_owned()
            }
        });
    let glue = prop::sample::select(vec![
        " ",
        "",
        "\n",
        ".",
        "-",
        "_",
        "@",
        "+",
        "(",
        "漢",
        "é",
        ", ",
        ": ",
        "1",
        " 22 ",
        "Dr. ",
        "Dear ",
        "my name is ",
        "A",
        "\u{a0}",
        "–",
        "’",
        "°",
        "x",
        "0x",
    ]);
    let atom = prop_oneof![
        3 => prop::sample::select(known),
        3 => part,
        4 => glue.prop_map(str::to_owned),
        2 => "[a-zA-Z0-9 .,@:-]{0,30}",
        1 => "\\PC{0,12}",
    ];
    prop::collection::vec(atom, 0..8).prop_map(|atoms| atoms.concat())
}

/// What is looked ahead for in vain is paid for the same way, however the text arrives.
#[test]
fn anp_0023_long_rows_of_beginnings_are_judged_the_same_in_pieces() {
    for unit in [
        "1 KEY 5 miles 12 Ab, 7 of 12 Ab 12 ",
        "Suite 1 Apt. 2 in 3 days, Ab Cd 4 ",
        "01 23 1-45 67-8 and 9 more of A12B ",
        "Am Ort 5, call 12 34, 56 Ab, ",
    ] {
        let text = [&unit.repeat(300), "12 Main Street, or 415-555-2671. ", unit]
            .concat()
            .repeat(2);
        let expected = found(&text);
        for size in [1, 7, 64, 1000] {
            let mut at: Vec<usize> = (0..text.len()).step_by(size).collect();
            at.push(text.len());
            let pieces = at.windows(2).map(|pair| &text[pair[0]..pair[1]]);
            assert_eq!(streamed(pieces), expected, "{unit} by {size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anp_0023_any_chunking_finds_the_same(text in texts(), cuts in prop::collection::vec(any::<usize>(), 0..24)) {
        let expected = found(&text);
        prop_assert!(expected.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "{:?}", expected);
        prop_assert!(expected.iter().all(|finding| text.get(finding.span.clone()).is_some()), "{:?}", expected);
        prop_assert_eq!(streamed(pieces(&text, &cuts)), expected.clone());
        let single: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        prop_assert_eq!(streamed(single), expected);
    }
}

/// The worst that is known, in a release build a megabyte of each. The bound is generous: it is to tell linear from not.
#[test]
fn ctx_t4_the_worst_text_is_scanned_in_linear_time() {
    for unit in [
        "a",
        "a.",
        "a@",
        "a.a@a.",
        "1 ",
        "1-",
        "12 34 ",
        "+1 ",
        "(1",
        "1.1.",
        "a:",
        "0:",
        "A ",
        "Aa ",
        "A1",
        "Dr. A ",
        "my name is ",
        "1 Aa ",
        "1 a Street ",
        "rue A ",
        "Calle de la A ",
        "DE89",
        "born 1 ",
        "é",
        "漢",
        "<",
        "1,",
        "1 rue de ",
        "Aastr. ",
        "0x1 ",
        "phone 1 2 3 4 5 ",
        "ssn 123-45-",
        "4111 ",
        "\u{a0}1",
        "A-",
        "Straße ",
        "lat 1.1111, ",
        "KEY 1 ",
        "01 23 1-",
        "Suite 1 ",
        "Suite 12 A 1 ",
        "p.o. box 1 A ",
        "address Ab 12 Ab ",
        "Ab Cd Ef Gh 12, Ij Kl, Mn ",
        "Anna Smith ",
        "a@b.",
        "i suffer asthma ",
        "1\nA ",
    ] {
        let bytes = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };
        let text = unit.repeat(bytes / unit.len());
        let begun = Instant::now();
        let mut found = Vec::new();
        PERSONAL.scan(&text, &mut found);
        let took = begun.elapsed();
        println!("{unit:?}: {took:?}, {} findings", found.len());
        assert!(took.as_secs() < 10, "{unit:?} took {took:?}");
    }
}

/// Numbers in rows and beginnings of addresses are judged by samples; what is long enough by itself is always read.
#[test]
fn anp_0017_no_flood_hides_a_card() {
    for flood in [
        "12; 34; 56; 78; ",
        "10 Main ",
        "(1 (2 ; ",
        "+1 +2 ; ",
        "9 1 7 2, ",
    ] {
        let text = format!(
            "{}4111111111111111; {}DE89370400440532013000; ",
            flood.repeat(4000),
            flood.repeat(40)
        );
        let rules: Vec<_> = found(&text).iter().map(|it| it.rule.to_string()).collect();
        for rule in ["payment_card", "bank_account"] {
            assert!(rules.iter().any(|it| it == rule), "{flood}: {rules:?}");
        }
    }
}
