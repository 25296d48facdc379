//! Certificates from PEM files.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

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
