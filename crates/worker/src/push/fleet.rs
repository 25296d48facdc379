//! What tenants have set up for themselves: each sink and each schedule of theirs is worked on by a task of its own, so that
//! one tenant's slow receiver keeps nobody else waiting. Who there is, is read again when the directory has changed; what is
//! no more or was changed ends before its successor begins.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::NodeId;
use store::{Store, StoreError};
use telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::report::{Maker, ReportOptions, Reporter};
use super::route::Guide;
use super::{Pusher, SinkOptions};
use crate::pace::sleep_or_stop;

/// Something to be worked on, as it is set up now.
#[derive(Debug)]
pub struct Job {
    /// What it is, whatever is changed of it.
    pub id: String,
    /// Other when anything of it was changed.
    pub mark: String,
    /// What is done.
    pub work: Work,
}

/// What is done.
#[derive(Debug)]
pub enum Work {
    /// A tenant's sink is told of its log.
    Sink(Box<SinkOptions>),
    /// A tenant's report is delivered.
    Report(Box<ReportOptions>, Arc<dyn Maker>),
}

/// Says what there is to do.
#[async_trait]
pub trait Roster: Send + Sync + std::fmt::Debug {
    /// Everything, over all tenants that are there.
    async fn jobs(&self) -> Result<Vec<Job>, StoreError>;
}

/// Keeps one task for each job.
#[derive(Debug)]
pub struct Fleet {
    store: Arc<dyn Store>,
    node: NodeId,
    roster: Arc<dyn Roster>,
    every: Duration,
    guide: Guide,
    revision: Option<u64>,
    running: HashMap<String, Running>,
    /// What is counted of each has no name that a scrape would show: tenants make no series.
    apart: Arc<Metrics>,
}

#[derive(Debug)]
struct Running {
    mark: String,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    async fn end(self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

impl Fleet {
    /// One for these jobs, which are looked for that often.
    pub fn new((store, node): (Arc<dyn Store>, NodeId), roster: Arc<dyn Roster>, every: Duration) -> Self {
        Self {
            guide: Guide::new(store.clone()),
            store,
            node,
            roster,
            every,
            revision: None,
            running: HashMap::new(),
            apart: Arc::new(Metrics::new("tenants")),
        }
    }

    /// Works until told to stop, and until all tasks have.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "what tenants have set up cannot be read: it stays as it was");
            }
            if sleep_or_stop(self.every, &mut shutdown).await {
                break;
            }
        }
        for (_, running) in self.running.drain() {
            running.end().await;
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let revision = self.store.revision().await?;
        if self.revision == Some(revision) {
            return Ok(());
        }
        let jobs = self.roster.jobs().await?;
        let is_there =
            |id: &String, running: &Running| jobs.iter().any(|job| job.id == *id && job.mark == running.mark);
        let gone: Vec<String> = self
            .running
            .iter()
            .filter(|(id, running)| !is_there(id, running))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            if let Some(running) = self.running.remove(&id) {
                running.end().await;
            }
        }
        for job in jobs {
            if !self.running.contains_key(&job.id) {
                let (stop, stopping) = watch::channel(false);
                let task = self.begin(&job.id, job.work, stopping);
                let mark = job.mark;
                self.running.insert(job.id, Running { mark, stop, task });
            }
        }
        self.revision = Some(revision);
        Ok(())
    }

    /// What cannot be begun is told once, and tried again when it is changed.
    fn begin(&self, id: &str, work: Work, stopping: watch::Receiver<bool>) -> Option<JoinHandle<()>> {
        let (place, counted) = ((self.store.clone(), self.node), self.apart.gauges().sink(id));
        let begun = match work {
            Work::Sink(options) => Pusher::guided(place, *options, (self.guide.clone(), counted))
                .map(|pusher| tokio::spawn(pusher.run(stopping))),
            Work::Report(options, maker) => Reporter::new(place, *options, (maker, counted))
                .map(|reporter| tokio::spawn(reporter.run(stopping))),
        };
        begun
            .inspect_err(|why| tracing::warn!(id, why, "what a tenant has set up cannot be used"))
            .ok()
    }
}
