//! Leaving out of a request what need not leave: members by their names, and what was said long ago. Every other byte
//! stays as it is.

use crate::json::{Kind, Reader, as_text, elements};
use crate::{DialectError, Endpoint};

/// What is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minimise<'a> {
    /// Members of the body itself, by name.
    pub drop: &'a [&'a str],
    /// So many messages stay, system prompts not counted: the last ones, from a turn of the user's on.
    pub messages_max: Option<usize>,
}

/// The request without what is left out; `None` where nothing is. Of a conversation the last messages stay, and system
/// prompts; it begins with what a user says, so that no result of a tool is without its call. Where the last messages
/// have no such turn, they stay from the one before them on.
// threat: ANP-0020
pub fn minimise_request(
    endpoint: Endpoint,
    body: &[u8],
    minimise: &Minimise<'_>,
) -> Result<Option<Vec<u8>>, DialectError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| DialectError::not_json("expected UTF-8", error.valid_up_to()))?;
    let has_messages = matches!(
        endpoint,
        Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CountTokens
    );
    let max = minimise.messages_max.filter(|_| has_messages);
    let (mut members, mut is_changed): (Vec<String>, bool) = (Vec::new(), false);
    Reader::of_text(text).object(|reader, key| {
        let (name, from) = (key.said().into_owned(), key.span().start);
        let value = reader.skip()?;
        let member = text.get(from..reader.at()).unwrap_or_default();
        if minimise.drop.contains(&name.as_str()) {
            is_changed = true;
            return Ok(());
        }
        let kept = match max {
            Some(max) if name == "messages" && value.starts_with('[') => last(value, max)?,
            _ => None,
        };
        members.push(match kept {
            Some(kept) => {
                is_changed = true;
                format!("\"messages\":[{}]", kept.join(","))
            }
            None => member.to_owned(),
        });
        Ok(())
    })?;
    Ok(is_changed.then(|| format!("{{{}}}", members.join(",")).into_bytes()))
}

/// Who says a message, as far as it matters to where a conversation may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    System,
    User,
    /// An answer, a result of a tool.
    Within,
}

/// The messages that stay; `None` where all do.
fn last(messages: &str, max: usize) -> Result<Option<Vec<&str>>, DialectError> {
    let all = elements("messages", messages)?;
    let turns: Vec<Turn> = all
        .iter()
        .map(|message| turn(message))
        .collect::<Result<_, _>>()?;
    let spoken: Vec<usize> = (0..turns.len())
        .filter(|at| turns.get(*at) != Some(&Turn::System))
        .collect();
    let Some(from) = spoken.len().checked_sub(max).filter(|over| *over > 0) else {
        return Ok(None);
    };
    let from = spoken.get(from).copied().unwrap_or(turns.len());
    let begins = |at: &usize| turns.get(*at) == Some(&Turn::User);
    let later = (from..turns.len()).find(begins);
    let Some(begin) = later.or_else(|| (0..from).rev().find(begins)) else {
        return Ok(None);
    };
    let stays = |at: usize| at >= begin || turns.get(at) == Some(&Turn::System);
    let kept: Vec<&str> = all
        .iter()
        .enumerate()
        .filter(|(at, _)| stays(*at))
        .map(|(_, message)| *message)
        .collect();
    Ok((kept.len() < all.len()).then_some(kept))
}

fn turn(message: &str) -> Result<Turn, DialectError> {
    let (mut role, mut is_result) = (String::new(), false);
    let mut reader = Reader::of_text(message);
    if reader.kind()? != Kind::Object {
        return Ok(Turn::Within);
    }
    reader.object(|reader, key| {
        let value = reader.skip()?;
        match &*key.said() {
            "role" => {
                role = as_text(value)
                    .map(|text| text.said().into_owned())
                    .unwrap_or_default()
            }
            "content" if value.starts_with('[') => {
                for part in elements("content", value)? {
                    is_result |= is_tool_result(part)?;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(match role.as_str() {
        "system" | "developer" => Turn::System,
        "user" if !is_result => Turn::User,
        _ => Turn::Within,
    })
}

fn is_tool_result(part: &str) -> Result<bool, DialectError> {
    let mut reader = Reader::of_text(part);
    if reader.kind()? != Kind::Object {
        return Ok(false);
    }
    let mut is_result = false;
    reader.object(|reader, key| {
        let is_type = key.said() == "type";
        let value = reader.skip()?;
        is_result |= is_type && as_text(value).is_some_and(|text| text.said() == "tool_result");
        Ok(())
    })?;
    Ok(is_result)
}
