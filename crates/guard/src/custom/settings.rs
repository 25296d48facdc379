//! What operators look for themselves, as they write it down: rules and extensions. Never looks at text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compiled::Compiled;
use crate::action::{Direction, Mode};
use crate::finding::{Finding, SURE};

/// So many rules one place may have.
pub const RULES_MAX: usize = 256;
/// So many extensions one place may have.
pub const EXTENSIONS_MAX: usize = 16;
/// Bytes of a name: small letters, digits, `-` and `_`.
pub const NAME_BYTES_MAX: usize = 64;
/// What a pattern without a known end is judged on unless said, in bytes.
pub const MATCH_BYTES: u16 = 512;
/// The least that can be said for it.
pub const MATCH_BYTES_LEAST: u16 = 16;
/// The most that can be said for it; a match is never longer than twice this.
pub const MATCH_BYTES_MOST: u16 = 2_048;
/// Fuel that an extension has for each KiB of text unless said: nearly five hundred instructions a byte.
pub const FUEL_PER_KIB: u64 = 500_000;
/// The most fuel for each KiB that can be said.
pub const FUEL_PER_KIB_MOST: u64 = 100_000_000;
/// What an extension may have of memory unless said, in bytes.
pub const MEMORY_BYTES: u64 = 16 << 20;
/// The least that can be said for it: two pages.
pub const MEMORY_BYTES_LEAST: u64 = 128 << 10;
/// The most that can be said for it.
pub const MEMORY_BYTES_MOST: u64 = 256 << 20;

/// What operators look for themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CustomGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// Patterns and words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Modules that inspect texts by themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<ExtensionUse>,
    /// Bytes that a match of a pattern without a known end (`.*`, `+`) is sure to be found in; at most twice as many are ever
    /// one match. Live answers are held back by up to twice as many bytes while such a match may be under way.
    #[schemars(range(min = 16, max = 2048))]
    pub match_bytes_max: u16,
}

impl Default for Custom {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            extensions: Vec::new(),
            match_bytes_max: MATCH_BYTES,
        }
    }
}

/// One thing to look for: exactly one of `pattern`, `words`, and `dictionary` or `file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CustomRule")]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Small letters, digits, `-` and `_`; findings are of the rule `custom:<name>`.
    pub name: String,
    /// What it is for, for who reads records.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// A regular expression, as the `regex` crate has them: no look-around, no references back, always linear time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Words or phrases, as they stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// A longer list of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dictionary: Vec<String>,
    /// A file with a longer list: one a line, `#` starts a comment. It is read when the configuration is, into `dictionary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is done in what callers send.
    pub input: Mode,
    /// What is done in what models answer.
    pub output: Mode,
    /// Whether capital and small letters are the same.
    pub ignore_case: bool,
    /// Whether it must not begin or end within a word.
    pub whole_words: bool,
    /// Whether what callers send is also looked at without accents, lookalikes, invisible characters and encodings.
    pub folded: bool,
    /// What the digits of a match must prove.
    pub check: Check,
    /// How sure a match is, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub score: u8,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            pattern: None,
            words: Vec::new(),
            dictionary: Vec::new(),
            file: None,
            input: Mode::Observe,
            output: Mode::Observe,
            ignore_case: false,
            whole_words: false,
            folded: false,
            check: Check::None,
            score: SURE,
        }
    }
}

/// What the digits of a match must prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CustomCheck")]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Nothing.
    #[default]
    None,
    /// The last digit, as on payment cards; what is no digit is left out.
    Luhn,
    /// The last two digits, by ISO 7064 MOD 97-10: letters count from ten on, the rest is left out.
    Mod97,
}

/// A module that inspects texts by itself, and what is done about what it finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardExtension")]
#[serde(default, deny_unknown_fields)]
pub struct ExtensionUse {
    /// Small letters, digits, `-` and `_`; findings are of the rule `custom:<name>`, or `custom:<name>/<rule>` where the module
    /// names one.
    pub name: String,
    /// The module, which is read when the configuration is. Tenants name one that the instance has, and no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The SHA-256 of the file, in hex: no other is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What it may compute for each KiB of text, begun ones whole, in fuel: one for most instructions; for those
    /// of a loop each time round, whether it comes to them or not.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub fuel_per_kib: u64,
    /// What it may have of memory, in bytes.
    #[schemars(range(min = 131_072, max = 268_435_456))]
    pub memory_bytes_max: u64,
    /// What is done in what callers send.
    pub input: Mode,
    /// What is done in what models answer. More than `observe` holds live answers back to their end.
    pub output: Mode,
    /// What is done where it fails: where it is missing, traps, or runs out of fuel.
    pub on_failure: OnFailure,
}

impl Default for ExtensionUse {
    fn default() -> Self {
        Self {
            name: String::new(),
            file: None,
            sha256: None,
            fuel_per_kib: FUEL_PER_KIB,
            memory_bytes_max: MEMORY_BYTES,
            input: Mode::Observe,
            output: Mode::Off,
            on_failure: OnFailure::Block,
        }
    }
}

/// What is done where a guard could not judge. One that only observes never blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExtensionFailure")]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing passes.
    #[default]
    Block,
    /// The text passes, and the record says that it was not judged.
    Flag,
}

