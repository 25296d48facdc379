//! The loopback benchmark.
fn main() {}
