//! What is in the process's memory stays there: no core dump is written, and no other process of the account
//! may look in. Never a reason not to start: a system that refuses is told of, not obeyed.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Switches core dumps off, and on Linux also tracing and reading memory by others of the same account.
/// Commands handle secrets as well as the gate does, so all of them do this first. Says what was refused.
// threat: AGP-CRED-2.1
// threat: AGP-CRED-2.2
pub fn harden() -> Result<(), std::io::Error> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
