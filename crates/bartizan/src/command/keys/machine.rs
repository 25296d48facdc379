//! What a machine shows beside a key, or instead of it: flags for a signing key and for bindings, `keys update`,
//! and `keys signing-key`, which makes a key pair.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use credential::{BINDINGS_MAX, Binding, KeyRecord, PublicKey};
use domain::{Permission, UnixMillis};
use identity::signature::SigningKey;
use serde::Serialize;
use zeroize::Zeroizing;

use super::view::KeyView;
use super::{OneKey, replace};
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};

/// A public key is a few lines.
const FILE_BYTES_MAX: u64 = 16 * 1024;
const PEM_COLUMNS: usize = 64;

/// What a machine shows.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// File with the public key (PEM, JWK or base64) whose other half must sign every call with this key
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Another credential that stands for this key: `jwt:ISSUER:SUBJECT`, `rule:ISSUER:NAME`,
    /// `certificate:spiffe://…` or `certificate:HOST`; may be repeated
    #[arg(long = "binding", value_name = "CREDENTIAL")]
    bindings: Vec<Binding>,
}

impl MachineArgs {
    /// The public key of the file, if one is named.
    pub fn signing_key(&self) -> Result<Option<PublicKey>, Failure> {
        self.signing_key.as_deref().map(read_public).transpose()
    }

    /// The bindings, if there are not too many.
    pub fn bindings(&self) -> Result<Vec<Binding>, Failure> {
        if self.bindings.len() > BINDINGS_MAX {
            return Err(Failure::usage(format!(
                "a key has at most {BINDINGS_MAX} bindings"
            )));
        }
        Ok(self.bindings.clone())
    }
}

/// What to change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan keys update ci --signing-key ci.pem.pub
  bartizan keys update ci --no-signing-key
  bartizan keys update nightly --binding jwt:cluster:system:serviceaccount:jobs:nightly
  bartizan keys update nightly --no-bindings
  bartizan keys update ci --receipts

What is not given stays. Bindings that are given replace those there were.")]
pub struct UpdateArgs {
    #[command(flatten)]
    key: OneKey,
    #[command(flatten)]
    machine: MachineArgs,
    /// Calls with this key need not be signed any more
    #[arg(long, conflicts_with = "signing_key")]
    no_signing_key: bool,
    /// No other credential stands for this key any more
    #[arg(long, conflicts_with = "bindings")]
    no_bindings: bool,
    /// Its answers carry the gate's signature, and their receipts may be had
    #[arg(long)]
    receipts: bool,
    /// They do not any more
    #[arg(long, conflicts_with = "receipts")]
    no_receipts: bool,
}

/// Changes it.
// threat: AGP-S1
pub async fn update(args: UpdateArgs, instance: &Instance, names: &Names, show: Show) -> Result<(), Failure> {
    let before = args.key.find(names)?;
    if before.state == credential::KeyState::Revoked {
        return Err(Failure::new("a revoked key stays revoked").hint("`bartizan keys create` makes another"));
    }
    let mut after: KeyRecord = before.clone();
    if args.no_signing_key {
        after.signing_key = None;
    }
    if let Some(key) = args.machine.signing_key()? {
        after.signing_key = Some(key);
    }
    if args.no_bindings || !args.machine.bindings.is_empty() {
        after.bindings = args.machine.bindings()?;
    }
    after.receipts = (before.receipts || args.receipts) && !args.no_receipts;
    if after == *before {
        return Err(Failure::usage("nothing to change was said").hint("see `bartizan keys update --help`"));
    }
    replace(before, &after, Permission::KeysUpdate, instance).await?;
    show.say(&KeyView::new(&after, names, UnixMillis::now()))
}

/// Where the pair goes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan keys signing-key --out ci.pem
  bartizan keys create --name ci --all-models --signing-key ci.pem.pub

The private key (Ed25519, PKCS #8) is readable by you only and never leaves this machine; the public one is written \
beside it. Key pairs made elsewhere do as well: `openssl genpkey -algorithm ed25519`.")]
pub struct SigningKeyArgs {
    /// File for the private key; `.pub` is appended for the public one
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Serialize)]
struct Pair {
    private_key: PathBuf,
    public_key: PathBuf,
    thumbprint: String,
}

impl Shown for Pair {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = [
            ("private key", self.private_key.display().to_string()),
            ("public key", self.public_key.display().to_string()),
            ("thumbprint", self.thumbprint.clone()),
        ];
        facts(out, &lines)
    }
}

/// Makes a key pair. Nothing that is there is overwritten.
// threat: CTX-T3
pub fn make_pair(args: &SigningKeyArgs, show: Show) -> Result<(), Failure> {
    let none = |_| Failure::new("no key could be made");
    let der = SigningKey::generate().map_err(none)?;
    let public = SigningKey::pkcs8(&der).map_err(none)?.public();
    let public = public.ok_or_else(|| Failure::new("no key could be made"))?;
    let mut name = args.out.clone().into_os_string();
    name.push(".pub");
    let public_path = PathBuf::from(name);
    write_new(&args.out, pem(&der).as_bytes(), 0o600)?;
    write_new(&public_path, format!("{public}\n").as_bytes(), 0o644)?;
    show.say(&Pair {
        private_key: args.out.clone(),
        public_key: public_path,
        thumbprint: public.name(),
    })
}

fn pem(der: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new("-----BEGIN PRIVATE KEY-----\n".to_owned());
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % PEM_COLUMNS == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let trouble = |e: io::Error| Failure::new(format!("`{}` cannot be written: {e}", path.display()));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(trouble)
}

fn read_public(path: &Path) -> Result<PublicKey, Failure> {
    let trouble = |e: &dyn std::fmt::Display| Failure::usage(format!("`{}`: {e}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| trouble(&e))?.len();
    if size > FILE_BYTES_MAX {
        return Err(trouble(&"the file is longer than any public key"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| trouble(&e))?);
    text.parse().map_err(|e| trouble(&e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn ctx_t3_a_pair_is_its_owners_and_reads_back() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("k.pem");
        let args = SigningKeyArgs { out: out.clone() };
        make_pair(&args, Show::new(true)).unwrap();
        assert_eq!(
            std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let der = PrivateKeyDer::from_pem_file(&out).unwrap();
        let public = SigningKey::pkcs8(der.secret_der()).unwrap().public().unwrap();
        assert_eq!(read_public(&folder.path().join("k.pem.pub")).unwrap(), public);
        assert!(read_public(&out).unwrap_err().to_string().contains("private"));
        assert!(make_pair(&args, Show::new(true)).is_err());
    }
}
