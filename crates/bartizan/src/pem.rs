//! Certificates, and lists of revoked ones, from files.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use crate::failure::Failure;

/// All of a file's; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let trouble = |e: rustls::pki_types::pem::Error| {
        Failure::new(format!(
            "certificates in `{}` cannot be read: {e}",
            path.display()
        ))
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(trouble)?.collect();
    let found = found.map_err(trouble)?;
    if found.is_empty() {
        return Err(Failure::new(format!("`{}` holds no certificate", path.display())));
    }
    Ok(found)
}

/// All lists of revoked certificates of a file, in PEM or as one in DER; at least one.
pub fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let trouble = |e: String| {
        Failure::new(format!(
            "revoked certificates in `{}` cannot be read: {e}",
            path.display()
        ))
    };
    let bytes = std::fs::read(path).map_err(|e| trouble(e.to_string()))?;
    // DER begins with the mark of a sequence, PEM with text.
    if bytes.first() == Some(&0x30) {
        return Ok(vec![bytes.into()]);
    }
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|e| trouble(e.to_string()))?;
    if found.is_empty() {
        return Err(trouble("there is none".to_owned()));
    }
    Ok(found)
}
