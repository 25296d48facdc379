//! Reading a catalog file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use domain::UnixMillis;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::line::{File, ModelLine, Source};
use super::{Capabilities, Catalog, CatalogError, Model, ModelFacts};
use crate::merkle::sha256;

/// Hex digits of a version.
const VERSION_BYTES: usize = 6;

pub(super) fn read(json: &str) -> Result<Catalog, CatalogError> {
    let file: File =
        serde_json::from_str(json).map_err(|error| CatalogError::Malformed(error.to_string()))?;
    if file.format != 1 {
        return Err(CatalogError::Format(file.format));
    }
    let mut catalog = Catalog {
        version: digest(&[json.as_bytes()]),
        exact: HashMap::new(),
        patterns: HashMap::new(),
    };
    let mut taken = HashSet::new();
    for line in &file.models {
        let model = Arc::new(model(line, &file.sources).map_err(|what| wrong(line, what))?);
        for (provider, name) in line
            .providers
            .iter()
            .flat_map(|p| line.names.iter().map(move |n| (p, n)))
        {
            if !taken.insert((provider, name)) {
                return Err(wrong(line, format!("`{name}` of `{provider}` is there twice")));
            }
            catalog.put(provider, name, Arc::clone(&model));
        }
    }
    Ok(catalog)
}

/// A short digest of `parts`.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut text = hex::encode(sha256(parts));
    text.truncate(VERSION_BYTES * 2);
    text
}

fn wrong(line: &ModelLine, what: String) -> CatalogError {
    CatalogError::Model {
        model: line.names.first().cloned().unwrap_or_default(),
        what,
    }
}

fn model(line: &ModelLine, sources: &BTreeMap<String, Source>) -> Result<Model, String> {
    if line.providers.is_empty() || line.names.is_empty() {
        return Err("it has no provider or no name".into());
    }
    let unpriced = ModelFacts {
        price: None,
        context_tokens: line.context_tokens,
        max_output_tokens: line.max_output_tokens,
        capabilities: capabilities(&line.capabilities)?,
    };
    let mut dated = Vec::new();
    for price in &line.prices {
        if let Some(stranger) = price.sources().find(|name| !sources.contains_key(*name)) {
            return Err(format!(
                "a price from `{stranger}`, which is not among the sources"
            ));
        }
        dated.push((
            beginning(price.from)?,
            ModelFacts {
                price: Some(price.price()?),
                ..unpriced
            },
        ));
    }
    if !dated.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err("prices are not in the order of their dates".into());
    }
    Ok(Model { unpriced, dated })
}

fn beginning(from: Option<Date>) -> Result<UnixMillis, String> {
    let Some(day) = from else {
        return Ok(UnixMillis(i64::MIN));
    };
    let midnight = day.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(UnixMillis(midnight.timestamp().as_millisecond()))
}

fn capabilities(names: &[String]) -> Result<Capabilities, String> {
    let mut all = Capabilities::default();
    for name in names {
        match name.as_str() {
            "chat" => all.chat = true,
            "completion" => all.completion = true,
            "embeddings" => all.embeddings = true,
            "tools" => all.tools = true,
            "vision" => all.vision = true,
            other => return Err(format!("`{other}` is not a capability")),
        }
    }
    Ok(all)
}
