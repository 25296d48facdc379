//! Anthropic's content blocks while they are being sent.

use super::progress::Progress;
use crate::json::Writer;

/// A content block that is not finished.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) open: bool,
    /// What came for it and was not sent yet.
    pub(super) waiting: String,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Thinking {
        signature: String,
    },
    Redacted {
        data: String,
    },
    Tool {
        call: u64,
        id: String,
        name: String,
        progress: Progress,
    },
}

impl Block {
    /// A tool call is shown once its name is known.
    pub(super) fn is_known(&self) -> bool {
        !matches!(&self.kind, Kind::Tool { name, .. } if name.is_empty())
    }

    /// Opens the block if it is not, and sends what waits.
    pub(super) fn send(&mut self, index: u64, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.open, true) {
            event(out, "content_block_start", |json| {
                json.key("index").count(index);
                json.key("content_block")
                    .object(|json| self.kind.write_start(json));
            });
        }
        if self.waiting.is_empty() {
            return;
        }
        let (kind, member) = match self.kind {
            Kind::Thinking { .. } => ("thinking_delta", "thinking"),
            Kind::Tool { .. } => ("input_json_delta", "partial_json"),
            Kind::Text | Kind::Redacted { .. } => ("text_delta", "text"),
        };
        block_delta(out, index, kind, member, &std::mem::take(&mut self.waiting));
    }
}

impl Kind {
    fn write_start(&self, json: &mut Writer) {
        match self {
            Self::Text => {
                json.key("type").text("text");
                json.key("text").text("");
            }
            Self::Thinking { .. } => {
                json.key("type").text("thinking");
                json.key("thinking").text("");
                json.key("signature").text("");
            }
            Self::Redacted { data } => {
                json.key("type").text("redacted_thinking");
                json.key("data").text(data);
            }
            Self::Tool { call, id, name, .. } => {
                json.key("type").text("tool_use");
                if id.is_empty() {
                    json.key("id").text(&format!("call_{call}"));
                } else {
                    json.key("id").text(id);
                }
                json.key("name").text(name);
                json.key("input").object(|_| {});
            }
        }
    }
}

/// One event, its data filled by `write`.
pub(super) fn event(out: &mut Vec<u8>, kind: &str, write: impl FnOnce(&mut Writer)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let mut json = Writer::onto(std::mem::take(out));
    json.object(|json| {
        json.key("type").text(kind);
        write(json);
    });
    *out = json.finish();
    out.extend_from_slice(b"\n\n");
}

/// One piece of a block.
pub(super) fn block_delta(out: &mut Vec<u8>, index: u64, kind: &str, member: &str, text: &str) {
    event(out, "content_block_delta", |json| {
        json.key("index").count(index);
        json.key("delta").object(|json| {
            json.key("type").text(kind);
            json.key(member).text(text);
        });
    });
}
