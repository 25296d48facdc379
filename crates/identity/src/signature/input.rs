//! `signature-input` and `signature`, read: what is covered, on which terms, and the bytes.

use domain::UnixMillis;
use sfv::{BareItem, Dictionary, InnerList, ListEntry, ListSerializer, Parser};

use super::refused::Refused;
use super::request::{Component, Request};

const FIELD_BYTES_MAX: usize = 4 * 1024;
const COMPONENTS_MAX: usize = 32;
const KEY_ID_CHARS_MAX: usize = 128;
const NONCE_CHARS: std::ops::RangeInclusive<usize> = 16..=128;
/// The year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

/// One signature as presented.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) components: Vec<Component>,
    pub(super) created: UnixMillis,
    pub(super) expires: Option<UnixMillis>,
    pub(super) nonce: String,
    pub(super) key_id: String,
    pub(super) algorithm: Option<String>,
    /// The value of `@signature-params`: what was presented, in its one spelling.
    pub(super) params: String,
    pub(super) signature: Vec<u8>,
}

impl Input {
    pub(super) fn read(request: &Request<'_>) -> Result<Self, Refused> {
        let inputs = dictionary(request, "signature-input")?;
        let signatures = dictionary(request, "signature")?;
        let ([(label, input)], [(other, signature)]) = (inputs.as_slice(), signatures.as_slice()) else {
            return Err(Refused::Several);
        };
        let (ListEntry::InnerList(list), ListEntry::Item(signature)) = (input, signature) else {
            return Err(Refused::Malformed);
        };
        let bytes = signature.bare_item.as_byte_sequence().filter(|_| label == other);
        let signature = bytes.ok_or(Refused::Malformed)?.to_vec();
        Self::of(list, signature)
    }

    fn of(list: &InnerList, signature: Vec<u8>) -> Result<Self, Refused> {
        refuse_unknown_params(list)?;
        let bounded = |name, chars: std::ops::RangeInclusive<usize>| {
            let text = text(list, name)?.filter(|text| chars.contains(&text.chars().count()));
            text.ok_or_else(|| Refused::Parameter(name.into()))
        };
        Ok(Self {
            components: components(list)?,
            created: time(list, "created")?.ok_or_else(|| Refused::Parameter("created".into()))?,
            expires: time(list, "expires")?,
            nonce: bounded("nonce", NONCE_CHARS)?,
            key_id: bounded("keyid", 1..=KEY_ID_CHARS_MAX)?,
            algorithm: text(list, "alg")?,
            params: spell(list),
            signature,
        })
    }
}

/// An inner list in its one spelling (RFC 9651, section 4.1.1.1).
pub(super) fn spell(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    serializer.members([&ListEntry::InnerList(list.clone())]);
    serializer.finish().unwrap_or_default()
}

/// A field that is a dictionary, as a list of its members.
fn dictionary(request: &Request<'_>, name: &str) -> Result<Vec<(String, ListEntry)>, Refused> {
    let field = request.field(name).ok_or(Refused::Missing)?;
    if field.len() > FIELD_BYTES_MAX {
        return Err(Refused::Malformed);
    }
    let dictionary: Dictionary = Parser::new(&field).parse().map_err(|_| Refused::Malformed)?;
    Ok(dictionary
        .into_iter()
        .map(|(label, entry)| (label.into(), entry))
        .collect())
}

// threat: ANP-0001
fn components(list: &InnerList) -> Result<Vec<Component>, Refused> {
    if list.items.len() > COMPONENTS_MAX {
        return Err(Refused::Malformed);
    }
    let mut components = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let name = item.bare_item.as_string().ok_or(Refused::Malformed)?.as_str();
        let component = Component::named(name)?;
        // A component's parameters change its meaning; none of them is known here.
        if !item.params.is_empty() || components.contains(&component) {
            return Err(Refused::Component(name.chars().take(48).collect()));
        }
        components.push(component);
    }
    Ok(components)
}

fn refuse_unknown_params(list: &InnerList) -> Result<(), Refused> {
    let known = ["created", "expires", "nonce", "keyid", "alg", "tag"];
    match list.params.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refused::Parameter(name.as_str().chars().take(48).collect())),
        None => Ok(()),
    }
}

fn param<'a>(list: &'a InnerList, name: &str) -> Option<&'a BareItem> {
    list.params
        .iter()
        .find(|(key, _)| key.as_str() == name)
        .map(|(_, value)| value)
}

fn text(list: &InnerList, name: &'static str) -> Result<Option<String>, Refused> {
    let value = param(list, name).map(|value| value.as_string().map(|text| text.as_str().to_owned()));
    value
        .map(|text| text.ok_or_else(|| Refused::Parameter(name.into())))
        .transpose()
}

fn time(list: &InnerList, name: &'static str) -> Result<Option<UnixMillis>, Refused> {
    let Some(value) = param(list, name) else {
        return Ok(None);
    };
    let seconds = value
        .as_integer()
        .map(i64::from)
        .filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    let millis = seconds.map(|seconds| UnixMillis(seconds * 1000));
    millis.map(Some).ok_or_else(|| Refused::Parameter(name.into()))
}
