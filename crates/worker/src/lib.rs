//! Floor 4: what happens beside requests: shipping, checkpoints, sweeps.
