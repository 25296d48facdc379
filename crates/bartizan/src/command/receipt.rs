//! `bartizan receipt`: whether an answer that somebody kept is the one that the gate gave. Offline: no store is opened, and
//! nothing is asked of anybody.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use dialect::Endpoint;
use domain::UnixMillis;
use ledger::bundle::{LINE_BYTES_MAX, Proof, verify_proof};
use ledger::note::Verifier;
use ledger::receipt::{self, Asked, Kept, Receipt, ReceiptError};
use ledger::{Digest, Entry};
use serde::Serialize;

use crate::cli::At;
use crate::command::arguments::{duration, rfc3339};
use crate::command::ledger::trust::{TrustArgs, Trusted, WitnessesArgs};
use crate::command::ledger::verify::{broken, unreadable};
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};

/// The longest body and the longest head that are read.
const BODY_BYTES_MAX: u64 = 256 << 20;
const HEAD_BYTES_MAX: u64 = 1 << 20;

/// What to do with a receipt.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Verify that an answer is what the gate gave, with nothing but the ledger's public key
    Verify(VerifyArgs),
}

/// What was kept, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  curl $URL -D head -o answer.json -H \"Authorization: Bearer $KEY\" --data-binary @call.json …
  bartizan receipt verify --head head --body answer.json --request call.json --key ledger.key
  curl -o receipt.json -H \"Authorization: Bearer $KEY\" $GATE/v1/receipts/req_…
  bartizan receipt verify --receipt receipt.json --body answer.json --request call.json --key ledger.key

The head alone is verified in the moment the answer comes; the receipt, which is there when the ledger is signed the next \
time, shows that the gate wrote down the same. A stream has a receipt only. Exits with 4 and says what is wrong if \
anything does not hold.")]
pub struct VerifyArgs {
    /// The answer's body as it came
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The answer's head as it came: status line and headers, as `curl -D` writes them
    #[arg(long, value_name = "FILE", required_unless_present = "receipt")]
    head: Option<PathBuf>,
    /// What `GET /v1/receipts/{request}` gave
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// The body that was sent: then it is also shown that this is the answer to it
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// The headers that were sent, of a request that was signed
    #[arg(long, value_name = "FILE")]
    request_head: Option<PathBuf>,
    /// How long ago the head may have been signed: an old answer to the same request is refused
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "head")]
    max_age: Option<Duration>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    witnesses: WitnessesArgs,
}

/// What held.
#[derive(Debug, Serialize)]
struct Held {
    request: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// When the head was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
    /// The entry's place in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    /// Whether the body that was sent was held against it.
    answers_request: bool,
}

impl Shown for Held {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let none = || "–".to_owned();
        let lines = [
            ("verified", self.request.clone()),
            ("status", self.status.to_string()),
            ("model", self.model.clone().unwrap_or_else(none)),
            ("served by", self.target.clone().unwrap_or_else(none)),
            (
                "signed",
                self.signed
                    .clone()
                    .unwrap_or_else(|| "the head was not given (--head)".to_owned()),
            ),
            (
                "in the ledger",
                self.index.map_or_else(
                    || "not asked (--receipt)".to_owned(),
                    |index| format!("as entry {index}"),
                ),
            ),
            (
                "request",
                match self.answers_request {
                    true => "it answers the one that was given".to_owned(),
                    false => "not compared (--request)".to_owned(),
                },
            ),
        ];
        facts(out, &lines)
    }
}

/// Runs one of them.
pub async fn run(command: ReceiptCommand, at: &At, show: Show) -> Result<(), Failure> {
    let ReceiptCommand::Verify(args) = command;
    if args.witnesses.any() && args.receipt.is_none() {
        let failure = Failure::usage("witnesses cosign what --receipt proves, and there is none");
        return Err(failure.hint("give the receipt, from GET /v1/receipts/<request>"));
    }
    let trusted = Trusted::given(&args.trust, at).await?;
    let trusted = trusted.witnessed_by(&args.witnesses)?;
    show.say(&verify(&args, &trusted, UnixMillis::now())?)
}

// threat: AGP-T2
fn verify(args: &VerifyArgs, trusted: &Trusted, now: UnixMillis) -> Result<Held, Failure> {
    let body = bytes(&args.body, BODY_BYTES_MAX)?;
    let sent = args
        .request
        .as_deref()
        .map(|path| bytes(path, BODY_BYTES_MAX))
        .transpose()?;
    let proved = args
        .receipt
        .as_deref()
        .map(|path| prove(path, trusted))
        .transpose()?;
    let keys = match &proved {
        Some((_, _, keys)) => keys.clone(),
        None => published(trusted)?,
    };
    let signed = match &args.head {
        Some(path) => {
            let answer = Answer::read(path, &body)?;
            let receipt = head(args, (&answer, sent.as_deref()), &keys);
            let receipt =
                receipt.and_then(|receipt| held_by(&receipt, &keys, proved.is_some()).map(|()| receipt));
            let receipt = receipt.map_err(|error| refused(path, &error))?;
            let age = args
                .max_age
                .map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
            let fresh = age.map_or(Ok(()), |age| receipt.is_fresh(now, age));
            fresh.map_err(|error| refused(path, &error))?;
            Some(receipt)
        }
        None => None,
    };
    if let (Some((entry, _, _)), Some(path)) = (&proved, &args.receipt) {
        let digest = |bytes: &[u8]| Digest(blake3::hash(bytes).into());
        let sent = sent.as_deref().map(digest);
        let same = signed.as_ref().map_or(Ok(()), |receipt| receipt.agrees(entry));
        let same = same.and_then(|()| receipt::covers(entry, &digest(&body), sent.as_ref()));
        same.map_err(|error| refused(path, &error))?;
    }
    let index = proved.as_ref().map(|(_, index, _)| *index);
    let entry = proved.map(|(entry, _, _)| entry);
    Ok(said(signed, entry, index, sent.is_some()))
}

