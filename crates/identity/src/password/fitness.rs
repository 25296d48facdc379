//! Whether a password may be set. Judged once, when it is chosen; an attempt to log in is only compared.

use domain::Secret;
use zeroize::Zeroizing;
use zxcvbn::feedback::Warning;
use zxcvbn::{Entropy, Score, zxcvbn};

/// The shortest that may be set, in characters.
pub const CHARS_MIN: usize = 12;
/// The longest that is set or compared, in characters: room for a sentence, and a bound on work.
pub const CHARS_MAX: usize = 128;

/// Words about the user that are looked for, and how much of each.
const WORDS_MAX: usize = 24;
const WORD_CHARS_MAX: usize = 64;
/// Shorter words are in everything.
const WORD_CHARS_MIN: usize = 3;

/// How much of a text is judged: what is strong so far does not get weaker by going on.
const JUDGED_CHARS_MAX: usize = 64;
/// zxcvbn tries every way in which these may stand for letters. All of them together over a long text took
/// seconds, so a long text is judged with at most so many kinds of them, and its beginning as it is.
const LETTER_LIKE: &str = "@({[<!|$+%";
const LETTER_LIKE_KINDS_MAX: usize = 2;
const AS_IS_CHARS_MAX: usize = 24;

/// "Safely unguessable": more than 10⁸ guesses by the estimate, each of which costs a slow hash.
const SCORE_MIN: Score = Score::Three;

/// Why a password may not be set. Each says what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Fewer than [`CHARS_MIN`] characters.
    #[error("use at least {CHARS_MIN} characters")]
    TooShort,
    /// More than [`CHARS_MAX`] characters.
    #[error("use at most {CHARS_MAX} characters")]
    TooLong,
    /// In the lists of what people choose, or next to it.
    #[error("choose another password: this one is among the common ones")]
    Common,
    /// Little more than what is known of the user.
    #[error("choose a password that is not made of your name, e-mail address or organization")]
    Personal,
    /// Short sequences, repeats, dates, keyboard rows, single words.
    #[error("choose a password that is harder to guess: four unrelated words will do")]
    Guessable,
}

/// A password that may be set: only these are hashed.
pub struct NewPassword(Secret);

impl NewPassword {
    /// Takes `text` if it is fit; `about` is what is known of the user: name, e-mail address, tenant.
    // threat: CTX-T2
    pub fn check(text: Secret, about: &[&str]) -> Result<Self, Unfit> {
        let chars = text.expose().chars().take(CHARS_MAX + 1).count();
        if chars < CHARS_MIN {
            return Err(Unfit::TooShort);
        }
        if chars > CHARS_MAX {
            return Err(Unfit::TooLong);
        }
        let words = words(about);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for part in judged(text.expose()) {
            let estimate = zxcvbn(&part, &words);
            if estimate.score() < SCORE_MIN {
                return Err(reason(&estimate, &words));
            }
        }
        Ok(Self(text))
    }

    /// The text, to hash it.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[password]")
    }
}

/// The texts that must each be strong for the whole to be.
// threat: CTX-T5
fn judged(text: &str) -> Vec<Zeroizing<String>> {
    let begin = |chars: usize| Zeroizing::new(text.chars().take(chars).collect::<String>());
    let whole = begin(JUDGED_CHARS_MAX);
    let (plain, kinds) = without_most_letter_like(&whole);
    if kinds <= LETTER_LIKE_KINDS_MAX {
        return vec![whole];
    }
    if whole.chars().nth(AS_IS_CHARS_MAX).is_none() {
        return vec![whole];
    }
    vec![begin(AS_IS_CHARS_MAX), plain]
}

/// The text with all but the first kinds of letter-like characters made one that is like none, and how
/// many kinds there were.
fn without_most_letter_like(text: &str) -> (Zeroizing<String>, usize) {
    let mut kinds = Vec::new();
    let plain = text.chars().map(|c| {
        if !LETTER_LIKE.contains(c) {
            return c;
        }
        let at = kinds.iter().position(|kind| *kind == c).unwrap_or_else(|| {
            kinds.push(c);
            kinds.len() - 1
        });
        if at < LETTER_LIKE_KINDS_MAX { c } else { '_' }
    });
    let plain = Zeroizing::new(plain.collect());
    (plain, kinds.len())
}

