//! Which tokenizer belongs to which model name. Never guesses: an unsure name has no encoding.

/// A tokenizer we can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// OpenAI, GPT-4o and later.
    O200k,
    /// OpenAI's open-weight models: `O200k` with more special tokens.
    O200kHarmony,
    /// OpenAI, GPT-3.5 and GPT-4, embeddings.
    Cl100k,
    /// Llama 3 and 4.
    Llama3,
    /// DeepSeek V3 and R1.
    DeepseekV3,
    /// DeepSeek V4.
    DeepseekV4,
    /// Qwen 2, 2.5 and 3.
    Qwen2,
    /// Mistral's Tekken.
    MistralV3,
    /// Kimi K2.
    KimiK2,
    /// Kimi K3.
    KimiK3,
    /// GLM 4.
    Glm4,
    /// GLM 5.
    Glm5,
    /// MiniMax M2.
    MinimaxM2,
}

impl Encoding {
    /// Every encoding, for tests and listings.
    pub const ALL: [Self; 13] = [
        Self::O200k,
        Self::O200kHarmony,
        Self::Cl100k,
        Self::Llama3,
        Self::DeepseekV3,
        Self::DeepseekV4,
        Self::Qwen2,
        Self::MistralV3,
        Self::KimiK2,
        Self::KimiK3,
        Self::Glm4,
        Self::Glm5,
        Self::MinimaxM2,
    ];

    /// The tokenizer's name, as it appears in records of estimated usage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::O200kHarmony => "o200k_harmony",
            Self::Cl100k => "cl100k_base",
            Self::Llama3 => "llama3",
            Self::DeepseekV3 => "deepseek_v3",
            Self::DeepseekV4 => "deepseek_v4",
            Self::Qwen2 => "qwen2",
            Self::MistralV3 => "mistral_v3",
            Self::KimiK2 => "kimi_k2",
            Self::KimiK3 => "kimi_k3",
            Self::Glm4 => "glm4",
            Self::Glm5 => "glm5",
            Self::MinimaxM2 => "minimax_m2",
        }
    }
}

/// Model-name families; the first that fits wins, so the longer stand before the shorter.
/// `None` marks a family that a shorter prefix below would wrongly claim.
const FAMILIES: &[(&str, Option<Encoding>)] = &[
    ("gpt-oss", Some(Encoding::O200kHarmony)),
    ("gpt-5", Some(Encoding::O200k)),
    ("gpt-4o", Some(Encoding::O200k)),
    ("gpt-4.1", Some(Encoding::O200k)),
    ("gpt-4.5", Some(Encoding::O200k)),
    ("chatgpt-4o", Some(Encoding::O200k)),
    ("o1", Some(Encoding::O200k)),
    ("o3", Some(Encoding::O200k)),
    ("o4-mini", Some(Encoding::O200k)),
    ("gpt-4", Some(Encoding::Cl100k)),
    ("gpt-3.5", Some(Encoding::Cl100k)),
    ("gpt-35-turbo", Some(Encoding::Cl100k)),
    ("text-embedding-3", Some(Encoding::Cl100k)),
    ("text-embedding-ada-002", Some(Encoding::Cl100k)),
    ("davinci-002", Some(Encoding::Cl100k)),
    ("babbage-002", Some(Encoding::Cl100k)),
    ("llama-3", Some(Encoding::Llama3)),
    ("llama-4", Some(Encoding::Llama3)),
    ("llama3", Some(Encoding::Llama3)),
    ("llama4", Some(Encoding::Llama3)),
    ("meta-llama-3", Some(Encoding::Llama3)),
    // Distillations keep the tokenizer of the model they were distilled into.
    ("deepseek-r1-distill-llama", Some(Encoding::Llama3)),
    ("deepseek-r1-distill", Some(Encoding::Qwen2)),
    ("deepseek-chat", Some(Encoding::DeepseekV4)),
    ("deepseek-reasoner", Some(Encoding::DeepseekV4)),
    ("deepseek-v4", Some(Encoding::DeepseekV4)),
    ("deepseek-v3", Some(Encoding::DeepseekV3)),
    ("deepseek-r1", Some(Encoding::DeepseekV3)),
    ("qwen1", None),
    ("qwen-", None),
    ("qwen3.5", None),
    ("qwen2", Some(Encoding::Qwen2)),
    ("qwen3", Some(Encoding::Qwen2)),
    ("qwq", Some(Encoding::Qwen2)),
    ("mistral-nemo", Some(Encoding::MistralV3)),
    ("ministral-8b", Some(Encoding::MistralV3)),
    ("pixtral-12b", Some(Encoding::MistralV3)),
    ("kimi-k3", Some(Encoding::KimiK3)),
    ("kimi-k2", Some(Encoding::KimiK2)),
    ("glm-5", Some(Encoding::Glm5)),
    ("glm-4", Some(Encoding::Glm4)),
    ("minimax-m2", Some(Encoding::MinimaxM2)),
];

