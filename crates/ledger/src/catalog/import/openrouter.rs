//! OpenRouter's list: an array of models, each with its prices as decimal text.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::line::PriceLine;
use super::decimal::{dollars, per_million};
use super::{Found, ImportError, Line, plain, priced};

const PROVIDER: &str = "openrouter";

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    context_length: Option<u64>,
    #[serde(default)]
    architecture: Option<Architecture>,
    #[serde(default)]
    top_provider: Option<TopProvider>,
    #[serde(default)]
    supported_parameters: Vec<String>,
    pricing: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Architecture {
    #[serde(default)]
    input_modalities: Vec<String>,
}

#[derive(Deserialize)]
struct TopProvider {
    #[serde(default)]
    max_completion_tokens: Option<u64>,
}

/// Every model of the list, in its order.
pub(super) fn lines(json: &str) -> Result<Vec<Line>, ImportError> {
    let list: List = serde_json::from_str(json).map_err(|error| ImportError::Malformed(error.to_string()))?;
    let lines = list.data.into_iter().map(|model| Line {
        name: model.id.clone(),
        found: found(model),
    });
    Ok(lines.collect())
}

fn found(model: Model) -> Result<Found, String> {
    plain(&model.id)?;
    let price = price(model.pricing)?;
    priced(&price)?;
    let can = [
        (
            "tools",
            model.supported_parameters.iter().any(|one| one == "tools"),
        ),
        (
            "vision",
            model
                .architecture
                .is_some_and(|one| one.input_modalities.iter().any(|one| one == "image")),
        ),
    ];
    let can = can.iter().filter(|(_, can)| *can).map(|(name, _)| *name);
    let max_output_tokens = model.top_provider.and_then(|one| one.max_completion_tokens);
    Ok(Found {
        provider: PROVIDER.to_owned(),
        name: model.id,
        context_tokens: model.context_length.max(max_output_tokens),
        max_output_tokens,
        capabilities: ["chat"].into_iter().chain(can).collect(),
        price,
    })
}

fn price(mut pricing: BTreeMap<String, serde_json::Value>) -> Result<PriceLine, String> {
    let mut take = |name: &str| -> Result<Option<String>, String> {
        match pricing.remove(name) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(serde_json::Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("its price for `{name}` is not text")),
        }
    };
    let mut rate = |name: &str| -> Result<Option<String>, String> {
        match take(name)? {
            Some(text) if text.starts_with('-') => {
                Err("its price depends on what a call is given to".to_owned())
            }
            Some(text) => per_million(&text).map(Some),
            None => Ok(None),
        }
    };
    let (input, output) = (rate("prompt")?, rate("completion")?);
    let (input, output) = input
        .zip(output)
        .ok_or("it has no price for both prompt and completion")?;
    // The list says nothing as zero.
    let some = |rate: Option<String>| rate.filter(|rate| rate != "0");
    let reasoning = some(rate("internal_reasoning")?);
    if reasoning.is_some_and(|reasoning| reasoning != output) {
        return Err("its reasoning has another price than its output, which is not told apart here".into());
    }
    let (cache_read, cache_write) = (some(rate("input_cache_read")?), some(rate("input_cache_write")?));
    let audio_input = some(rate("audio")?);
    let image = take("image")?.map(|text| dollars(&text)).transpose()?;
    let request = take("request")?.map(|text| dollars(&text)).transpose()?;
    // A fee for the list's own tool, and a note about the others.
    let _ = (take("web_search")?, pricing.remove("discount"));
    for (name, value) in pricing {
        let text = value
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| value.to_string());
        if dollars(&text).as_deref() != Ok("0") {
            return Err(format!("`{name}` is a price that is not understood here"));
        }
    }
    Ok(PriceLine {
        input,
        output,
        cache_read,
        cache_write,
        audio_input,
        input_image: some(image),
        request: some(request),
        ..PriceLine::default()
    })
}
