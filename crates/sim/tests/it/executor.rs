//! One thread, one task at a time, the next one drawn by the seed; time moves only when nobody is ready.
//!
//! Timers are those of a paused Tokio runtime. Work on files goes to its one blocking thread as in the product, and is
//! waited for before anything else runs: so the same seed gives the same run.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use crate::dice::Dice;
use crate::node;
use crate::world::World;

pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whose task: a node's die with it, and see its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Script,
    Node(usize),
}

/// What tasks ask of the executor.
pub enum Order {
    /// `files`: it has work done on the blocking thread.
    Start {
        of: Of,
        files: bool,
        work: Work,
    },
    Kill {
        node: usize,
    },
}

#[derive(Default)]
struct Ready {
    tasks: Mutex<BTreeSet<u64>>,
    root: Mutex<Option<Waker>>,
}

struct TaskWaker {
    id: u64,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.tasks.lock().unwrap().insert(self.id);
        if let Some(root) = self.ready.root.lock().unwrap().as_ref() {
            root.wake_by_ref();
        }
    }
}

struct Task {
    of: Of,
    files: bool,
    work: Work,
    waker: Waker,
}

pub struct Executor {
    world: Arc<World>,
    dice: Dice,
    tasks: BTreeMap<u64, Task>,
    ready: Arc<Ready>,
    next: u64,
    steps: u64,
}

/// Steps between two looks at the timers' wheel.
const STEPS_AT_ONCE: usize = 32;

impl Executor {
    /// Runs until the script's first task has ended; returns how many steps that took.
    pub fn run(world: Arc<World>, seed: u64, script: Work) -> u64 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let mut executor = Self {
            world,
            dice: Dice::new(seed ^ 0x5ced),
            tasks: BTreeMap::new(),
            ready: Arc::default(),
            next: 0,
            steps: 0,
        };
        executor.start(Of::Script, false, script);
        runtime.block_on(std::future::poll_fn(|context| executor.turn(context)));
        executor.tasks.clear();
        executor.world.end();
        executor.steps
    }

    fn start(&mut self, of: Of, files: bool, work: Work) {
        let (id, ready) = (self.next, self.ready.clone());
        self.next += 1;
        self.ready.tasks.lock().unwrap().insert(id);
        let waker = Waker::from(Arc::new(TaskWaker { id, ready }));
        let task = Task {
            of,
            files,
            work,
            waker,
        };
        self.tasks.insert(id, task);
    }

    fn turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        *self.ready.root.lock().unwrap() = Some(context.waker().clone());
        for _ in 0..STEPS_AT_ONCE {
            let Some(id) = self.draw() else {
                return Poll::Pending;
            };
            self.step(id);
            if !self.tasks.contains_key(&0) {
                return Poll::Ready(());
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn draw(&mut self) -> Option<u64> {
        let mut ready = self.ready.tasks.lock().unwrap();
        ready.retain(|id| self.tasks.contains_key(id));
        let at = if ready.len() > 1 {
            self.dice.below(ready.len())
        } else {
            0
        };
        let id = ready.iter().nth(at).copied()?;
        ready.remove(&id);
        Some(id)
    }

    fn step(&mut self, id: u64) {
        self.steps += 1;
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        self.world.look_through(task.of);
        let mut context = Context::from_waker(&task.waker);
        let files = task.files.then(Files::hold);
        let done = task.work.as_mut().poll(&mut context).is_ready();
        if let Some(files) = files {
            files.finish();
            if let Of::Node(node) = task.of {
                node::look_at_segments(&self.world, node);
            }
        }
        if done {
            self.tasks.remove(&id);
        }
        for order in self.world.take_orders() {
            match order {
                Order::Start { of, files, work } => self.start(of, files, work),
                Order::Kill { node } => self.tasks.retain(|_, task| task.of != Of::Node(node)),
            }
        }
    }
}

/// The one blocking thread, which takes its work in order.
struct Files(mpsc::Sender<()>);

impl Files {
    /// Nothing is done on files while a task runs: whether it was quick must not matter.
    fn hold() -> Self {
        let (go_on, held) = mpsc::channel();
        tokio::task::spawn_blocking(move || held.recv());
        Self(go_on)
    }

    /// All that was asked for is done, and who waited for it is awake.
    fn finish(self) {
        let (done, wait) = mpsc::channel();
        drop(self.0);
        tokio::task::spawn_blocking(move || done.send(()));
        wait.recv().unwrap();
    }
}
