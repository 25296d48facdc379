//! Which language an answer is in, by the statistics of `whatlang`, from its first words. Never judges code or a few words.

use whatlang::Lang;

/// So much of an answer is looked at, code left out.
const SAMPLE_BYTES: usize = 2_048;
/// Letters that an answer must have to be judged.
const LETTERS_MIN: usize = 80;

const CODES: [(&str, Lang); 48] = [
    ("en", Lang::Eng),
    ("de", Lang::Deu),
    ("fr", Lang::Fra),
    ("es", Lang::Spa),
    ("it", Lang::Ita),
    ("pt", Lang::Por),
    ("nl", Lang::Nld),
    ("pl", Lang::Pol),
    ("sv", Lang::Swe),
    ("da", Lang::Dan),
    ("no", Lang::Nob),
    ("nb", Lang::Nob),
    ("fi", Lang::Fin),
    ("cs", Lang::Ces),
    ("sk", Lang::Slk),
    ("sl", Lang::Slv),
    ("hr", Lang::Hrv),
    ("sr", Lang::Srp),
    ("hu", Lang::Hun),
    ("ro", Lang::Ron),
    ("bg", Lang::Bul),
    ("el", Lang::Ell),
    ("tr", Lang::Tur),
    ("ru", Lang::Rus),
    ("uk", Lang::Ukr),
    ("be", Lang::Bel),
    ("lt", Lang::Lit),
    ("lv", Lang::Lav),
    ("et", Lang::Est),
    ("ca", Lang::Cat),
    ("he", Lang::Heb),
    ("ar", Lang::Ara),
    ("fa", Lang::Pes),
    ("ur", Lang::Urd),
    ("hi", Lang::Hin),
    ("bn", Lang::Ben),
    ("ta", Lang::Tam),
    ("te", Lang::Tel),
    ("th", Lang::Tha),
    ("vi", Lang::Vie),
    ("id", Lang::Ind),
    ("ja", Lang::Jpn),
    ("ko", Lang::Kor),
    ("zh", Lang::Cmn),
    ("af", Lang::Afr),
    ("la", Lang::Lat),
    ("tl", Lang::Tgl),
    ("cy", Lang::Cym),
];

/// The language of a code.
pub(super) fn known(code: &str) -> Option<Lang> {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, lang)| *lang)
}

/// The beginning of an answer, code left out.
#[derive(Debug)]
pub(super) struct Sample {
    allowed: Vec<Lang>,
    text: String,
    /// Backticks in a row.
    ticks: u8,
    in_code: bool,
    judged: bool,
}

impl Sample {
    /// `None` where every language will do.
    pub(super) fn new(codes: &[String]) -> Option<Self> {
        (!codes.is_empty()).then(|| Self {
            allowed: codes.iter().filter_map(|code| known(code)).collect(),
            text: String::new(),
            ticks: 0,
            in_code: false,
            judged: false,
        })
    }

    /// Takes the next piece; the code of a language that is not allowed, once that is certain.
    pub(super) fn push(&mut self, piece: &str) -> Option<&'static str> {
        for c in piece.chars() {
            if self.judged {
                return None;
            }
            self.ticks = if c == '`' { self.ticks.saturating_add(1) } else { 0 };
            if self.ticks == 3 {
                self.in_code = !self.in_code;
            }
            if !self.in_code && c != '`' {
                self.text.push(c);
            }
            if self.text.len() >= SAMPLE_BYTES {
                return self.judge();
            }
        }
        None
    }

    /// The same at the end of the answer.
    pub(super) fn finish(&mut self) -> Option<&'static str> {
        if self.judged { None } else { self.judge() }
    }

    fn judge(&mut self) -> Option<&'static str> {
        self.judged = true;
        if self.text.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_MIN {
            return None;
        }
        let told = whatlang::detect(&self.text).filter(whatlang::Info::is_reliable)?;
        let is_allowed = self.allowed.contains(&told.lang());
        (!is_allowed).then(|| told.lang().code())
    }
}
