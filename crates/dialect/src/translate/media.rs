//! Images and documents, by address or by value.

use crate::json::{Fields, Str, Writer, as_text};
use crate::{Dialect, DialectError};

const TO_ANTHROPIC: Dialect = Dialect::Anthropic;
const TO_OPENAI: Dialect = Dialect::OpenAi;

/// The media type and the data of a `data:` address.
fn data_url(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}

/// OpenAI's `image_url` member as an Anthropic `source`.
pub(super) fn image_source(path: &str, raw: &str, json: &mut Writer) -> Result<(), DialectError> {
    if let Some(url) = as_text(raw) {
        write_source(url, json);
        return Ok(());
    }
    let mut image = Fields::read(path, raw)?;
    let url = image.text_needed("url")?;
    image.only("detail", &["\"auto\""], TO_ANTHROPIC)?;
    image.finish(TO_ANTHROPIC)?;
    write_source(url, json);
    Ok(())
}

fn write_source(url: Str<'_>, json: &mut Writer) {
    let said = url.said();
    json.key("source").object(|json| match data_url(&said) {
        Some((media_type, data)) => write_base64(media_type, data, json),
        None => {
            json.key("type").text("url");
            json.key("url").same(url);
        }
    });
}

fn write_base64(media_type: &str, data: &str, json: &mut Writer) {
    json.key("type").text("base64");
    json.key("media_type").text(media_type);
    json.key("data").text(data);
}

/// OpenAI's `file` member as an Anthropic document's `source` and `title`. Only PDF by value has both.
pub(super) fn document_source(path: &str, raw: &str, json: &mut Writer) -> Result<(), DialectError> {
    let mut file = Fields::read(path, raw)?;
    let data = file.text("file_data")?;
    let name = file.text("filename")?;
    let field = file.name("file_data");
    file.finish(TO_ANTHROPIC)?;
    let said = data.as_ref().map(Str::said).unwrap_or_default();
    let Some(("application/pdf", data)) = data_url(&said) else {
        return Err(DialectError::not_carried(&field, TO_ANTHROPIC));
    };
    json.key("source")
        .object(|json| write_base64("application/pdf", data, json));
    if let Some(name) = name {
        json.key("title").same(name);
    }
    Ok(())
}

/// An Anthropic image block's `source` as an OpenAI part.
pub(super) fn image_part(path: &str, raw: &str, json: &mut Writer) -> Result<(), DialectError> {
    let mut source = Fields::read(path, raw)?;
    let kind = source.text_needed("type")?;
    let url = match &*kind.said() {
        "url" => source.text_needed("url")?.said().into_owned(),
        "base64" => base64_url(&mut source)?,
        _ => return Err(DialectError::not_carried(&source.name("type"), TO_OPENAI)),
    };
    source.finish(TO_OPENAI)?;
    json.object(|json| {
        json.key("type").text("image_url");
        json.key("image_url").object(|json| json.key("url").text(&url));
    });
    Ok(())
}

fn base64_url(source: &mut Fields<'_>) -> Result<String, DialectError> {
    let media_type = source.text_needed("media_type")?.said();
    let data = source.text_needed("data")?.said();
    Ok(format!("data:{media_type};base64,{data}"))
}

/// An Anthropic document block as an OpenAI part: PDF by value as a file, plain text as text.
pub(super) fn document_part(block: &mut Fields<'_>, json: &mut Writer) -> Result<(), DialectError> {
    let path = block.name("source");
    let mut source = Fields::read(&path, block.needed("source")?)?;
    let title = block.text("title")?;
    let kind = source.text_needed("type")?;
    match &*kind.said() {
        "base64" => {
            let data = base64_url(&mut source)?;
            json.object(|json| {
                json.key("type").text("file");
                json.key("file").object(|json| {
                    json.key("filename")
                        .text(&title.map_or_else(|| "document.pdf".into(), |title| title.said()));
                    json.key("file_data").text(&data);
                });
            });
        }
        "text" => {
            source.forget(&["media_type"]);
            let data = source.text_needed("data")?;
            let said = title.map(|title| format!("{}\n\n{}", title.said(), data.said()));
            json.object(|json| {
                json.key("type").text("text");
                json.key("text")
                    .text(&said.map_or_else(|| data.said(), Into::into));
            });
        }
        _ => return Err(DialectError::not_carried(&source.name("type"), TO_OPENAI)),
    }
    source.finish(TO_OPENAI)
}
