//! Which core runs what. The proxy under test has one core for itself; the mock upstream,
//! the load generator and this program share another.

use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// The core of the proxy under test.
pub const PROXY: usize = 0;
/// The core of everything else.
pub const REST: usize = 1;

/// Moves this process, and so all it starts, off the proxy's core.
pub fn settle_here() -> Outcome<()> {
    let cores = std::thread::available_parallelism()?.get();
    if cores < 2 {
        return Err(Failure::new(
            "needs two cores: one for the proxy, one for everything else",
        ));
    }
    let pid = std::process::id().to_string();
    let done = Command::new("taskset")
        .args(["-cp", &REST.to_string(), &pid])
        .stdout(Stdio::null())
        .status();
    match done {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::new(
            "taskset (util-linux) is needed to pin processes to cores",
        )),
    }
}
