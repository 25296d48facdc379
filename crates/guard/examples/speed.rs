//! How fast the guards of text are: microseconds per KiB on usual texts and on files that are named, and how long a
//! megabyte of the worst takes. Prints no text of files.
//!
//! `cargo run --release -p guard --example speed [-- FILE...]`

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use guard::{Personal, Secrets};

/// Runs of which the median counts.
const RUNS: usize = 5;
/// Time that one run takes at least, so that a clock's grain does not show.
const RUN: Duration = Duration::from_millis(40);
/// Bytes of a text that may be a worst one, when many are tried.
const TRIED_BYTES: usize = 6 << 10;
/// Worst ones that are measured at full length.
const SHOWN: usize = 8;

/// What scans a text, by its name.
type Scan<'g> = (&'static str, Box<dyn Fn(&str) -> usize + 'g>);

fn main() -> Result<(), Box<dyn Error>> {
    let (secrets, personal) = (Secrets::new(), Personal::new());
    let scans: [Scan<'_>; 2] = [
        (
            "secrets",
            Box::new(|text| {
                let mut found = Vec::new();
                secrets.scan(text, &mut found);
                found.len()
            }),
        ),
        (
            "personal",
            Box::new(|text| {
                let mut found = Vec::new();
                personal.scan(text, &mut found);
                found.len()
            }),
        ),
    ];
    let mut out = std::io::stdout().lock();
    let mut texts: Vec<(String, String)> = usual();
    for file in std::env::args().skip(1) {
        texts.push((file.clone(), std::fs::read_to_string(&file)?));
    }
    writeln!(
        out,
        "{:32} {:>10} {:>10}  µs per KiB",
        "text", "secrets", "personal"
    )?;
    for (name, text) in &texts {
        let shown = name.rsplit('/').next().unwrap_or(name);
        write!(out, "{shown:32}")?;
        for (_, scan) in &scans {
            let kib = text.len() as f64 / 1024.0;
            write!(out, " {:>10.2}", median(scan, text).as_secs_f64() * 1e6 / kib)?;
        }
        writeln!(out)?;
    }
    for (name, scan) in &scans {
        let mut tried: Vec<(Duration, String)> = units()
            .into_iter()
            .map(|unit| {
                let text = filled(&unit, TRIED_BYTES);
                let once = || {
                    let from = Instant::now();
                    black_box(scan(black_box(&text)));
                    from.elapsed()
                };
                (once().min(once()), unit)
            })
            .collect();
        tried.sort();
        writeln!(out, "{name}: worst of {} at 1 MB", tried.len())?;
        for (_, unit) in tried.iter().rev().take(SHOWN) {
            let text = filled(unit, 1_000_000);
            let ms = median(scan, &text).as_secs_f64() * 1e3;
            writeln!(out, "{ms:>10.1} ms  {} found  {unit:?}", scan(&text))?;
        }
    }
    Ok(())
}

fn filled(unit: &str, bytes: usize) -> String {
    unit.repeat(bytes.div_ceil(unit.len()))
}

/// Time on the processor so far: what else the machine does is not counted. By the clock where it is not told.
fn busy(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// The median of some runs.
fn median(scan: &dyn Fn(&str) -> usize, text: &str) -> Duration {
    let since = Instant::now();
    let mut runs: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let (from, mut times) = (busy(since), 0);
            loop {
                black_box(scan(black_box(text)));
                times += 1;
                let taken = busy(since).saturating_sub(from);
                if taken >= RUN {
                    return taken / times;
                }
            }
        })
        .collect();
    runs.sort();
    runs.get(RUNS / 2).copied().unwrap_or_default()
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides.max(1)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.roll(of.len())).copied().unwrap_or_default()
    }
}

