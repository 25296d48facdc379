//! Fixed strings that words cannot tell: tokens of chat templates, blocks that shout, places of secrets.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::lexicon::{BLOCK, Classes, TEMPLATE, VAULT};
use super::tokens::{Token, hash};

const MARKERS: &[(Classes, &[&str])] = &[
    (
        TEMPLATE,
        &[
            "<|im_start|>",
            "<|im_end|>",
            "<|system|>",
            "<|user|>",
            "<|assistant|>",
            "<|endoftext|>",
            "<|eot_id|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "[inst]",
            "[/inst]",
            "<<sys>>",
            "<</sys>>",
            "<start_of_turn>",
            "<end_of_turn>",
            "<|channel|>",
            "<|start|>",
            "<|end|>",
            "### system",
            "<eot><",
            "<|endofprompt|>",
        ],
    ),
    (
        BLOCK,
        &[
            "<important",
            "[important",
            "<information>",
            "<system>",
            "</system>",
            "[system",
            "[/system",
            "<hidden",
            "<secret",
            "<critical",
            "<urgent",
            "<instructions>",
            "<instruction>",
            "[inject",
            "[instruction",
            "[admin",
            "[developer",
            "[override",
            "***important",
            "!!!important",
            "<override",
            "<admin",
            "[hidden",
            "system override",
            "[assistant",
            "<assistant>",
            "</document>",
            "</untrusted",
            "[end ",
            "---end",
        ],
    ),
    (
        VAULT,
        &[
            ".ssh/",
            "id_rsa",
            "id_ed25519",
            "/etc/passwd",
            "/etc/shadow",
            "mcp.json",
            ".aws/credentials",
            "169.254.169.254",
            ".env",
            ".netrc",
            "authorized_keys",
            "/proc/self/environ",
            ".kube/config",
            ".git-credentials",
            ".npmrc",
            ".pgpass",
            ".bash_history",
            "wallet.dat",
            "/root/",
            "claude_desktop_config",
        ],
    ),
];

/// Finds the markers in one pass.
pub(crate) struct Markers {
    automaton: Option<AhoCorasick>,
    classes: Vec<Classes>,
}

impl Markers {
    pub(crate) fn new() -> Self {
        let patterns = MARKERS.iter().flat_map(|(_, list)| list.iter());
        Self {
            automaton: AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .build(patterns)
                .ok(),
            classes: MARKERS
                .iter()
                .flat_map(|(class, list)| list.iter().map(|_| *class))
                .collect(),
        }
    }

    /// Puts the markers of a text among its words, which stand in order.
    pub(crate) fn mark(&self, text: &str, tokens: &mut Vec<Token>) {
        let mut marks: Vec<Token> = Vec::new();
        for found in self
            .automaton
            .iter()
            .flat_map(|automaton| automaton.find_iter(text))
        {
            let classes = self.classes.get(found.pattern().as_usize()).copied().unwrap_or(0);
            let before = tokens.partition_point(|token| (token.start as usize) < found.start());
            let place = before
                .checked_sub(1)
                .and_then(|index| tokens.get(index))
                .map_or(1, |token| token.place);
            let key = hash(&found.pattern().as_u32().to_le_bytes());
            marks.push(Token {
                hash: key,
                shape: key,
                stem: key,
                length: 5,
                coded: false,
                classes,
                start: u32::try_from(found.start()).unwrap_or(u32::MAX),
                end: u32::try_from(found.end()).unwrap_or(u32::MAX),
                place: place.max(1),
            });
        }
        if !marks.is_empty() {
            tokens.append(&mut marks);
            tokens.sort_by_key(|token| token.start);
        }
    }
}
