//! Answers the gate gives on its own account: the models a caller may use, and token counts.

use crate::Dialect;
use crate::json::Writer;

/// One model a caller may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// The name to ask for it by.
    pub id: String,
    /// When it came to the catalogue, in seconds since 1970.
    pub created: i64,
    /// Whose it is.
    pub owned_by: String,
}

/// The body of a list of models, newest rules of each dialect.
pub fn models_list(dialect: Dialect, models: &[ModelCard]) -> Vec<u8> {
    let mut json = Writer::default();
    json.object(|json| {
        if dialect == Dialect::OpenAi {
            json.key("object").text("list");
        }
        json.key("data")
            .array(|json| models.iter().for_each(|model| write_card(dialect, model, json)));
        if dialect == Dialect::Anthropic {
            write_page(models, json);
        }
    });
    json.finish()
}

/// The body of one model.
pub fn model_card(dialect: Dialect, model: &ModelCard) -> Vec<u8> {
    let mut json = Writer::default();
    write_card(dialect, model, &mut json);
    json.finish()
}

/// The body that answers a token count.
pub fn count_tokens_body(input_tokens: u64) -> Vec<u8> {
    let mut json = Writer::default();
    json.object(|json| json.key("input_tokens").count(input_tokens));
    json.finish()
}

fn write_card(dialect: Dialect, model: &ModelCard, json: &mut Writer) {
    json.object(|json| match dialect {
        Dialect::OpenAi => {
            json.key("id").text(&model.id);
            json.key("object").text("model");
            json.key("created").raw(&model.created.to_string());
            json.key("owned_by").text(&model.owned_by);
        }
        Dialect::Anthropic => {
            json.key("type").text("model");
            json.key("id").text(&model.id);
            json.key("display_name").text(&model.id);
            json.key("created_at").text(&rfc3339(model.created));
        }
    });
}

/// Everything is on one page.
fn write_page(models: &[ModelCard], json: &mut Writer) {
    json.key("has_more").flag(false);
    for (name, model) in [("first_id", models.first()), ("last_id", models.last())] {
        json.key(name);
        match model {
            Some(model) => json.text(&model.id),
            None => json.raw("null"),
        }
    }
}

/// A time in the form Anthropic writes it. Days to a date by the civil calendar's 400-year eras.
fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era.saturating_mul(400) + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_by_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(rfc3339(4_102_444_800), "2100-01-01T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert!(!rfc3339(i64::MAX).is_empty() && !rfc3339(i64::MIN).is_empty());
    }

    #[test]
    fn an_empty_list_is_a_list() {
        assert_eq!(
            models_list(Dialect::OpenAi, &[]),
            br#"{"object":"list","data":[]}"#
        );
        assert_eq!(
            models_list(Dialect::Anthropic, &[]),
            br#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#
        );
    }

    #[test]
    fn a_model_reads_like_the_providers_own() {
        let card = ModelCard {
            id: "fast".into(),
            created: 1_700_000_000,
            owned_by: "openai".into(),
        };
        assert_eq!(
            String::from_utf8(model_card(Dialect::OpenAi, &card)).unwrap(),
            r#"{"id":"fast","object":"model","created":1700000000,"owned_by":"openai"}"#
        );
        assert_eq!(
            String::from_utf8(model_card(Dialect::Anthropic, &card)).unwrap(),
            r#"{"type":"model","id":"fast","display_name":"fast","created_at":"2023-11-14T22:13:20Z"}"#
        );
    }
}