/// Texts as people and machines write them, of 64 KiB each.
fn usual() -> Vec<(String, String)> {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let words = |list: &'static str| list.split_whitespace().collect::<Vec<_>>();
    let english = words(
        "the of and to in a is that it was for on with he as you do at this but his by from they we say her she or will an my one all would there their what so up out if about who get which go when me \
         make can like time no just him know take people into year your good some could them see other than then now look only come over think also back after use two how our work first well way even \
         new want because any these give day most us kitchen meeting window forecast explain summarise paragraph describe customers between quarterly results library children evening language report",
    );
    let german = words(
        "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur \
         oder aber vor zur bis mehr durch man sein wurde sei Prozent hatte kann gegen vom können schon wenn habe seine Mark ihre dann unter wir soll ich eines Jahr zwei Jahren diese dieser wieder Gespräch \
         Uhr Küche Fenster Stadt Straße Übersetzung Zusammenfassung Lieferung Bestellung erklären größer später",
    );
    let code = words(
        "let mut fn self.index(value); if match Some(item) => None, return Ok(()) } { for row in rows.iter() let name: String = format!(\"{id}-{kind}\"); #[derive(Debug, Clone)] pub(crate) struct \
         HashMap<String, Vec<u8>> assert_eq!(left, right); while i < 64 { i += 1; } use std::collections::BTreeMap; const MAX_BYTES: usize = 4096; self.parser.next_token()? x.len() as u32 // see above",
    );
    let prose = |dice: &mut Dice, list: &[&str]| {
        let mut text = String::new();
        while text.len() < 64 << 10 {
            let length = 6 + dice.roll(14);
            for index in 0..length {
                let word = dice.one(list);
                match (index, word.chars().next()) {
                    (0, Some(first)) => {
                        text.extend(first.to_uppercase());
                        text.push_str(word.get(first.len_utf8()..).unwrap_or_default());
                    }
                    _ => text.push_str(word),
                }
                text.push_str(if index + 1 < length {
                    [" ", " ", " ", " ", " ", ", "]
                        .get(dice.roll(6))
                        .copied()
                        .unwrap_or(" ")
                } else {
                    ". "
                });
            }
        }
        text
    };
    let lines = |dice: &mut Dice, line: &dyn Fn(&mut Dice) -> String| {
        let mut text = String::new();
        while text.len() < 64 << 10 {
            text.push_str(&line(dice));
            text.push('\n');
        }
        text
    };
    let (english_text, german_text) = (prose(&mut dice, &english), prose(&mut dice, &german));
    let code_text = lines(&mut dice, &|dice| {
        let indent = dice.roll(4) * 4;
        let parts: Vec<&str> = (0..3 + dice.roll(7)).map(|_| dice.one(&code)).collect();
        [" ".repeat(indent), parts.join(" ")].concat()
    });
    let json_text = lines(&mut dice, &|dice| {
        format!(
            "{{\"id\":{},\"status\":\"{}\",\"items\":[{{\"name\":\"{} {}\",\"count\":{},\"price\":{}.{:02}}}],\"created_at\":\"2024-{:02}-{:02}T{:02}:{:02}:00Z\",\"active\":true}}",
            dice.roll(100_000),
            dice.one(&english),
            dice.one(&english),
            dice.one(&english),
            dice.roll(100),
            dice.roll(1000),
            dice.roll(100),
            1 + dice.roll(12),
            1 + dice.roll(28),
            dice.roll(24),
            dice.roll(60),
        )
    });
    let base64_text = lines(&mut dice, &|dice| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let one = |dice: &mut Dice| alphabet.get(dice.roll(alphabet.len())).copied().unwrap_or(b'A');
        (0..76).map(|_| char::from(one(dice))).collect()
    });
    let log_text = lines(&mut dice, &|dice| {
        format!(
            "2024-05-{:02}T{:02}:{:02}:{:02}.{:03}Z INFO [worker-{}] handled GET /api/v1/{}/{} in {} ms status=200 bytes={} trace={:08x}{:08x}",
            1 + dice.roll(28),
            dice.roll(24),
            dice.roll(60),
            dice.roll(60),
            dice.roll(1000),
            dice.roll(16),
            dice.one(&english),
            dice.roll(100_000),
            dice.roll(900),
            dice.roll(100_000),
            dice.roll(1 << 32),
            dice.roll(1 << 32),
        )
    });
    [
        ("English", english_text),
        ("German", german_text),
        ("code", code_text),
        ("JSON", json_text),
        ("base64", base64_text),
        ("log lines", log_text),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec()
}

