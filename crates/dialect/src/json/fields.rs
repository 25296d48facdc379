//! An object read shallowly: its members as written, each to be taken once, so that what nobody took is
//! known by name.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Kind, Reader, Str};
use crate::{Dialect, DialectError};

/// The members of one object that have not been taken yet.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    path: String,
    members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Fields<'a> {
    /// Reads an object. `path` names it in errors; empty for the body itself.
    pub(crate) fn read(path: &str, raw: &'a str) -> Result<Self, DialectError> {
        let mut reader = Reader::of_text(raw);
        if reader.kind()? != Kind::Object {
            return Err(DialectError::wrong(path, "an object"));
        }
        let mut fields = Self {
            path: path.to_owned(),
            members: Vec::new(),
        };
        let mut names = HashSet::new();
        reader.object(|r, key| {
            let value = r.skip()?;
            let name = key.said();
            // threat: ANP-0003: two readers could pick different ones.
            if !names.insert(name.clone()) {
                return Err(DialectError::Duplicate {
                    field: crate::error::clip(&fields.name(&name)),
                });
            }
            fields.members.push((name, value));
            Ok(())
        })?;
        reader.end()?;
        Ok(fields)
    }

    /// The path of a member, for errors and for reading deeper.
    pub(crate) fn name(&self, member: &str) -> String {
        if self.path.is_empty() {
            member.to_owned()
        } else {
            format!("{}.{member}", self.path)
        }
    }

    /// Takes a member as written. `null` counts as absent.
    pub(crate) fn take(&mut self, member: &str) -> Option<&'a str> {
        let at = self.members.iter().position(|(name, _)| name == member)?;
        let (_, raw) = self.members.remove(at);
        (raw != "null").then_some(raw)
    }

    /// Takes a member that must be a string.
    pub(crate) fn text(&mut self, member: &str) -> Result<Option<Str<'a>>, DialectError> {
        let Some(raw) = self.take(member) else {
            return Ok(None);
        };
        as_text(raw)
            .map(Some)
            .ok_or_else(|| DialectError::wrong(&self.name(member), "a string"))
    }

    /// Takes a member that must be there and a string.
    pub(crate) fn text_needed(&mut self, member: &str) -> Result<Str<'a>, DialectError> {
        self.text(member)?
            .ok_or_else(|| DialectError::missing(&self.name(member)))
    }

    /// Takes a member that must be there.
    pub(crate) fn needed(&mut self, member: &str) -> Result<&'a str, DialectError> {
        self.take(member)
            .ok_or_else(|| DialectError::missing(&self.name(member)))
    }

    /// Takes a member that must be `true` or `false`.
    pub(crate) fn flag(&mut self, member: &str) -> Result<Option<bool>, DialectError> {
        match self.take(member) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(DialectError::wrong(&self.name(member), "true or false")),
        }
    }

    /// Takes a member that must be a whole number.
    pub(crate) fn count(&mut self, member: &str) -> Result<Option<u64>, DialectError> {
        let Some(raw) = self.take(member) else {
            return Ok(None);
        };
        let wrong = || DialectError::wrong(&self.name(member), "a whole number");
        raw.parse().map(Some).map_err(|_| wrong())
    }

    /// Takes a member that says nothing when it has one of these values; anything else is refused.
    pub(crate) fn only(&mut self, member: &str, neutral: &[&str], to: Dialect) -> Result<(), DialectError> {
        match self.take(member) {
            Some(raw) if !neutral.contains(&raw) => Err(DialectError::not_carried(&self.name(member), to)),
            _ => Ok(()),
        }
    }

    /// What nobody took, in order.
    pub(crate) fn rest(self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        self.members.into_iter()
    }

    /// Forgets members.
    pub(crate) fn forget(&mut self, members: &[&str]) {
        self.members.retain(|(name, _)| !members.contains(&name.as_ref()));
    }

    /// Everything must have been taken. `null`, `[]` and `{}` say nothing, as SDKs echo them.
    pub(crate) fn finish(self, to: Dialect) -> Result<(), DialectError> {
        let left = self
            .members
            .iter()
            .find(|(_, raw)| !matches!(*raw, "null" | "[]" | "{}"));
        left.map_or(Ok(()), |(name, _)| {
            Err(DialectError::not_carried(&self.name(name), to))
        })
    }
}

/// The string that a value as written is, if it is one.
pub(crate) fn as_text(raw: &str) -> Option<Str<'_>> {
    raw.starts_with('"')
        .then(|| Reader::of_text(raw).string().ok())
        .flatten()
}

/// The elements of an array, as written.
pub(crate) fn elements<'a>(path: &str, raw: &'a str) -> Result<Vec<&'a str>, DialectError> {
    let mut reader = Reader::of_text(raw);
    if reader.kind()? != Kind::Array {
        return Err(DialectError::wrong(path, "an array"));
    }
    let mut found = Vec::new();
    reader.array(|r| {
        found.push(r.skip()?);
        Ok(())
    })?;
    Ok(found)
}
