//! The policies that answer on this control plane: what is configured and, on top, what was activated. A set
//! that cannot be put together never replaces one that could; where there is none yet, nothing is permitted.

use std::sync::{Arc, PoisonError, RwLock};

use policy::{Configured, Desk, Differences, Engine, Plane};
use store::Store;
use tokio::sync::Mutex;

use crate::problem::{Code, Problem};
use crate::shadow::Shadow;
use crate::versions::{self, Current, Standing};

/// What is configured, and which reading of the configuration it is.
#[derive(Debug, Clone)]
struct Given {
    reading: u64,
    configured: Arc<Configured>,
    ignore_activated: bool,
}

/// What something was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MadeOf {
    reading: u64,
    active: Option<u64>,
    shadow: Option<u64>,
}

/// What answers.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Who may do what.
    pub desk: Arc<Desk>,
    /// What is tried out beside it.
    pub shadow: Option<Arc<Shadow>>,
}

/// What is in force, and what it was made of.
#[derive(Debug)]
struct Kept<T> {
    of: MadeOf,
    made: T,
}

/// The policies, made when they are first asked and made anew when they change: a gate that nobody administers
/// neither waits for them nor keeps them in memory.
#[derive(Debug)]
pub struct Rules {
    given: RwLock<Given>,
    control: Mutex<Option<Kept<InForce>>>,
    calls: Mutex<Option<Kept<Arc<Engine>>>>,
    differences: Arc<Differences>,
}

impl Rules {
    /// Of this configuration. It was checked before.
    pub fn new(configured: Configured, ignore_activated: bool, differences: Arc<Differences>) -> Self {
        Self {
            given: RwLock::new(Given {
                reading: 0,
                configured: Arc::new(configured),
                ignore_activated,
            }),
            control: Mutex::new(None),
            calls: Mutex::new(None),
            differences,
        }
    }

    /// The configuration was read again; it was checked before.
    // threat: AGP-T3
    pub fn configure(&self, configured: Configured, ignore_activated: bool) {
        let mut given = self.given.write().unwrap_or_else(PoisonError::into_inner);
        *given = Given {
            reading: given.reading + 1,
            configured: Arc::new(configured),
            ignore_activated,
        };
    }

    /// What is configured.
    pub fn configured(&self) -> Arc<Configured> {
        self.given().configured
    }

    /// What the sets that are tried out answer otherwise.
    pub fn differences(&self) -> &Differences {
        &self.differences
    }

    /// What answers acts on the control plane.
    // threat: ANP-0014
    pub async fn control(&self, store: &dyn Store, standing: &Standing) -> Result<InForce, Problem> {
        let (given, of) = self.made_of(standing, Plane::Control);
        let mut kept = self.control.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.of == of) {
            return Ok(kept.made.clone());
        }
        let current = given.current(store, standing, Plane::Control).await;
        let differences = self.differences.clone();
        let made = off_the_path(current, move |current| {
            control(&given.configured, &current, differences)
        });
        keep(&mut kept, of, made.await)
    }

    /// What answers calls, for whoever asks why: the data plane has its own.
    pub async fn calls(&self, store: &dyn Store, standing: &Standing) -> Result<Arc<Engine>, Problem> {
        let (given, of) = self.made_of(standing, Plane::Calls);
        let mut kept = self.calls.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.of == of) {
            return Ok(kept.made.clone());
        }
        let current = given.current(store, standing, Plane::Calls).await;
        let made = off_the_path(current, move |current| {
            let engine = given.configured.engine(current.texts());
            engine.map(Arc::new).map_err(|error| error.to_string())
        });
        keep(&mut kept, of, made.await)
    }

    fn given(&self) -> Given {
        self.given.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn made_of(&self, standing: &Standing, plane: Plane) -> (Given, MadeOf) {
        let given = self.given();
        let counted = standing.of(plane);
        let unless_ignored = |number: Option<u64>| number.filter(|_| !given.ignore_activated);
        let of = MadeOf {
            reading: given.reading,
            active: unless_ignored(counted.active),
            shadow: unless_ignored(counted.shadow),
        };
        (given, of)
    }
}

impl Given {
    async fn current(&self, store: &dyn Store, standing: &Standing, plane: Plane) -> Result<Current, String> {
        if self.ignore_activated {
            return Ok(Current::default());
        }
        let current = versions::current(store, standing, plane).await;
        current.map_err(|error| error.to_string())
    }
}

fn control(
    configured: &Configured,
    current: &Current,
    differences: Arc<Differences>,
) -> Result<InForce, String> {
    let desk = configured
        .desk(current.texts())
        .map_err(|error| error.to_string())?;
    let shadow = current
        .shadow
        .as_deref()
        .and_then(|version| match configured.desk(Some(&version.texts)) {
            Ok(desk) => Some(Arc::new(Shadow::new(version.number, desk, differences))),
            Err(error) => {
                tracing::error!(version = version.number, %error, "this version cannot be tried out");
                None
            }
        });
    Ok(InForce {
        desk: Arc::new(desk),
        shadow,
    })
}

/// Reading and checking policies takes its time: not on a thread that serves others.
async fn off_the_path<T: Send + 'static>(
    current: Result<Current, String>,
    make: impl FnOnce(Current) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let current = current?;
    let made = tokio::task::spawn_blocking(move || make(current)).await;
    made.map_err(|error| error.to_string())?
}

/// What could be made is in force; what could not leaves what was there in force.
fn keep<T: Clone>(kept: &mut Option<Kept<T>>, of: MadeOf, made: Result<T, String>) -> Result<T, Problem> {
    match (made, kept.as_mut()) {
        (Ok(made), _) => {
            *kept = Some(Kept {
                of,
                made: made.clone(),
            });
            Ok(made)
        }
        (Err(why), Some(old)) => {
            tracing::error!(
                why,
                "the policies cannot be put together: those before stay in force"
            );
            Ok(old.made.clone())
        }
        (Err(why), None) => Err(Problem {
            internal: Some(why),
            ..Problem::new(
                Code::Internal,
                "the policies cannot be asked, so nothing is permitted",
            )
        }),
    }
}
