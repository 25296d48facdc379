//! What no guard of text can read: pictures, sound, files, tokens as numbers, encodings too deep. Says that it is there, so
//! that nobody takes it for inspected; never looks into it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Gate, Mode};
use crate::bounds::Remark;
use crate::facts::MediaFacts;
use crate::finding::{Finding, Kind};

/// What to do about what cannot be read, asked or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UnreadGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Unread {
    /// Pictures.
    pub images: Unseen,
    /// Sound.
    pub audio: Unseen,
    /// Files that are not text, and those that are named by an id.
    pub files: Unseen,
    /// Prompts given as numbers of tokens.
    pub token_ids: Unseen,
    /// Texts that hold more, or deeper, encodings than are undone.
    pub encodings: Unseen,
}

impl Default for Unread {
    fn default() -> Self {
        Self {
            images: Unseen::Observe,
            audio: Unseen::Observe,
            files: Unseen::Observe,
            token_ids: Unseen::Observe,
            encodings: Unseen::Observe,
        }
    }
}

/// What is done about something that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Unseen")]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// It passes, and nothing says so.
    Pass,
    /// It passes, and the record says that nobody read it.
    Observe,
    /// The request is refused, or the answer ended.
    Block,
}

impl From<Unseen> for Mode {
    fn from(unseen: Unseen) -> Self {
        match unseen {
            Unseen::Pass => Gate::Off,
            Unseen::Observe => Gate::Observe,
            Unseen::Block => Gate::Block,
        }
        .into()
    }
}

const IMAGE: &str = "unread:image";
const AUDIO: &str = "unread:audio";
const FILE: &str = "unread:file";
const TOKEN_IDS: &str = "unread:token_ids";
const ENCODING: &str = "unread:encoding";

impl Unread {
    /// What is done about a finding.
    pub(crate) fn mode(&self, finding: &Finding) -> Mode {
        match finding.rule.as_ref() {
            IMAGE => self.images,
            AUDIO => self.audio,
            FILE => self.files,
            TOKEN_IDS => self.token_ids,
            ENCODING => self.encodings,
            _ => Unseen::Pass,
        }
        .into()
    }

    /// The most that is done about any.
    pub(crate) fn most(&self) -> Mode {
        let all = [
            self.images,
            self.audio,
            self.files,
            self.token_ids,
            self.encodings,
        ];
        all.into_iter().max().unwrap_or(Unseen::Pass).into()
    }

    /// What there is that cannot be read, by its count.
    // threat: AGP-T1
    pub(crate) fn found(facts: &MediaFacts) -> Vec<Remark> {
        let images = u32::try_from(facts.images.len()).unwrap_or(u32::MAX);
        [
            (IMAGE, "images", images),
            (AUDIO, "pieces of sound", facts.audio),
            (FILE, "files", facts.files),
            (TOKEN_IDS, "prompts as numbers of tokens", facts.token_ids),
            (
                ENCODING,
                "texts with more encodings than are undone",
                facts.encodings,
            ),
        ]
        .into_iter()
        .filter(|(_, _, count)| *count > 0)
        .map(|(rule, what, count)| {
            Remark::new(
                Kind::Unread,
                rule,
                format!("{what} that no guard can read: {count}"),
            )
        })
        .collect()
    }
}
