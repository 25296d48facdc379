//! PostgreSQL for tests: the server named by `BARTIZAN_TEST_POSTGRES_URL`, or one of our own on a temporary
//! folder and a loopback port, stopped when the last test that uses it ends. Never skips: a machine without
//! PostgreSQL fails the test and says what to install.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// An owner's URL of a server whose databases the tests may make and drop.
const URL_VARIABLE: &str = "BARTIZAN_TEST_POSTGRES_URL";
/// Fast and forgetful: nothing here outlives the test.
const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "password_encryption=md5",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=200",
];
const START_MAX: Duration = Duration::from_secs(60);

/// A PostgreSQL server for one test, and the databases it made there.
#[derive(Debug)]
pub struct TestPostgres {
    owner_url: String,
    databases: Mutex<Vec<String>>,
    /// Our own server, shared by the tests of this process that run at the same time.
    server: Option<Arc<Server>>,
}

impl TestPostgres {
    /// The server of the environment, or our own.
    ///
    /// # Panics
    /// If there is neither.
    pub async fn start() -> Self {
        if let Ok(owner_url) = std::env::var(URL_VARIABLE) {
            return Self {
                owner_url,
                databases: Mutex::default(),
                server: None,
            };
        }
        let server = tokio::task::spawn_blocking(Server::shared)
            .await
            .expect("the starter did not panic");
        Self {
            owner_url: server.url.clone(),
            databases: Mutex::default(),
            server: Some(server),
        }
    }

    /// A superuser's or owner's URL, of the server's default database.
    pub fn owner_url(&self) -> String {
        self.owner_url.clone()
    }

    /// The owner's URL of a new, empty database, dropped when this value is.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn fresh_database(&self) -> String {
        let name = format!("bartizan_test_{}", Uuid::new_v4().simple());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        execute(&self.owner_url, create)
            .await
            .expect("the owner may create databases");
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.clone());
        with_database(&self.owner_url, &name)
    }

    fn drop_databases(&self) {
        let names = std::mem::take(&mut *self.databases.lock().unwrap_or_else(PoisonError::into_inner));
        let url = self.owner_url.clone();
        // A thread of its own: a test's runtime may be ending around us.
        let work = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            for name in names {
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                runtime.block_on(execute(&url, drop)).ok();
            }
        });
        work.join().ok();
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // Our own server goes with all its databases.
        if self.server.is_none() {
            self.drop_databases();
        }
    }
}

async fn execute(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

/// The same URL, of another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url
        .split_once('?')
        .map_or((url, None), |(address, query)| (address, Some(query)));
    let (scheme, rest) = address.split_once("://").expect("a URL with a scheme");
    let host = rest.split('/').next().unwrap_or_default();
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{scheme}://{host}/{name}{query}")
}

/// A server of our own.
#[derive(Debug)]
struct Server {
    url: String,
    /// Closing it tells the keeper to stop the server.
    stop: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Server {
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bartizan-postgres-")
            .tempdir()
            .expect("a temporary folder");
        let programs = Programs::find();
        programs.hand_over(folder.path());
        let password = Uuid::new_v4().simple().to_string();
        programs.initialise(folder.path(), &password);
        let port = free_port();
        let (stop, stopped) = mpsc::channel();
        let keeper = std::thread::spawn({
            let (programs, path) = (programs.clone(), folder.path().to_owned());
            move || keep(&programs, &path, port, &stopped)
        });
        programs.wait_until_ready(port, &keeper);
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Self {
            url,
            stop: Some(stop),
            keeper: Some(keeper),
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.keeper.take().map(JoinHandle::join);
    }
}

/// The server's parent: a thread that lives as long as the server, because the kernel ends the server with
/// the thread that started it, also when the test is killed.
fn keep(programs: &Programs, folder: &Path, port: u16, stopped: &mpsc::Receiver<()>) {
    let mut server = programs.serve(folder, port);
    stopped.recv().ok();
    let data = folder.join("data");
    programs.run(
        "pg_ctl",
        [
            "stop".as_ref(),
            "-D".as_ref(),
            data.as_os_str(),
            "-m".as_ref(),
            "immediate".as_ref(),
        ],
    );
    server.wait().ok();
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("an address").port()
}

/// Where the server's programs are, and how to run them: as `postgres` when we are root, which the server
/// refuses to be.
#[derive(Debug, Clone)]
struct Programs {
    folder: PathBuf,
    root: bool,
}

impl Programs {
    fn find() -> Self {
        let versions = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten();
        let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
        folders.retain(|folder| folder.join("initdb").exists());
        folders.sort();
        let folder = folders.pop().unwrap_or_else(|| {
            panic!("PostgreSQL is not installed: run `apt-get install postgresql`, or set {URL_VARIABLE}")
        });
        Self {
            folder,
            root: number(Command::new("id").arg("-u")) == 0,
        }
    }

    /// Gives the folder to the user the server will run as.
    fn hand_over(&self, folder: &Path) {
        if self.root {
            let id = |flag| number(Command::new("id").args([flag, "postgres"]));
            std::os::unix::fs::chown(folder, Some(id("-u")), Some(id("-g")))
                .expect("root may give a folder away");
        }
    }

    fn initialise(&self, folder: &Path, password: &str) {
        let password_file = folder.join("password");
        fs::write(&password_file, password).expect("the folder is ours");
        let data = folder.join("data");
        let output = self.run(
            "initdb",
            [
                "-D".as_ref(),
                data.as_os_str(),
                "--pwfile".as_ref(),
                password_file.as_os_str(),
                "--username=postgres".as_ref(),
                // SCRAM costs an unoptimised client a tenth of a second for each connection.
                "--auth=md5".as_ref(),
                "--encoding=UTF8".as_ref(),
                "--locale=C".as_ref(),
                "--no-sync".as_ref(),
            ],
        );
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn run<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> std::process::Output {
        let program = self.folder.join(program);
        let mut command = if self.root {
            Command::new("runuser")
        } else {
            Command::new(&program)
        };
        if self.root {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command
            .args(arguments)
            .current_dir("/")
            .output()
            .expect("the program can be run")
    }

    fn serve(&self, folder: &Path, port: u16) -> Child {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=INT").current_dir("/");
        if self.root {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command
            .arg(self.folder.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder);
        command.args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("the server can be run")
    }

    fn wait_until_ready(&self, port: u16, keeper: &JoinHandle<()>) {
        let (begun, port) = (Instant::now(), port.to_string());
        let arguments = ["-h", "127.0.0.1", "-p", &port];
        while !self.run("pg_isready", arguments.map(OsStr::new)).status.success() {
            assert!(
                !keeper.is_finished() && begun.elapsed() < START_MAX,
                "PostgreSQL did not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The number a command prints.
fn number(command: &mut Command) -> u32 {
    let output = command.output().expect("the program can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("not a number: `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_replaced_and_the_rest_is_kept() {
        let url = "postgres://me:secret@[::1]:5432/mine?sslmode=disable";
        assert_eq!(
            with_database(url, "other"),
            "postgres://me:secret@[::1]:5432/other?sslmode=disable"
        );
        assert_eq!(with_database("postgres://host", "other"), "postgres://host/other");
    }
}