/// Longest model name that is looked at; a longer one is unknown.
const MODEL_BYTES_MAX: usize = 256;

/// The tokenizer of a model, by the family its name belongs to; `None` when not surely known.
///
/// Case does not matter, nor do a publisher in front (`meta-llama/…`) or the fine-tuning mark `ft:`.
#[must_use]
pub fn encoding_for(model: &str) -> Option<Encoding> {
    if model.len() > MODEL_BYTES_MAX {
        return None;
    }
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let name = name.strip_prefix("ft:").unwrap_or(&name);
    FAMILIES
        .iter()
        .find(|(family, _)| belongs(name, family))
        .and_then(|(_, encoding)| *encoding)
}

/// Whether `name` starts with `family` and the family does not end inside a longer word
/// (`o1` is not the family of `o100-chat`).
fn belongs(name: &str, family: &str) -> bool {
    let Some(rest) = name.strip_prefix(family) else {
        return false;
    };
    let short_word = family.len() <= 2;
    !short_word
        || rest
            .chars()
            .next()
            .is_none_or(|next| !next.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_find_their_family() {
        let cases = [
            ("gpt-4o-mini", Some(Encoding::O200k)),
            ("gpt-4-turbo", Some(Encoding::Cl100k)),
            ("gpt-5.1", Some(Encoding::O200k)),
            ("ft:gpt-4o:acme::abc", Some(Encoding::O200k)),
            ("openai/gpt-oss-20b", Some(Encoding::O200kHarmony)),
            ("o1-preview", Some(Encoding::O200k)),
            ("meta-llama/Llama-3.1-8B-Instruct", Some(Encoding::Llama3)),
            ("Meta-Llama-3-8B", Some(Encoding::Llama3)),
            ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", Some(Encoding::Llama3)),
            ("Qwen/Qwen2.5-7B-Instruct", Some(Encoding::Qwen2)),
        ];
        for (model, encoding) in cases {
            assert_eq!(encoding_for(model), encoding, "{model}");
        }
    }

    #[test]
    fn unsure_names_have_no_encoding() {
        let unsure = [
            "claude-sonnet-4-5",
            "gemini-2.5-pro",
            "SmolLM2-135M-Instruct",
            "llama-2-7b-chat",
            "mistral-7b-instruct-v0.1",
            "o100-chat",
            "qwen1.5-7b",
            "",
        ];
        for model in unsure {
            assert_eq!(encoding_for(model), None, "{model}");
        }
        assert_eq!(encoding_for(&"gpt-4o".repeat(60)), None);
    }

    #[test]
    fn every_encoding_names_a_vocabulary_that_is_built_in() {
        let built = tiktoken::list_encodings();
        for encoding in Encoding::ALL {
            assert!(built.contains(&encoding.name()), "{encoding:?}");
        }
    }
}
