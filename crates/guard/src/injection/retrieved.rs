//! Where a person's text quotes what an application retrieved: between tags or under headings, as prompts for retrieval are
//! written. Only says where; never makes anything weigh less.
//!
//! A stretch goes from the first mark that opens it to the last that closes it: what was retrieved may hold closing marks of
//! its own, and does not get out by them. What is opened and never closed is no stretch.

use std::ops::Range;

/// Tags that stand around what was retrieved.
const TAGS: [&str; 18] = [
    "document",
    "documents",
    "doc",
    "docs",
    "document_content",
    "document_contents",
    "retrieved_documents",
    "retrieved_context",
    "context",
    "search_result",
    "search_results",
    "passage",
    "passages",
    "snippet",
    "snippets",
    "webpage",
    "web_page",
    "article",
];
/// Headings over it.
const HEADS: [&str; 8] = [
    "context",
    "context information is below",
    "documents",
    "retrieved context",
    "retrieved documents",
    "search results",
    "passages",
    "sources",
];
/// Headings of what a person asks.
const QUESTIONS: [&str; 5] = ["question", "query", "user question", "user query", "user input"];
/// Headings of what comes after both.
const ANSWERS: [&str; 2] = ["answer", "helpful answer"];
/// The longest name of a tag, and the longest tag with what it says beside its name.
const NAME_BYTES_MAX: usize = 24;
const TAG_BYTES_MAX: usize = 200;
/// So many hyphens alone on a line are a rule.
const RULE_BYTES_MIN: usize = 5;

/// The stretches, in order, none touching another.
pub(super) fn retrieved(text: &str) -> Vec<Range<usize>> {
    let mut all = tagged(text);
    all.extend(headed(text));
    all.retain(|span| text.get(span.clone()).is_some_and(|it| !it.trim().is_empty()));
    all.sort_by_key(|span| span.start);
    all.dedup_by(|next, one| {
        let is_one = next.start <= one.end;
        if is_one {
            one.end = one.end.max(next.end);
        }
        is_one
    });
    all
}

fn tagged(text: &str) -> Vec<Range<usize>> {
    // Of each tag where its first opening ends and its last closing begins.
    let mut places: [(Option<usize>, usize); TAGS.len()] = [(None, 0); TAGS.len()];
    for (at, _) in text.match_indices('<') {
        let rest = text.get(at + 1..).unwrap_or_default();
        let inner = rest.strip_prefix('/').unwrap_or(rest);
        let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
        let length = inner.bytes().take(NAME_BYTES_MAX).take_while(is_name).count();
        let name = inner.get(..length).unwrap_or_default();
        let is_it = |tag: &&str| {
            let same = |(one, other): (u8, u8)| one == other.to_ascii_lowercase() || (one, other) == (b'_', b'-');
            tag.len() == name.len() && tag.bytes().zip(name.bytes()).all(same)
        };
        let Some(place) = TAGS
            .iter()
            .position(|tag| is_it(&tag))
            .and_then(|number| places.get_mut(number))
        else {
            continue;
        };
        if inner.len() < rest.len() {
            place.1 = at;
            continue;
        }
        let mut tag = inner.bytes().take(TAG_BYTES_MAX);
        if let (None, Some(end)) = (place.0, tag.position(|byte| byte == b'>')) {
            place.0 = Some(at + 1 + end + 1);
        }
    }
    let closed = |(first, last): (Option<usize>, usize)| Some(first?..last).filter(|span| !span.is_empty());
    places.into_iter().filter_map(closed).collect()
}