fn said(signed: Option<Receipt>, entry: Option<Entry>, index: Option<u64>, answers_request: bool) -> Held {
    let at = signed.as_ref().and_then(|receipt| rfc3339(receipt.at));
    let of = |entry: &Entry| {
        (
            entry.id.to_string(),
            entry.status,
            entry.model.as_deref().map(ToOwned::to_owned),
            entry.target.as_deref().map(ToOwned::to_owned),
        )
    };
    let receipt = signed.map(|it| (it.request.to_string(), it.status, it.model, it.target));
    let (request, status, model, target) = entry.as_ref().map(of).or(receipt).unwrap_or_default();
    Held {
        request,
        status,
        model,
        target,
        signed: at,
        index,
        answers_request,
    }
}

/// The answer's head, held against its body and what was asked.
fn head(
    args: &VerifyArgs,
    (answer, sent): (&Answer<'_>, Option<&[u8]>),
    keys: &[Verifier],
) -> Result<Receipt, ReceiptError> {
    let fields = args
        .request_head
        .as_deref()
        .map(|path| text(path, HEAD_BYTES_MAX))
        .transpose();
    let fields = fields
        .ok()
        .flatten()
        .map(|text| fields_of(&text))
        .unwrap_or_default();
    let paths = Endpoint::ALL.map(Endpoint::path);
    let asked = Asked {
        paths: &paths,
        fields: &fields,
        body: sent,
    };
    let kept = Kept {
        status: answer.status,
        fields: &answer.fields,
        body: answer.body,
    };
    receipt::verify(&kept, &asked, keys)
}

/// A replaced key's word is good where the ledger says the same, and nowhere else.
// threat: ANP-0012
fn held_by(receipt: &Receipt, keys: &[Verifier], is_proved: bool) -> Result<(), ReceiptError> {
    let newest = keys.len().saturating_sub(1);
    let named = || keys.get(receipt.key).map(Verifier::id).unwrap_or_default();
    match receipt.key == newest || is_proved {
        true => Ok(()),
        false => Err(ReceiptError::Replaced(named())),
    }
}

/// The entry, its place, and the keys that its log had.
fn prove(path: &Path, trusted: &Trusted) -> Result<(Entry, u64, Vec<Verifier>), Failure> {
    let bytes = bytes(path, u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX))?;
    let proof: Proof = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::tampered(format!("`{}` is no receipt: {error}", path.display())))?;
    let verified = verify_proof(&proof, trusted.trust()).map_err(|error| broken(path, &error))?;
    let (head, origin) = ((&*proof.checkpoint, proof.size), &verified.checkpoint.origin);
    trusted.cosigned(head, origin)?;
    let notes: Vec<&str> = proof.successions.iter().map(|one| one.note.as_str()).collect();
    let chain = trusted
        .trust()
        .chain(&notes)
        .map_err(|error| Failure::tampered(error.to_string()))?;
    Ok((verified.entry, verified.index, chain.keys().to_vec()))
}

fn published(trusted: &Trusted) -> Result<Vec<Verifier>, Failure> {
    let chain = trusted.trust().published_chain();
    let chain = chain.map_err(|error| Failure::tampered(error.to_string()))?;
    Ok(chain.keys().to_vec())
}

fn refused(path: &Path, error: &ReceiptError) -> Failure {
    let failure = Failure::tampered(format!("`{}` does not verify: {error}", path.display()));
    match error {
        ReceiptError::UnknownKey(_) => failure
            .hint("if the key was replaced, give --published or --receipt: they lead from one to the other"),
        ReceiptError::Replaced(_) => {
            failure.hint("give what `GET /v1/receipts/{request}` gives with --receipt")
        }
        _ => failure,
    }
}

/// An answer as it was kept.
struct Answer<'a> {
    status: u16,
    fields: Vec<(String, String)>,
    body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Of the last head in the file: interim ones stand before it.
    fn read(path: &Path, body: &'a [u8]) -> Result<Self, Failure> {
        let text = text(path, HEAD_BYTES_MAX)?.replace("\r\n", "\n");
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let (line, fields) = last.split_once('\n').unwrap_or((last, ""));
        let status = line
            .strip_prefix("HTTP/")
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| {
            Failure::usage(format!("`{}` does not begin with a status line", path.display()))
                .hint("`curl -D FILE` writes one")
        })?;
        Ok(Self {
            status,
            fields: fields_of(fields),
            body,
        })
    }
}

fn fields_of(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

fn text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let bytes = bytes(path, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("`{}` is not text", path.display())))
}

fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Vec::new();
    let read = file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::usage(format!(
            "`{}` is longer than {bytes_max} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}
