//! An S3 server for tests: somebody else's, which verifies signatures, on a folder and a free loopback port; stopped
//! when dropped. It can be told to answer as broken servers do, and says who asked for what.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The key it takes.
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// And its secret.
pub const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

/// What it does with requests.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// What they ask for.
    #[default]
    Well,
    /// Answers each with this status, and a place to go instead if there is one.
    Answers(StatusCode, Option<String>),
    /// Lists nothing, whatever there is, and else does what they ask for: as storage does that is late with its lists.
    Blind,
    /// Answers none.
    Silent,
}

#[derive(Default)]
struct State {
    folder: PathBuf,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<String>>,
}

impl State {
    fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..Self::default()
        }
    }

    /// Whether the bucket of a path is there: the library would make it, which S3 does not.
    fn has_bucket(&self, path: &str) -> bool {
        let bucket = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        self.folder.join(bucket).is_dir()
    }
}

/// A server with one bucket for each folder in its folder.
pub struct S3Server {
    folder: TempDir,
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl S3Server {
    /// Starts one with this bucket.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(bucket: &str) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), bucket).await
    }

    /// Starts one there: where another was before, perhaps.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_at(address: SocketAddr, bucket: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(bucket)).expect("the folder is ours");
        let files = FileSystem::new(folder.path()).expect("the folder is there");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let (service, state) = (builder.build(), Arc::new(State::of(folder.path())));
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn(serve(listener, service, state.clone()));
        Self {
            folder,
            address,
            state,
            serving,
        }
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it does from now on.
    pub fn feel(&self, mood: Mood) {
        *lock(&self.state.mood) = mood;
    }

    /// Method and path of each request that came, in order; without what they were signed with.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.state.asked).clone()
    }

    /// Where an object's bytes are.
    pub fn file(&self, bucket: &str, name: &str) -> PathBuf {
        self.folder.path().join(bucket).join(name)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<State>) {
    // Ends with the server, so that it looks to callers as a server does that was stopped.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (service, state) = (service.clone(), state.clone());
        let answer = service_fn(move |request| answer(request, service.clone(), state.clone()));
        connections.spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(socket), answer).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    state: Arc<State>,
) -> Result<Response<s3s::Body>, Infallible> {
    lock(&state.asked).push(format!("{} {}", request.method(), request.uri().path()));
    let mood = lock(&state.mood).clone();
    let (status, place) = match mood {
        Mood::Well if !state.has_bucket(request.uri().path()) => {
            let text = "<Error><Code>NoSuchBucket</Code></Error>".to_owned();
            let mut response = Response::new(s3s::Body::from(text));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        }
        Mood::Blind
            if request
                .uri()
                .query()
                .is_some_and(|query| query.contains("list-type=2")) =>
        {
            let text = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                        <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
            return Ok(Response::new(s3s::Body::from(text.to_owned())));
        }
        Mood::Well | Mood::Blind => match service.call(request.map(s3s::Body::from)).await {
            Ok(response) => return Ok(response),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        },
        Mood::Answers(status, place) => (status, place),
        Mood::Silent => std::future::pending().await,
    };
    let mut response = Response::new(s3s::Body::from(Bytes::from_static(
        b"<Error><Code>AccessDenied</Code><Message>you wrote a secret</Message></Error>",
    )));
    *response.status_mut() = status;
    if let Some(place) = place.and_then(|place| place.parse().ok()) {
        response.headers_mut().insert(http::header::LOCATION, place);
    }
    Ok(response)
}
