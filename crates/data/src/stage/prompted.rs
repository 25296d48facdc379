//! A call that is made of one of its tenant's prompt templates: what goes on is an ordinary call, with the template's messages
//! before its own. Reads nothing but what the directory has for this key's tenant; another's is not there.

use bytes::Bytes;
use dialect::{Endpoint, PromptRole, Prompted};
use domain::Threat;

use apps::{Composed, Refused, Role, Shelf, Wanted};

use crate::refusal::{Code, Gated, Refusal};

/// What was made of a call.
#[derive(Debug)]
pub struct Made {
    /// The call as it goes on.
    pub body: Bytes,
    /// What entries name beside the policies that decided: `prompt:greeting@3`, `sample:tone@2`.
    pub named: Vec<String>,
    /// The values that were put in.
    pub values: Vec<String>,
}

/// The call, if it names a template; `None` where it is a call as it stands.
// threat: ANP-0021
// threat: ANP-B0009
// threat: AGP-E1
pub fn made(endpoint: Endpoint, body: &Bytes, shelf: Option<&Shelf>) -> Gated<Option<Made>> {
    let invalid = |error: dialect::DialectError| Refusal::new(Code::RequestInvalid, error.to_string());
    let Some(asked) = dialect::asked_prompt(endpoint, body).map_err(invalid)? else {
        return Ok(None);
    };
    let wanted: Wanted = serde_json::from_str(asked).map_err(|_| {
        let detail = "`prompt` is an object such as `{\"id\": \"greeting\", \"version\": 3, \"variables\": {\"name\": \"Ada\"}}`, \
                      and each variable a text or a whole number";
        Refusal::new(Code::PromptInvalid, detail)
    })?;
    let nothing = Shelf::default();
    let composed = shelf.unwrap_or(&nothing).compose(&wanted).map_err(refused)?;
    let Composed {
        said,
        defaults,
        named,
    } = composed;
    let messages: Vec<(PromptRole, &str)> = said
        .messages
        .iter()
        .map(|(role, text)| (wire(*role), text.as_str()))
        .collect();
    let prompted = Prompted {
        messages: &messages,
        model: defaults.model.as_deref(),
        temperature: defaults.temperature.as_ref(),
        max_tokens: defaults.max_tokens,
    };
    let body = dialect::with_prompt(endpoint, body, &prompted).map_err(invalid)?;
    Ok(Some(Made {
        body: body.into(),
        named,
        values: said.values,
    }))
}

const fn wire(role: Role) -> PromptRole {
    match role {
        Role::System => PromptRole::System,
        Role::Developer => PromptRole::Developer,
        Role::User => PromptRole::User,
        Role::Assistant => PromptRole::Assistant,
    }
}

fn refused(refused: Refused) -> Box<Refusal> {
    let detail = refused.to_string();
    match refused {
        Refused::NotThere => Refusal::new(Code::PromptNotFound, detail).against(Threat::AnpB0009),
        Refused::Variable(..) => Refusal::new(Code::PromptInvalid, detail),
        Refused::Damaged(..) => Refusal::new(Code::PromptDamaged, detail).against(Threat::Anp0021),
    }
}
