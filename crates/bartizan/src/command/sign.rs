//! `bartizan sign-request`: the headers that make a request a signed one, for curl and for shell scripts.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::Args;
use domain::UnixMillis;
use identity::signature::{Cover, Request, SigningKey, Terms, fresh_nonce, sign};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use crate::command::show::{Show, Shown};
use crate::failure::{Failure, Hint};

/// The largest body that is read to be signed.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What is signed, and with what.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan sign-request --key ci.pem --url http://127.0.0.1:8080/v1/models --method GET > headers
  bartizan sign-request --key ci.pem --url http://127.0.0.1:8080/v1/chat/completions --body call.json > headers
  curl http://127.0.0.1:8080/v1/chat/completions -H \"Authorization: Bearer $KEY\" -H @headers \\
    -H 'content-type: application/json' --data-binary @call.json

The headers are good for one request within a minute: method, address, body and time are signed, and a nonce.")]
pub struct SignArgs {
    /// File with the private key: Ed25519 or P-256, PKCS #8 in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The request's method
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// The request's whole address, as the client calls it
    #[arg(long, value_name = "URL")]
    url: String,
    /// File with the request's body, `-` for standard input; without it the body is empty
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Sign path and query instead of the whole address: where the gate goes by another name than the client calls
    #[arg(long)]
    path_only: bool,
}

#[derive(Debug, Serialize)]
struct Headers(BTreeMap<&'static str, String>);

impl Shown for Headers {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|(name, value)| writeln!(out, "{name}: {value}"))
    }
}

/// Signs and prints.
pub fn run(args: &SignArgs, show: Show) -> Result<(), Failure> {
    let key = private_key(args)?;
    let public = key
        .public()
        .ok_or_else(|| Failure::usage("a public key is wanted, not a shared secret"))?;
    let body = body(args)?;
    let nonce = fresh_nonce().map_err(|e| Failure::new(e.to_string()))?;
    let request = Request {
        method: &args.method,
        target_uri: &args.url,
        fields: &[],
    };
    let terms = Terms {
        key_id: &public.name(),
        nonce: &nonce,
        created: UnixMillis::now(),
        cover: if args.path_only {
            Cover::PathAndQuery
        } else {
            Cover::TargetUri
        },
    };
    let signed = sign(&request, &body, &key, &terms).map_err(|e| {
        Failure::usage(e.to_string()).hint("give the whole address, with `http://` or `https://`")
    })?;
    let mut headers = BTreeMap::new();
    if let Some(digest) = signed.content_digest {
        headers.insert("content-digest", digest);
    }
    headers.insert("signature-input", signed.signature_input);
    headers.insert("signature", signed.signature);
    show.say(&Headers(headers))
}

fn private_key(args: &SignArgs) -> Result<SigningKey, Failure> {
    let trouble = |e: &dyn std::fmt::Display| Failure::usage(format!("`{}`: {e}", args.key.display()));
    let der = PrivateKeyDer::from_pem_file(&args.key).map_err(|e| trouble(&e))?;
    SigningKey::pkcs8(der.secret_der()).map_err(|e| trouble(&e))
}

fn body(args: &SignArgs) -> Result<Vec<u8>, Failure> {
    let Some(path) = &args.body else {
        return Ok(Vec::new());
    };
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(BODY_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(BODY_BYTES_MAX).read_to_end(&mut bytes))
    };
    read.map_err(|e| Failure::usage(format!("`{}`: {e}", path.display())))?;
    Ok(bytes)
}