fn headed(text: &str) -> Option<Range<usize>> {
    let (mut start, mut is_ruled, mut was_asked) = (None::<usize>, false, false);
    let (mut question, mut answer, mut rule) = (None, None, None);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (place, head) = (at, heading(line));
        at += line.len();
        let is_rule = line.trim().len() >= RULE_BYTES_MIN && line.trim().bytes().all(|byte| byte == b'-');
        let says = |words: &[&str]| head.is_some_and(|(head, _)| words.iter().any(|it| head.eq_ignore_ascii_case(it)));
        match start {
            None if says(&HEADS) => start = head.map(|(_, said)| place + said),
            None => was_asked |= says(&QUESTIONS),
            // Under a heading that a rule follows, rules stand around it.
            Some(from) if is_rule => {
                is_ruled |= text.get(from..place).is_some_and(|it| it.trim().is_empty());
                rule = Some(place);
            }
            Some(_) if says(&QUESTIONS) => question = Some(place),
            Some(_) if says(&ANSWERS) => answer = Some(place),
            Some(_) => {}
        }
    }
    let end = match (is_ruled, was_asked) {
        (true, _) => rule,
        (false, true) => answer.or(question),
        (false, false) => question.or(answer),
    };
    Some(start?..end?)
}

/// What a line that is a heading says before its colon or full stop, and where what comes after it begins.
fn heading(line: &str) -> Option<(&str, usize)> {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '#' | '*' | '>' | '[' | '=' | '-');
    let text = line.trim_start_matches(is_mark);
    let end = text.find([':', '.', ']', '\n', '*'])?;
    let head = text.get(..end)?.trim_end();
    (!head.is_empty()).then_some((head, line.len() - text.len() + end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<&str> {
        retrieved(text).into_iter().map(|span| text[span].trim()).collect()
    }

    #[test]
    fn agp_t1_what_was_retrieved_is_told_from_what_is_asked() {
        for (text, expected) in [
            ("<document>\none\n</document>\nWhat is it?", vec!["one"]),
            ("Read <Context source=\"a\">one</context>, then go.", vec!["one"]),
            ("<search-results>one</search-results>", vec!["one"]),
            ("<doc>one</doc> and <passage>two</passage>?", vec!["one", "two"]),
            (
                "<documents><document>one</document><document>two</document></documents>",
                vec!["<document>one</document><document>two</document>"],
            ),
            ("Context: one\ntwo\n\nQuestion: three", vec!["one\ntwo"]),
            ("### Context\none\n### Question: two", vec!["one"]),
            ("Question: who?\nContext: one\nAnswer:", vec!["one"]),
            ("**Sources:**\none\n\n**Query:** who?\n**Answer:**", vec!["**\none"]),
            (
                "Context information is below.\n---------------------\none\n---------------------\nGiven the context, answer.\nQuery: who?\nAnswer: ",
                vec!["---------------------\none"],
            ),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn agp_t1_what_was_retrieved_does_not_get_out_by_marks_of_its_own() {
        for (text, expected) in [
            ("<document>one</document> bad <document></document> who?", "one</document> bad <document>"),
            ("Context: one\nQuestion: none\nbad\nQuestion: who?", "one\nQuestion: none\nbad"),
            ("Question: who?\nContext: one\nQuestion: bad\nAnswer:", "one\nQuestion: bad"),
        ] {
            assert_eq!(said(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_not_fenced_is_not_taken_for_it() {
        for text in [
            "",
            "What does <article> mean in HTML?",
            "</document> what <document>",
            "<documentary>one</documentary>",
            "<context>   </context>",
            "Context: I write for a newspaper. What is a ferry?",
            "In this context: what is it?\nQuestion: who?",
            "Question: who?\nAnswer: nobody",
        ] {
            assert!(said(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn stretches_are_whole_in_order_and_apart(pieces in prop::collection::vec(
            prop::sample::select(vec!["<doc>", "</doc>", "<context a=1>", "</context>", "Context:", "\n", "Question:", "-----", "é", "<", " x "]), 0..30)) {
            let text = pieces.concat();
            let mut end = None;
            for span in retrieved(&text) {
                prop_assert!(text.get(span.clone()).is_some() && end.is_none_or(|end| end < span.start));
                end = Some(span.end);
            }
        }
    }
}
