//! A Rust file line by line: what is code, what is text or comment, and what is only there for tests.

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As written.
    pub raw: String,
    /// Without comments, and with the insides of string literals blanked.
    pub code: String,
    /// What stands behind `//` or inside `/* */`.
    pub comment: String,
    /// At or below a `#[cfg(test)]` at the start of a line.
    pub test: bool,
}

/// Where the reader is between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    Comment(usize),
    Text,
    RawText(usize),
}

/// The lines of `text`.
pub fn lines(text: &str) -> Vec<Line> {
    let mut inside = Inside::Code;
    let mut test = false;
    let mut all = Vec::new();
    for raw in text.lines() {
        let mut line = Line {
            raw: raw.to_owned(),
            code: String::new(),
            comment: String::new(),
            test,
        };
        inside = read(raw, inside, &mut line);
        test = test || line.code.starts_with("#[cfg(test)]");
        line.test = test;
        all.push(line);
    }
    all
}

/// Sorts one line's characters into `line`; answers where the next line starts.
fn read(raw: &str, mut inside: Inside, line: &mut Line) -> Inside {
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let taken = match inside {
            Inside::Code => code(rest, &mut inside, line),
            Inside::Comment(depth) => comment(rest, depth, &mut inside, line),
            Inside::Text => text(rest, &mut inside, line),
            Inside::RawText(hashes) => raw_text(rest, hashes, &mut inside, line),
        };
        rest = rest.get(taken.max(first.len_utf8())..).unwrap_or_default();
    }
    inside
}

/// The length of what was taken from the front of `rest`; 0 stands for one character.
fn code(rest: &str, inside: &mut Inside, line: &mut Line) -> usize {
    if let Some(comment) = rest.strip_prefix("//") {
        line.comment.push_str(comment);
        return rest.len();
    }
    if rest.starts_with("/*") {
        *inside = Inside::Comment(1);
        return 2;
    }
    if let Some(hashes) = raw_opening(rest, line) {
        *inside = Inside::RawText(hashes);
        line.code.push('"');
        return hashes.saturating_add(2);
    }
    if let Some(taken) = character(rest) {
        line.code.push_str("' '");
        return taken;
    }
    let first = rest.chars().next().unwrap_or_default();
    if first == '"' {
        *inside = Inside::Text;
    }
    line.code.push(first);
    0
}

/// How many `#` open a raw string at the front of `rest`, if one opens there.
fn raw_opening(rest: &str, line: &Line) -> Option<usize> {
    let before = line.code.chars().next_back().unwrap_or(' ');
    let behind = rest
        .strip_prefix('r')
        .filter(|_| !(before.is_alphanumeric() && before != 'b') && before != '_')?;
    let hashes = behind.len().saturating_sub(behind.trim_start_matches('#').len());
    behind.trim_start_matches('#').starts_with('"').then_some(hashes)
}

/// The length of a character literal at the front of `rest`; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix('\'')?;
    let escaped = behind.starts_with('\\');
    let skipped = if escaped {
        2
    } else {
        behind.chars().next()?.len_utf8()
    };
    let closing = behind.get(skipped..)?.find('\'')?;
    (closing == 0 || (escaped && closing <= 8)).then_some(skipped.saturating_add(closing).saturating_add(2))
}

fn comment(rest: &str, depth: usize, inside: &mut Inside, line: &mut Line) -> usize {
    if rest.starts_with("*/") {
        *inside = if depth <= 1 {
            Inside::Code
        } else {
            Inside::Comment(depth.saturating_sub(1))
        };
        return 2;
    }
    if rest.starts_with("/*") {
        *inside = Inside::Comment(depth.saturating_add(1));
        return 2;
    }
    line.comment.extend(rest.chars().next());
    0
}

fn text(rest: &str, inside: &mut Inside, line: &mut Line) -> usize {
    if rest.starts_with('\\') {
        let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
        return escaped.saturating_add(1);
    }
    if rest.starts_with('"') {
        *inside = Inside::Code;
        line.code.push('"');
    }
    0
}

fn raw_text(rest: &str, hashes: usize, inside: &mut Inside, line: &mut Line) -> usize {
    let closes = rest
        .strip_prefix('"')
        .is_some_and(|behind| behind.starts_with(&"#".repeat(hashes)));
    if !closes {
        return 0;
    }
    *inside = Inside::Code;
    line.code.push('"');
    hashes.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn code_of(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn texts_and_comments_are_not_code() {
        assert_eq!(code_of("let a = \"x // y\"; // z"), ["let a = \"\"; "]);
        assert_eq!(code_of("a /* b\n/* c */ d */ e"), ["a ", " e"]);
        assert_eq!(code_of("let a = \"one\n two\"; b"), ["let a = \"", "\"; b"]);
        assert_eq!(code_of("let a = r#\"x\" y\"#; b"), ["let a = \"\"; b"]);
        assert_eq!(
            code_of(r"let a = '\''; let b: &'static str = c; 'x'"),
            ["let a = ' '; let b: &'static str = c; ' '"]
        );
        assert_eq!(code_of(r#"f("\""); g('"'); h"#), [r#"f(""); g(' '); h"#]);
    }

    #[test]
    fn comments_are_kept_apart() {
        assert_eq!(lines("x // threat: y")[0].comment, " threat: y");
    }

    #[test]
    fn what_is_below_the_test_mark_is_for_tests() {
        let marks: Vec<_> = lines("a\n#[cfg(test)]\nmod tests {\n")
            .iter()
            .map(|line| line.test)
            .collect();
        assert_eq!(marks, [false, true, true]);
    }
}