/// What stands before the names of rules and extensions in findings.
pub(crate) const PREFIX: &str = "custom:";
/// What stands behind them where they could not judge.
pub(crate) const FAILED: &str = ":failed";

impl Custom {
    /// The most that is done in this direction.
    #[must_use]
    pub fn looks(&self, direction: Direction) -> Mode {
        let rules = self.rules.iter().map(|it| direction.pick(it.input, it.output));
        let extensions = self
            .extensions
            .iter()
            .map(|it| direction.pick(it.input, it.output));
        rules.chain(extensions).max().unwrap_or_default()
    }

    /// What is done about a finding.
    #[must_use]
    pub fn mode(&self, direction: Direction, finding: &Finding) -> Mode {
        let Some(rest) = finding.rule.strip_prefix(PREFIX) else {
            return Mode::Off;
        };
        let (name, failed) = rest
            .strip_suffix(FAILED)
            .map_or((rest, false), |name| (name, true));
        let name = name.split('/').next().unwrap_or_default();
        let rule = self.rules.iter().find(|it| it.name == name);
        let rule = rule.map(|it| (direction.pick(it.input, it.output), OnFailure::Block));
        let extension = || self.extensions.iter().find(|it| it.name == name);
        let extension = || extension().map(|it| (direction.pick(it.input, it.output), it.on_failure));
        let Some((mode, on_failure)) = rule.or_else(extension) else {
            return Mode::Off;
        };
        match on_failure {
            _ if !failed || mode <= Mode::Observe => mode,
            OnFailure::Block => Mode::Block,
            OnFailure::Flag => Mode::Observe,
        }
    }

    /// What of it cannot be done, with where it stands; empty where all can. Files must be read before.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.rules.len() > RULES_MAX {
            problems.push((
                "rules".to_owned(),
                format!("are more than {RULES_MAX}: join words into lists and patterns by `|`"),
            ));
        }
        if self.extensions.len() > EXTENSIONS_MAX {
            problems.push((
                "extensions".to_owned(),
                format!("are more than {EXTENSIONS_MAX}: join some"),
            ));
        }
        self.misnamed(&mut problems);
        if !(MATCH_BYTES_LEAST..=MATCH_BYTES_MOST).contains(&self.match_bytes_max) {
            problems.push((
                "match_bytes_max".to_owned(),
                format!(
                    "is {}: give bytes from {MATCH_BYTES_LEAST} to {MATCH_BYTES_MOST}",
                    self.match_bytes_max
                ),
            ));
        }
        for (number, extension) in self.extensions.iter().enumerate() {
            let faults = extension.faults().into_iter();
            problems.extend(faults.map(|(key, what)| (format!("extensions[{number}].{key}"), what)));
        }
        if problems.is_empty() {
            problems = Compiled::of(self).err().unwrap_or_default();
        }
        problems
    }

    fn misnamed(&self, problems: &mut Vec<(String, String)>) {
        let rules = self.rules.iter().map(|it| &it.name).enumerate();
        let extensions = self.extensions.iter().map(|it| &it.name).enumerate();
        let places = rules.map(|(number, name)| (format!("rules[{number}].name"), name));
        let places =
            places.chain(extensions.map(|(number, name)| (format!("extensions[{number}].name"), name)));
        let mut seen = Vec::new();
        for (place, name) in places {
            let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
                let what = format!(
                    "`{}` is no name: give up to {NAME_BYTES_MAX} small letters, digits, `-` and `_`",
                    clipped(name)
                );
                problems.push((place, what));
            } else if seen.contains(&name) {
                problems.push((
                    place,
                    format!("`{name}` is another one's: give each a name of its own"),
                ));
            } else {
                seen.push(name);
            }
        }
    }
}

impl Rule {
    /// The words it looks for, from wherever they came.
    pub(crate) fn all_words(&self) -> impl Iterator<Item = &String> {
        self.words.iter().chain(&self.dictionary)
    }
}

impl ExtensionUse {
    fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let is_digest = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (&self.file, &self.sha256) {
            (Some(_), None) => faults.push((
                "sha256",
                "is missing: give what `sha256sum` says of the file".to_owned(),
            )),
            (_, Some(text)) if !is_digest(text) => {
                faults.push(("sha256", "is no SHA-256 in hex: 64 digits".to_owned()));
            }
            _ => {}
        }
        if !(1..=FUEL_PER_KIB_MOST).contains(&self.fuel_per_kib) {
            let what = format!("is {}: give 1 to {FUEL_PER_KIB_MOST}", self.fuel_per_kib);
            faults.push(("fuel_per_kib", what));
        }
        if !(MEMORY_BYTES_LEAST..=MEMORY_BYTES_MOST).contains(&self.memory_bytes_max) {
            let what = format!(
                "is {}: give bytes from {MEMORY_BYTES_LEAST} to {MEMORY_BYTES_MOST}",
                self.memory_bytes_max
            );
            faults.push(("memory_bytes_max", what));
        }
        faults
    }
}

/// The beginning of what somebody wrote, for a message.
pub(crate) fn clipped(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut clipped: String = text.chars().take(CHARS_MAX).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped.escape_debug().to_string()
}
