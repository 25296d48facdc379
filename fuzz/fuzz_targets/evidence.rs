//! Entries, notes, proofs and exports from strangers: never a panic, never a false "verified".
#![no_main]

use ledger::note::{Signer, Verifier};
use ledger::{Entry, Intent, Posting, bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = Entry::from_bytes(data) {
        assert_eq!(entry.to_bytes(), data);
    }
    let _ = Intent::from_bytes(data);
    if let Ok((_, bytes)) = Posting::read(data) {
        assert!(data.ends_with(bytes));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(signer) = Signer::from_seed("fuzz", &[7; 32]) else { return };
    let Ok(verifier) = Verifier::parse(&signer.verifier_text()) else { return };
    // Nobody but the holder of the seed can make one of these verify.
    assert!(ledger::note::open(text, &[verifier.clone()]).is_err());
    let lines = text.lines().map(str::to_owned);
    assert!(bundle::verify_export(lines, &verifier, None).is_err());
});
