//! Other people's public price lists, turned into catalog files of ours. What cannot be billed here exactly as the
//! list says is left out, with the reason; nothing is guessed.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use super::line::{File, LeftOut, ModelLine, PriceLine, Source};

mod decimal;
mod litellm;
mod openrouter;

/// A list's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// LiteLLM's `model_prices_and_context_window.json`: an object of models by name.
    LiteLlm,
    /// What OpenRouter answers to `GET /api/v1/models`.
    OpenRouter,
}

/// A list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not JSON of the list's shape.
    #[error("the list cannot be read: {0}")]
    Malformed(String),
    /// A day that is none.
    #[error("`{0}` is no day: write it as 2026-01-31")]
    Day(String),
    /// No model of it can be billed here.
    #[error("no model of the list can be taken")]
    Nothing,
}

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A catalog file.
    pub json: String,
    /// Models in it.
    pub taken: usize,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

/// One model of a list, in our words.
struct Found {
    provider: String,
    name: String,
    context_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    capabilities: Vec<&'static str>,
    price: PriceLine,
}

/// What a list says of one of its models.
struct Line {
    /// As the list names it.
    name: String,
    /// What of it can be billed here, or why it cannot.
    found: Result<Found, String>,
}

impl Listing {
    /// The source that every price of the file names.
    const fn source(self) -> &'static str {
        match self {
            Self::LiteLlm => "litellm",
            Self::OpenRouter => "openrouter",
        }
    }

    const fn what(self) -> (&'static str, &'static str) {
        match self {
            Self::LiteLlm => (
                "LiteLLM's list of model prices, imported",
                "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json",
            ),
            Self::OpenRouter => (
                "OpenRouter's list of models, imported",
                "https://openrouter.ai/api/v1/models",
            ),
        }
    }

    /// Turns a list into a catalog file. `read` is the day on which it was fetched, `from` the first on which its
    /// prices hold. `providers` are those to take, in the list's words; all, if there are none.
    pub fn import(
        self,
        json: &str,
        (read, from): (&str, &str),
        providers: &[String],
    ) -> Result<Imported, ImportError> {
        let day = |text: &str| {
            text.parse::<Date>()
                .map_err(|_| ImportError::Day(text.to_owned()))
        };
        let (read, from) = (day(read)?, day(from)?);
        let lines = match self {
            Self::LiteLlm => litellm::lines(json),
            Self::OpenRouter => openrouter::lines(json),
        }?;
        let wanted = |found: &Found| providers.is_empty() || providers.contains(&found.provider);
        let (mut taken, mut left_out, mut names) = (Vec::new(), Vec::new(), HashSet::new());
        for Line { name, found } in lines {
            let found = found.and_then(|found| {
                if wanted(&found) && !names.insert((found.provider.clone(), found.name.clone())) {
                    return Err("another line of the list is found by the same name".to_owned());
                }
                Ok(found)
            });
            match found {
                Ok(found) if wanted(&found) => taken.push(model(found, self.source(), from)),
                Ok(_) => {}
                Err(why) => left_out.push(LeftOut { name, why }),
            }
        }
        if taken.is_empty() {
            return Err(ImportError::Nothing);
        }
        let (what, url) = self.what();
        let source = Source {
            what: what.to_owned(),
            url: Some(url.to_owned()),
            read,
        };
        let count = taken.len();
        let file = File {
            format: 1,
            sources: BTreeMap::from([(self.source().to_owned(), source)]),
            models: taken,
            left_out: left_out.clone(),
        };
        let json = serde_json::to_string_pretty(&file);
        let mut json = json.map_err(|error| ImportError::Malformed(error.to_string()))?;
        json.push('\n');
        // What is written is what will be read.
        super::file::read(&json).map_err(|error| ImportError::Malformed(error.to_string()))?;
        Ok(Imported {
            json,
            taken: count,
            left_out,
        })
    }
}

fn model(found: Found, source: &str, from: Date) -> ModelLine {
    ModelLine {
        providers: vec![found.provider],
        names: vec![found.name],
        context_tokens: found.context_tokens,
        max_output_tokens: found.max_output_tokens,
        capabilities: found.capabilities.into_iter().map(str::to_owned).collect(),
        prices: vec![PriceLine {
            source: source.to_owned(),
            from: Some(from),
            ..found.price
        }],
    }
}

/// Whether a model that is listed at these prices really has one: lists say nothing as zero.
fn priced(price: &PriceLine) -> Result<(), String> {
    if price.input == "0" && price.output == "0" && price.request.is_none() && !price.is_by_unit() {
        return Err("it is listed at nothing: if it is free, say so under `prices.overrides`".to_owned());
    }
    Ok(())
}

/// A name that would price others too is not taken.
fn plain(name: &str) -> Result<(), String> {
    if name.contains('*') {
        return Err("its name is a pattern, and would price models that nobody listed".to_owned());
    }
    Ok(())
}
