//! Where the repository names threats: `// threat: ID` above a check, and the names of tests.

use std::path::{Path, PathBuf};

use crate::register::Threat;
use crate::{Error, repository, source};

/// Kinds of files that may cite.
const KINDS: &[&str] = &[
    "rs",
    "cedar",
    "cedarschema",
    "sql",
    "yaml",
    "yml",
    "py",
    "toml",
    "sh",
    "tf",
    "hcl",
    "js",
    "mjs",
    "ts",
    "tsx",
    "tpl",
    "conf",
];
/// What a comment opens with in them.
const MARKS: &[&str] = &["//", "//!", "///", "#", "--", "/*", "*", "{{/*", "{{- /*"];

/// One place that names a threat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The threat.
    pub id: String,
    /// The file, from the repository's root.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The test's name; `None` for a comment above code.
    pub test: Option<String>,
}

/// Everything found, and what was wrong.
#[derive(Debug, Default)]
pub struct Citations {
    /// Places that name a threat of the register.
    pub sites: Vec<Site>,
    /// Sentences about names that are none.
    pub problems: Vec<String>,
}

/// Reads the whole repository at `root`.
pub fn collect(root: &Path, threats: &[Threat]) -> Result<Citations, Error> {
    let mut citations = Citations::default();
    for file in repository::files(root)? {
        if is_source(&file) {
            let text = repository::read(root, &file)?;
            citations.read(&file, &text, threats);
        }
    }
    Ok(citations)
}

fn is_source(file: &Path) -> bool {
    let kind = file
        .extension()
        .and_then(|kind| kind.to_str())
        .unwrap_or_default();
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let named = name.starts_with("Dockerfile") || name == "Makefile" || is_policy_test(file);
    (named || KINDS.contains(&kind)) && file != Path::new(crate::register::FILE)
}

fn is_policy_test(file: &Path) -> bool {
    file.starts_with("policies/tests") && file.extension().is_some_and(|kind| kind == "json")
}

impl Citations {
    /// Reads one file.
    pub fn read(&mut self, file: &Path, text: &str, threats: &[Threat]) {
        if is_policy_test(file) {
            self.named(file, text, threats, |line| quoted_behind(line, "\"name\":"));
        } else if file.extension().is_some_and(|kind| kind == "rs") {
            self.read_rust(file, text, threats);
        } else {
            self.comments(
                file,
                text.lines().map(|line| (line, repository::is_for_tests(file))),
                threats,
            );
            self.named(file, text, threats, test_name);
        }
    }

    fn read_rust(&mut self, file: &Path, text: &str, threats: &[Threat]) {
        let lines = source::lines(text);
        let in_tests = repository::is_for_tests(file);
        // Only what the lexer calls a comment is one: a test's text may look like a citation.
        let comments: Vec<_> = lines
            .iter()
            .map(|line| (format!("//{}", line.comment), in_tests || line.test))
            .collect();
        self.comments(
            file,
            comments.iter().map(|(line, test)| (line.as_str(), *test)),
            threats,
        );
        let (mut marked, mut ignored) = (false, false);
        for (number, line) in (1..).zip(&lines) {
            let code = line.code.trim();
            marked = marked || (code.starts_with("#[") && (code.contains("test]") || code.contains("test(")));
            ignored = ignored || code.starts_with("#[ignore");
            if let Some(name) = word_behind(code, "fn ") {
                // A suite that several engines pass is plain functions; whoever runs it marks the call.
                if (marked || in_tests) && !ignored {
                    self.test(file, number, &name, threats);
                }
                (marked, ignored) = (false, false);
            }
        }
    }

    fn comments<'a>(
        &mut self,
        file: &Path,
        lines: impl Iterator<Item = (&'a str, bool)>,
        threats: &[Threat],
    ) {
        for (line, (text, in_tests)) in (1..).zip(lines) {
            let Some(ids) = cited(text) else { continue };
            if ids.is_empty() {
                self.problems.push(format!(
                    "{}:{line}: a citation that names no threat",
                    file.display()
                ));
            }
            for id in ids {
                let known = threats.iter().any(|threat| threat.id == id);
                if !known {
                    self.problems.push(format!(
                        "{}:{line}: `{id}` is not in the register",
                        file.display()
                    ));
                } else if !in_tests {
                    self.sites.push(Site {
                        id,
                        file: file.to_path_buf(),
                        line,
                        test: None,
                    });
                }
            }
        }
    }

    fn named(&mut self, file: &Path, text: &str, threats: &[Threat], name: fn(&str) -> Option<String>) {
        for (line, text) in (1..).zip(text.lines()) {
            if let Some(name) = name(text) {
                self.test(file, line, &name, threats);
            }
        }
    }

    /// Takes down the threats that a test's name begins with.
    fn test(&mut self, file: &Path, line: usize, name: &str, threats: &[Threat]) {
        let mut rest = name;
        let mut found = false;
        while let Some(threat) = longest(rest, threats) {
            found = true;
            let (id, test) = (threat.id.clone(), Some(name.to_owned()));
            self.sites.push(Site {
                id,
                file: file.to_path_buf(),
                line,
                test,
            });
            rest = rest
                .strip_prefix(&threat.snake())
                .unwrap_or_default()
                .trim_start_matches('_');
        }
        if !found
            && ["agp_", "ctx_", "anp_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        {
            self.problems.push(format!(
                "{}:{line}: test `{name}` begins like a threat but names none",
                file.display()
            ));
        }
    }
}

/// The threat whose id `name` begins with, whole: `agp_d1` is in `agp_d1_x` and not in `agp_d12`.
fn longest<'a>(name: &str, threats: &'a [Threat]) -> Option<&'a Threat> {
    let begins = |threat: &&Threat| {
        name.strip_prefix(&threat.snake())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    threats.iter().filter(begins).max_by_key(|threat| threat.id.len())
}

/// The ids behind a comment's `threat:`; `None` when the line cites nothing.
fn cited(line: &str) -> Option<Vec<String>> {
    let (before, after) = line.split_once("threat:")?;
    let before = before.trim_end();
    let mark = MARKS
        .iter()
        .filter(|mark| before.ends_with(**mark))
        .max_by_key(|mark| mark.len())?;
    let free = before.strip_suffix(mark)?;
    if !(free.is_empty() || free.ends_with(char::is_whitespace)) {
        return None;
    }
    let words = after
        .split([',', ' '])
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let ids = words.filter(|word| !word.is_empty()).take_while(|word| {
        ["AGP-", "CTX-", "ANP-"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
    });
    Some(ids.map(str::to_owned).collect())
}

/// A Python test's name without its `test_`, or a JavaScript test's title.
fn test_name(line: &str) -> Option<String> {
    let line = line.trim();
    let python = word_behind(line, "def ").and_then(|name| name.strip_prefix("test_").map(str::to_owned));
    python.or_else(|| {
        ["test(", "it("]
            .iter()
            .find_map(|call| line.strip_prefix(call).and_then(quoted))
    })
}

/// The word behind `key`, when `key` stands at the line's start or behind a space.
fn word_behind(line: &str, key: &str) -> Option<String> {
    let (before, after) = line.split_once(key)?;
    let free = before.is_empty() || before.ends_with(' ');
    let word: String = after
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (free && !word.is_empty()).then_some(word)
}

fn quoted_behind(line: &str, key: &str) -> Option<String> {
    line.split_once(key)
        .and_then(|(_, after)| quoted(after.trim_start()))
}

/// The text in quotes that `text` begins with.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c))?;
    text.split(quote).nth(1).map(str::to_owned)
}
