//! Upstreams found without configuration: provider keys in the environment, engines on loopback.
//!
//! Only asked for when no file names providers. Only loopback is looked at, each port once, briefly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use config::section::{Provider, ProviderKind};
use credential::SecretRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one engine may take to say what it serves.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);
/// An engine's list of models is read so far.
const LIST_BYTES_MAX: usize = 1 << 20;

/// Variables that hold provider keys, the provider, and what it speaks.
const KEYS: [(&str, &str, ProviderKind, &str); 8] = [
    (
        "OPENAI_API_KEY",
        "openai",
        ProviderKind::Openai,
        "https://api.openai.com",
    ),
    (
        "ANTHROPIC_API_KEY",
        "anthropic",
        ProviderKind::Anthropic,
        "https://api.anthropic.com",
    ),
    (
        "OPENROUTER_API_KEY",
        "openrouter",
        ProviderKind::Openai,
        "https://openrouter.ai/api",
    ),
    (
        "GROQ_API_KEY",
        "groq",
        ProviderKind::Openai,
        "https://api.groq.com/openai",
    ),
    (
        "MISTRAL_API_KEY",
        "mistral",
        ProviderKind::Openai,
        "https://api.mistral.ai",
    ),
    (
        "DEEPSEEK_API_KEY",
        "deepseek",
        ProviderKind::Openai,
        "https://api.deepseek.com",
    ),
    (
        "TOGETHER_API_KEY",
        "together",
        ProviderKind::Openai,
        "https://api.together.xyz",
    ),
    ("XAI_API_KEY", "xai", ProviderKind::Openai, "https://api.x.ai"),
];

/// Ports engines listen on by default, and the variables that hold their keys.
const ENGINES: [(&str, u16, &str); 4] = [
    ("llama-cpp", 8090, "LLAMA_API_KEY"),
    ("vllm", 8000, "VLLM_API_KEY"),
    ("ollama", 11434, "OLLAMA_API_KEY"),
    ("lm-studio", 1234, "LM_STUDIO_API_KEY"),
];

/// A variable that names further engines: `name=http://127.0.0.1:port`, separated by commas.
pub const ENGINES_VARIABLE: &str = "BARTIZAN_ENGINES";

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// As if a file had named them.
    pub providers: Vec<Provider>,
    /// What each engine serves.
    pub served: BTreeMap<String, Vec<String>>,
}

/// Looks around.
pub async fn look() -> Found {
    let mut found = Found::default();
    for (variable, name, kind, base) in KEYS {
        if is_set(variable) {
            let mut provider = Provider::new(name, kind);
            provider.base_url = Some(base.to_owned());
            provider.credential = Some(SecretRef::Env(variable.to_owned()));
            found.providers.push(provider);
        }
    }
    let mut engines: Vec<(String, u16, &str)> = ENGINES
        .iter()
        .map(|(name, port, variable)| ((*name).to_owned(), *port, *variable))
        .collect();
    engines.extend(named_engines());
    for (name, port, variable) in engines {
        if let Some(models) = models_at(port, &name, variable).await {
            let mut provider = engine(&name, port);
            provider.credential = is_set(variable).then(|| SecretRef::Env(variable.to_owned()));
            found.served.insert(name, models);
            found.providers.push(provider);
        }
    }
    found
}

fn engine(name: &str, port: u16) -> Provider {
    let mut provider = Provider::new(name, ProviderKind::Openai);
    provider.base_url = Some(format!("http://127.0.0.1:{port}"));
    provider.catalog = Some("local".to_owned());
    provider
}

fn named_engines() -> Vec<(String, u16, &'static str)> {
    let text = std::env::var(ENGINES_VARIABLE).unwrap_or_default();
    let one = |entry: &str| {
        let (name, base) = entry.trim().split_once('=')?;
        let port = base
            .strip_prefix("http://127.0.0.1:")?
            .trim_end_matches('/')
            .parse()
            .ok()?;
        Some((name.to_owned(), port, "LLAMA_API_KEY"))
    };
    text.split(',').filter_map(one).collect()
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !value.trim().is_empty())
}

/// The models an OpenAI-compatible engine on this machine lists; `None` if nothing of the kind answers.
async fn models_at(port: u16, name: &str, variable: &str) -> Option<Vec<String>> {
    let presented = presented(variable);
    let asked = tokio::time::timeout(PROBE_TIMEOUT, ask(port, &presented));
    let body = asked.await.ok()?.ok()?;
    let models = listed(&body)?;
    tracing::info!(
        engine = name,
        port,
        models = models.len(),
        "found an engine on this machine"
    );
    Some(models)
}

/// The header with the engine's key, where the environment has one: engines that want a key want it for their
/// list too. A key that would break out of its header is none.
fn presented(variable: &str) -> String {
    let key = std::env::var(variable).unwrap_or_default();
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return String::new();
    }
    format!("Authorization: Bearer {key}\r\n")
}

async fn ask(port: u16, key: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let request =
        format!("GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{key}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(LIST_BYTES_MAX as u64)
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}

/// `{"data":[{"id":…}]}` out of an HTTP/1.0 answer.
fn listed(answer: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    if head.split_whitespace().nth(1) != Some("200") {
        return None;
    }
    // From the first brace to the last: whatever framing an engine wraps around it.
    let json = body.get(body.find('{')?..=body.rfind('}')?)?;
    let list: serde_json::Value = serde_json::from_str(json).ok()?;
    let ids = list
        .get("data")?
        .as_array()?
        .iter()
        .filter_map(|m| m.get("id")?.as_str().map(str::to_owned));
    Some(ids.collect())
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn lists_are_read_and_other_answers_are_not() {
        let answer = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"data\":[{\"id\":\"a/b\"},{\"id\":\"c\"}]}";
        assert_eq!(listed(answer).unwrap(), ["a/b", "c"]);
        for other in [
            &b"HTTP/1.0 404 Not Found\r\n\r\n{\"data\":[]}"[..],
            b"SSH-2.0-OpenSSH\r\n",
            b"HTTP/1.0 200 OK\r\n\r\nhello",
        ] {
            assert!(listed(other).is_none());
        }
    }
}
