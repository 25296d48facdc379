//! The client's side: what to send with a request so that it verifies.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::UnixMillis;
use sfv::{BareItem, InnerList, Item, Key, Parameters};

use super::base::base;
use super::content;
use super::input::spell;
use super::key::SigningKey;
use super::refused::Refused;
use super::request::{Component, Request};
use crate::{NoRandomness, random};

const LABEL: &str = "sig";

/// How the address is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// All of it: nobody can send the request to another host.
    TargetUri,
    /// Path and query only: for clients that do not know the name the gate goes by.
    PathAndQuery,
}

/// On which terms a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The name of the key.
    pub key_id: &'a str,
    /// Never used before with this key: [`fresh_nonce`].
    pub nonce: &'a str,
    /// Now.
    pub created: UnixMillis,
    /// How the address is covered.
    pub cover: Cover,
}

/// What to add to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// `content-digest`, if there is a body.
    pub content_digest: Option<String>,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

/// A nonce of 128 random bits.
pub fn fresh_nonce() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(random::<16>()?.as_slice()))
}

/// Signs `request` with its body. Beside what must be, all header fields of `request` are covered.
pub fn sign(
    request: &Request<'_>,
    body: &[u8],
    key: &SigningKey,
    terms: &Terms<'_>,
) -> Result<Headers, Refused> {
    let content_digest = (!body.is_empty()).then(|| content::field_of(body));
    let mut fields = request.fields.to_vec();
    if let Some(digest) = &content_digest {
        fields.push((content::FIELD, digest.as_bytes()));
    }
    let components = covered(&fields, terms.cover)?;
    let request = Request {
        fields: &fields,
        ..*request
    };
    let params = spell(&list(&components, key, terms)?);
    let signature = key
        .sign(&base(&request, &components, &params)?)
        .map_err(|_| Refused::Signature)?;
    let signature = STANDARD.encode(signature);
    Ok(Headers {
        content_digest,
        signature_input: format!("{LABEL}={params}"),
        signature: format!("{LABEL}=:{signature}:"),
    })
}

fn covered(fields: &[(&str, &[u8])], cover: Cover) -> Result<Vec<Component>, Refused> {
    let mut components = vec![Component::Method];
    match cover {
        Cover::TargetUri => components.push(Component::TargetUri),
        Cover::PathAndQuery => components.extend([Component::Path, Component::Query]),
    }
    for (name, _) in fields {
        let field = Component::named(&name.to_ascii_lowercase())?;
        if !components.contains(&field) {
            components.push(field);
        }
    }
    Ok(components)
}

fn list(components: &[Component], key: &SigningKey, terms: &Terms<'_>) -> Result<InnerList, Refused> {
    let bad = |name: &str| Refused::Parameter(name.to_owned());
    let text = |name: &str, value: &str| {
        let value: sfv::String = value.to_owned().try_into().map_err(|_| bad(name))?;
        Ok::<_, Refused>((name.to_owned(), BareItem::String(value)))
    };
    let created = sfv::Integer::try_from(terms.created.0 / 1000).map_err(|_| bad("created"))?;
    let mut params = Parameters::new();
    for (name, value) in [
        ("created".to_owned(), BareItem::Integer(created)),
        text("nonce", terms.nonce)?,
        text("keyid", terms.key_id)?,
        text("alg", key.algorithm())?,
    ] {
        params.insert(Key::try_from(name).map_err(|_| Refused::Malformed)?, value);
    }
    let items = components.iter().map(|component| {
        let name: sfv::String = component
            .name()
            .to_owned()
            .try_into()
            .map_err(|_| Refused::Malformed)?;
        Ok(Item::new(name))
    });
    Ok(InnerList::with_params(
        items.collect::<Result<_, Refused>>()?,
        params,
    ))
}
