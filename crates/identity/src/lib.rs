//! Floor 1: who somebody is, and how they show it: passwords, second factors, sessions of people,
//! tokens of registered issuers, signed requests, and what the gate says of callers. Never does I/O, never reads a clock; randomness is drawn
//! only where something is generated. Nothing here decides what somebody may do.

pub mod jwt;
pub mod password;
pub mod recovery;
pub mod session;
pub mod signature;
pub mod throttle;
pub mod token;
pub mod totp;
pub mod vouch;

pub use credential::NoRandomness;

/// Bytes from the system's cryptographic generator.
fn random<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = zeroize::Zeroizing::new([0u8; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
