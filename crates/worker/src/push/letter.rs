//! A report that people read: a heading, and sections of lines. The same as plain text, as HTML and as a message to Slack;
//! what callers and tenants named is escaped in each, and neither formats, links nor calls anybody.

use serde_json::{Value, json};

use super::alert::clip;
use super::{mail, slack};

/// Sections in one message, which Slack bounds too.
const SECTIONS_MAX: usize = 20;
/// Characters of one line.
const LINE_CHARS_MAX: usize = 200;
/// Characters of one of Slack's sections, escaped.
const SLACK_CHARS_MAX: usize = 2_900;

/// What people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about: the subject, and the heading.
    pub title: String,
    /// One after another.
    pub sections: Vec<Section>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// What, and how much.
    pub lines: Vec<(String, String)>,
    /// What is to be known of it; nothing when empty.
    pub note: String,
}

impl Letter {
    fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().take(SECTIONS_MAX)
    }

    /// The subject: one line.
    pub(super) fn subject(&self) -> String {
        let line = self.title.replace(|c: char| c.is_control(), " ");
        clip(&line, 160)
    }

    /// As plain text.
    pub(super) fn text(&self) -> String {
        let mut all = format!("{}\n", one_line(&self.title));
        for section in self.sections() {
            all.push_str(&format!("\n{}\n", one_line(&section.heading)));
            let width = section
                .lines
                .iter()
                .map(|(name, _)| one_line(name).chars().count())
                .max();
            let width = width.unwrap_or(0).min(40);
            for (name, value) in &section.lines {
                all.push_str(&format!("  {:<width$}  {}\n", one_line(name), one_line(value)));
            }
            if !section.note.is_empty() {
                all.push_str(&format!("  {}\n", one_line(&section.note)));
            }
        }
        all
    }

    /// As HTML: no script, no image, nothing from elsewhere.
    // threat: ANP-0020
    pub(super) fn html(&self) -> String {
        let safe = |text: &str| mail::escaped(&one_line(text));
        let mut all = format!(
            "<!doctype html><html><body style=\"font-family:sans-serif\"><h2>{}</h2>",
            safe(&self.title)
        );
        for section in self.sections() {
            all.push_str(&format!("<h3>{}</h3><table>", safe(&section.heading)));
            for (name, value) in &section.lines {
                all.push_str(&format!(
                    "<tr><td style=\"padding-right:2em\">{}</td><td style=\"text-align:right\">{}</td></tr>",
                    safe(name),
                    safe(value)
                ));
            }
            all.push_str("</table>");
            if !section.note.is_empty() {
                all.push_str(&format!("<p>{}</p>", safe(&section.note)));
            }
        }
        all + "</body></html>"
    }

    /// As Slack takes it.
    // threat: ANP-0020
    pub(super) fn slack(&self) -> Value {
        let safe = |text: &str| slack::escaped(&one_line(text));
        let header = clip(&slack::plain(&one_line(&self.title)), 140);
        let mut blocks =
            vec![json!({"type": "header", "text": {"type": "plain_text", "text": header, "emoji": false}})];
        for section in self.sections() {
            let mut text = format!("*{}*", safe(&section.heading));
            let note = (!section.note.is_empty()).then(|| format!("_{}_", safe(&section.note)));
            let lines = section
                .lines
                .iter()
                .map(|(name, value)| format!("{}: {}", safe(name), safe(value)));
            for line in lines.chain(note) {
                // Whole lines or none: half of an escaped one would say something else.
                if text.len() + line.len() > SLACK_CHARS_MAX {
                    break;
                }
                text.push('\n');
                text.push_str(&line);
            }
            blocks.push(json!({"type": "section", "text": slack::marked(text)}));
        }
        json!({"text": safe(&self.title), "unfurl_links": false, "blocks": blocks})
    }
}

fn one_line(text: &str) -> String {
    clip(&text.replace(|c: char| c.is_control(), " "), LINE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(named: &str) -> Letter {
        Letter {
            title: format!("{named}: 2026-10"),
            sections: vec![
                Section {
                    heading: "Spent".to_owned(),
                    lines: vec![
                        ("This month".to_owned(), "$12.50".to_owned()),
                        (format!("team {named}"), "$2.00".to_owned()),
                    ],
                    note: "25 % more than the month before".to_owned(),
                },
                Section {
                    heading: "Stood out".to_owned(),
                    lines: Vec::new(),
                    note: "nothing".to_owned(),
                },
            ],
        }
    }

    #[test]
    fn a_letter_as_it_reads() {
        insta::assert_snapshot!("letter_text", letter("acme").text());
        insta::assert_snapshot!("letter_html", letter("acme").html());
        insta::assert_json_snapshot!("letter_slack", letter("acme").slack());
    }

    #[test]
    fn anp_0020_a_name_formats_nothing_links_nowhere_and_calls_nobody() {
        let evil = letter("<!channel> *b* <https://evil|x> @here\r\nBcc: a@b <script>alert(1)</script>");
        let slack = evil.slack().to_string();
        for bad in ["<!channel>", "<https", "*b*", "@here"] {
            assert!(!slack.contains(bad), "{bad} in {slack}");
        }
        assert!(!evil.html().contains("<script") && !evil.html().contains("<https"));
        assert!(!evil.text().contains("\nBcc") && !evil.subject().contains('\n'));
        let long = Letter {
            sections: (0..100)
                .map(|_| Section {
                    heading: "h".repeat(1_000),
                    lines: (0..500).map(|_| ("<".repeat(300), "v".to_owned())).collect(),
                    note: String::new(),
                })
                .collect(),
            ..letter("acme")
        };
        let blocks = long.slack();
        let blocks = blocks["blocks"].as_array().unwrap();
        assert_eq!(blocks.len(), SECTIONS_MAX + 1);
        assert!(blocks[1]["text"]["text"].as_str().unwrap().len() <= SLACK_CHARS_MAX);
    }
}
