//! `bartizan witness`: remembers for other instances how long their logs were and what their roots were, and cosigns a head
//! only if its log has done nothing but grow since (C2SP `tlog-witness`). It has no store and no part in any gate: it is of
//! use on another machine, in other hands.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use credential::MasterKey;
use domain::UnixMillis;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ledger::note::{Checkpoint, Verifier, claimed};
use ledger::witness::{AddCheckpoint, Cosigner, NotCosigned, REQUEST_BYTES_MAX, cosign};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use zeroize::Zeroizing;

use crate::failure::{Failure, Hint};

/// Logs ask one after the other, and seldom.
const CONNECTIONS_MAX: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(10);
const KEY_FILE: &str = "witness.key";
/// What its key grows from.
const PURPOSE: &str = "bartizan witness 1";

/// Where it listens, and for whom.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan witness --listen 0.0.0.0:8099 --dir /var/lib/witness --name witness.example.org --log ledger.key > witness.pub
  bartizan ledger witness --url http://witness.example.org:8099 --key witness.pub --dir heads

Prints its public key, which those who verify are given. The folder holds its private key and the last head of every log; \
whoever could set it back could make it forget, so let it be somebody else's than the gate's. It speaks plain HTTP: what it \
is asked and what it answers is signed. Any log of the C2SP kind can ask it, and `bartizan ledger witness` any such witness.")]
pub struct WitnessArgs {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Its folder, made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// What it is called; it signs under that name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A log's public key as `bartizan ledger key` prints it, or a file that holds it; may be repeated
    #[arg(long = "log", value_name = "KEY", required = true)]
    logs: Vec<String>,
}

/// What it knows.
struct Desk {
    dir: PathBuf,
    cosigner: Cosigner,
    logs: Vec<Verifier>,
    /// Nobody else has the folder.
    _lock: File,
}

/// Serves until the process ends.
pub async fn run(args: WitnessArgs) -> Result<(), Failure> {
    let logs: Result<Vec<_>, _> = args
        .logs
        .iter()
        .map(|given| super::ledger::trust::key(given))
        .collect();
    let desk = Desk::open(&args.dir, &args.name, logs?)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failure::new(format!("`{}` cannot be listened on: {error}", args.listen)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(error.to_string()))?;
    super::show::finish(writeln!(io::stdout(), "{}", desk.cosigner.key()))?;
    super::show::remark(&format!("cosigning on http://{address}"));
    serve(Arc::new(Mutex::new(desk)), listener).await;
    Ok(())
}

async fn serve(desk: Arc<Mutex<Desk>>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let desk = desk.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let desk = desk.clone();
                async move { Ok::<_, Infallible>(answer(&desk, request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(TIMEOUT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(TIMEOUT * 2, connection).await;
            drop(place);
        });
    }
}

async fn answer(desk: &Mutex<Desk>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/add-checkpoint" {
        return said(404, "POST /add-checkpoint\n".to_owned());
    }
    if request.method() != Method::POST {
        return said(405, "POST /add-checkpoint\n".to_owned());
    }
    let body = tokio::time::timeout(
        TIMEOUT,
        Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect(),
    )
    .await;
    let text = body.ok().and_then(Result::ok);
    let text = text.and_then(|body| String::from_utf8(body.to_bytes().to_vec()).ok());
    let Some(asked) = text.and_then(|text| AddCheckpoint::read(&text)) else {
        return said(400, "not a request of tlog-witness\n".to_owned());
    };
    match desk.lock().await.cosign(&asked) {
        Ok(line) => said(200, line),
        Err(Trouble::Refused(NotCosigned::SeenOther(size))) => {
            let mut answer = said(409, format!("{size}\n"));
            let kind = HeaderValue::from_static("text/x.tlog.size");
            answer.headers_mut().insert(CONTENT_TYPE, kind);
            answer
        }
        Err(Trouble::Refused(why)) => {
            super::show::remark(&format!("not cosigned: {why}"));
            said(why.status(), format!("{why}\n"))
        }
        Err(Trouble::Folder(error)) => {
            super::show::remark(&format!("the folder cannot be used: {error}"));
            said(500, "try again later\n".to_owned())
        }
    }
}

fn said(status: u16, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Why nothing is cosigned.
enum Trouble {
    Refused(NotCosigned),
    Folder(io::Error),
}

impl Desk {
    fn open(dir: &Path, name: &str, logs: Vec<Verifier>) -> Result<Self, Failure> {
        let trouble = |error: io::Error| Failure::new(format!("`{}` cannot be used: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(trouble)?;
        let lock = File::create(dir.join("lock")).map_err(trouble)?;
        lock.try_lock().map_err(|_| {
            Failure::new(format!("`{}` is in use", dir.display())).hint("another witness runs on this folder")
        })?;
        let seed = seed(&dir.join(KEY_FILE))?;
        let cosigner = Cosigner::from_seed(name, &seed).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self {
            dir: dir.to_owned(),
            cosigner,
            logs,
            _lock: lock,
        })
    }

    /// What is cosigned is on the disk before the line leaves: what was seen is never forgotten.
    // threat: ANP-0012
    fn cosign(&self, asked: &AddCheckpoint) -> Result<String, Trouble> {
        let claims = claimed(&asked.note).map_err(|error| Trouble::Refused(NotCosigned::NotSigned(error)))?;
        let seen = self.seen(&claims.origin).map_err(Trouble::Folder)?;
        let now_s = u64::try_from(UnixMillis::now().0 / 1000).unwrap_or_default();
        let cosigned = cosign(asked, &self.logs, |_| seen, (&self.cosigner, now_s));
        let (head, line) = cosigned.map_err(Trouble::Refused)?;
        let path = self.file(&head.origin);
        replace(&path, format!("{}{line}", asked.note).as_bytes()).map_err(Trouble::Folder)?;
        Ok(line)
    }

    /// The last head of that log. A file that does not read is not "nothing".
    fn seen(&self, origin: &str) -> io::Result<Option<Checkpoint>> {
        match std::fs::read_to_string(self.file(origin)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(note) => match claimed(&note) {
                Ok(head) if head.origin == origin => Ok(Some(head)),
                _ => Err(io::Error::other("a head that was kept does not read")),
            },
        }
    }

    fn file(&self, origin: &str) -> PathBuf {
        self.dir.join(file_of(origin))
    }
}

/// A file's name for a log's: its own may hold anything.
pub fn file_of(origin: &str) -> String {
    format!("{}.checkpoint", blake3::hash(origin.as_bytes()).to_hex())
}

/// Puts these bytes in a file's place, all or none, and on the disk.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

/// The seed of its key, made the first time.
// threat: CTX-T3
fn seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let trouble = |error: io::Error| Failure::new(format!("`{}` cannot be used: {error}", path.display()));
    let mut seed = Zeroizing::new([0; 32]);
    match File::open(path) {
        Ok(mut file) => file.read_exact(seed.as_mut_slice()).map_err(trouble)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = MasterKey::generate().map_err(|error| Failure::new(error.to_string()))?;
            seed = made.derive(PURPOSE);
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            let written = file.and_then(|mut file| {
                file.write_all(seed.as_slice())?;
                file.sync_all()
            });
            written.map_err(trouble)?;
        }
        Err(error) => return Err(trouble(error)),
    }
    Ok(seed)
}
