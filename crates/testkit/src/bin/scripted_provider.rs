//! The scripted provider as a process, for tests written in other languages.
//!
//! `scripted-provider [port]` prints its base URL and serves the usual answers until its
//! standard input ends. A model named `fail-<status>` fails with that status.
#![expect(clippy::print_stdout, reason = "the printed address is how callers find it")]

use std::io::Read;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let provider = testkit::ScriptedProvider::start_on(port).await;
    if let Ok(key) = std::env::var("SCRIPTED_PROVIDER_KEY") {
        provider.require_key(&key);
    }
    println!("{}", provider.base_url());
    let end_of_input = || std::io::stdin().read_to_end(&mut Vec::new());
    let _ = tokio::task::spawn_blocking(end_of_input).await;
}