/// What is known of the user, whole and in pieces: `ada.lovelace@example.com` is also `lovelace`.
fn words(about: &[&str]) -> Vec<String> {
    let clip = |word: &str| -> String { word.chars().take(WORD_CHARS_MAX).collect() };
    let long_enough = |word: &String| word.chars().count() >= WORD_CHARS_MIN;
    let pieces = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    about
        .iter()
        .copied()
        .chain(pieces)
        .map(clip)
        .filter(long_enough)
        .take(WORDS_MAX)
        .collect()
}

/// The most useful thing to say of a password that is too easy.
fn reason(estimate: &Entropy, words: &[&str]) -> Unfit {
    let mut found = estimate.sequence().iter();
    if found.any(|part| {
        words
            .iter()
            .any(|word| word.to_lowercase() == part.token.to_lowercase())
    }) {
        return Unfit::Personal;
    }
    match estimate.feedback().and_then(|feedback| feedback.warning()) {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => Unfit::Common,
        _ => Unfit::Guessable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(text: &str) -> Result<(), Unfit> {
        let about = ["Ada Lovelace", "ada.lovelace@example.com", "Analytical Engines"];
        NewPassword::check(Secret::new(text), &about).map(|_| ())
    }

    #[test]
    fn ctx_t2_what_is_easy_to_guess_is_refused_with_what_to_do() {
        for (text, why) in [
            ("", Unfit::TooShort),
            ("xK9#mQ2$vL4", Unfit::TooShort),
            ("123456789012", Unfit::Guessable),
            ("passwordpassword", Unfit::Guessable),
            ("Password1234", Unfit::Common),
            ("aaaaaaaaaaaaaaaaaaaa", Unfit::Guessable),
            ("qwertyuiop[]asdf", Unfit::Guessable),
            ("abcdefghijklmnopqrst", Unfit::Guessable),
            ("lovelace1815", Unfit::Personal),
            ("analyticalengines", Unfit::Personal),
            ("Ada.Lovelace@example.com", Unfit::Personal),
        ] {
            assert_eq!(judge(text), Err(why), "{text}");
        }
        assert_eq!(Unfit::TooShort.to_string(), "use at least 12 characters");
    }

    #[test]
    fn what_is_hard_to_guess_is_taken_as_it_is() {
        for text in [
            "correct horse battery staple",
            "xK9#mQ2$vL4!",
            "viele Grüße vom Südpol",
            "насекомое гуляет вечером",
        ] {
            assert_eq!(judge(text), Ok(()), "{text}");
        }
        let password = NewPassword::check(Secret::new(" xK9#mQ2$vL4! "), &[]).unwrap();
        assert_eq!(password.expose(), " xK9#mQ2$vL4! ");
        assert_eq!(format!("{password:?}"), "[password]");
    }

    #[test]
    fn ctx_t5_no_text_takes_seconds_to_judge() {
        // Every character that may stand for a letter, over and over: seconds, if it were judged at once.
        let hostile: String = "4@8({[<3691!|7$50+%2".chars().cycle().take(CHARS_MAX).collect();
        let parts = judged(&hostile);
        assert_eq!((parts.len(), parts[0].as_str()), (2, &hostile[..AS_IS_CHARS_MAX]));
        let plain = "4@8(___3691__7_50__2".repeat(4);
        assert_eq!(parts[1].as_str(), &plain[..JUDGED_CHARS_MAX]);
        assert_eq!(judge(&hostile), Ok(()));
        // Short, or with few kinds: as it is.
        assert_eq!(judged(&hostile[..AS_IS_CHARS_MAX]).len(), 1);
        assert_eq!(judged(&"p@$$w0rd".repeat(4)).len(), 1);
        assert_eq!(judge("!@#$%^&*()_+"), Err(Unfit::Guessable));
        assert_eq!(judge(&"!@#$%^&*()_+".repeat(3)), Err(Unfit::Guessable));
    }

    #[test]
    fn length_is_counted_in_characters_and_bounded() {
        let long: String = "xK9#mQ2$vL4! ü".chars().cycle().take(CHARS_MAX).collect();
        assert_eq!(judge(&long), Ok(()));
        assert_eq!(judge(&format!("{long}y")), Err(Unfit::TooLong));
        // Eleven characters, twenty-two bytes.
        assert_eq!(judge("жщюэбъыьфцч"), Err(Unfit::TooShort));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,140}", about in "\\PC{0,200}") {
            let _ = NewPassword::check(Secret::new(text), &[&about, ""]);
        }
    }
}