/// What bad texts are made of, alone and two by two.
fn units() -> Vec<String> {
    let parts = [
        "a",
        "A",
        "1",
        "0",
        " ",
        ".",
        "-",
        "_",
        "@",
        "=",
        ":",
        "/",
        "\\",
        "\"",
        "'",
        "+",
        "(",
        ")",
        ",",
        "#",
        "%",
        "\n",
        "é",
        "漢",
        "a1",
        "A1",
        "aB",
        "aB3",
        "1a",
        "12",
        "123",
        "1234",
        "12345",
        "123 ",
        "1 ",
        "12 ",
        "1234 ",
        "1.",
        "1.1.1.1",
        "1-",
        "1:",
        "a:",
        "a-",
        "a.",
        "A ",
        "Aa ",
        "Ab.",
        "a@",
        "@a",
        "a@b",
        "a@b.",
        "a@b.c",
        "a.b@c.de ",
        "+1",
        "+1 ",
        "(1",
        "(+1) ",
        "+49 30 1234567 ",
        "key",
        "key=",
        "key-",
        "Key",
        "KEY",
        "KEY1",
        "_key",
        "token",
        "token=",
        "token: ",
        "token('",
        "secret",
        "secret=",
        "secret_key ",
        "api_key=",
        "password",
        "password=",
        "password: ",
        "pwd=",
        "_auth",
        "Authorization: Bearer ",
        "KEY ",
        "PRIVATE",
        "ACCESS",
        "key key ",
        "key_",
        "key.",
        "credential",
        "sk-",
        "sk_",
        "AKIA",
        "ghp_",
        "eyJ",
        "eyJhbGciOi",
        "://",
        "://a:",
        "-----BEGIN ",
        "-u ",
        "-u a:",
        "https://",
        "hooks.slack.com/",
        "sig=",
        "1//0",
        "8Q~",
        "$2a$10$",
        "xox",
        "live_",
        "pat",
        "=aB3dE5gH7jK9",
        "aB3dE5gH7jK9mN1pQ3",
        "a1b2c3d4e5f6a7b8",
        "\"aB3$dE5g\"",
        "Street ",
        "12 Main ",
        "12 Main Street ",
        "rue ",
        "rue de la ",
        "1 rue ",
        "Platz 1 ",
        "Weg",
        "Aweg 1 ",
        "Dr. ",
        "Mr Ab ",
        "my name is ",
        "name ",
        "name is Ab ",
        "Dear Ab ",
        "born ",
        "born 1 ",
        "born May ",
        "dob 1/1/80 ",
        "lat 1.111 ",
        "1.1111,",
        "iban ",
        "DE89",
        "DE89 3704 ",
        "ssn 1 ",
        "phone 1 ",
        "call 1-2 ",
        "card 4111 ",
        "4111 1111 ",
        "passport A1 ",
        "user ",
        "username: a",
        "AB12345",
        "A1B2C3",
        "ABCDEFGH ",
        "00:",
        "00:00:",
        "ab:cd:",
        "::",
        "fe80::",
        "1::",
        "aa-bb-",
        "0x",
        "0xaB",
        "1A1zP1",
        "bc1q",
        "x.com/",
        "t.me/a",
        "Ab Cd ",
        "Ab-",
        "Ab'",
        "AbCd",
        "aBcD",
        "ab12 ",
        "key1 ",
        "id 1 ",
        "id: 12 ",
        "tel 030 ",
        "0",
        "01 23 ",
        "2023-",
        "12/",
        "/a",
        "//",
        "a/b",
        "&",
        "~",
        "!",
        "*",
        "<",
        ">",
        "[",
        "{",
        "}",
        ";",
        "?",
    ];
    let mut units: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    for left in parts {
        units.extend(
            parts
                .iter()
                .filter(|right| **right != left)
                .map(|right| format!("{left}{right}")),
        );
    }
    units
}
