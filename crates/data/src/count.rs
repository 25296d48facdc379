//! Counting tokens here, when the provider does not say or the last cents of a budget are at stake.

use dialect::{Dialect, Endpoint};
use tokenizer::Count;

use crate::stage::inspect_input::Inspected;
use crate::stage::inspect_output::Cleared;
use crate::ticket::Used;

/// Tokens that template markers cost for each text of a conversation.
const PER_TEXT: u64 = 4;

/// The prompt's tokens by the model's tokenizer. Slow for large prompts: call it off the hot path.
pub fn prompt(endpoint: Endpoint, body: &[u8], model: &str) -> Count {
    let mut sum = Count {
        tokens: 0,
        exact: true,
        tokenizer: "none",
    };
    let walked = dialect::visit_request_text(endpoint, body, &mut |part| {
        let one = tokenizer::count(model, &part.text);
        sum.tokens = sum.tokens.saturating_add(one.tokens).saturating_add(PER_TEXT);
        sum.exact &= one.exact;
        sum.tokenizer = one.tokenizer;
    });
    if walked.is_err() {
        return Count {
            tokens: body.len() as u64,
            exact: false,
            tokenizer: "bytes",
        };
    }
    sum
}

/// Answers a count where no target of the model counts itself.
pub async fn answer(endpoint: Endpoint, call: &Inspected) -> Option<Cleared> {
    if endpoint != Endpoint::CountTokens {
        return None;
    }
    let (body, targets) = call.prompt();
    if targets
        .iter()
        .any(|target| target.provider.dialect == Dialect::Anthropic)
    {
        return None;
    }
    let model = targets
        .first()
        .map(|target| target.model.clone())
        .unwrap_or_default();
    let tokens = tokio::task::spawn_blocking(move || prompt(endpoint, &body, &model).tokens)
        .await
        .unwrap_or(0);
    Some(Cleared {
        body: dialect::count_tokens_body(tokens).into(),
        used: Used::NOTHING,
    })
}
