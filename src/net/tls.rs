//! The settings of TLS: the roots that this process trusts, and the protocol versions.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::failure::{NO_ROOTS, RequestFailure};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::wiping_allocator::with_plain_memory;

/// Reads the system's roots, and trusts them and the `further` ones, which are in DER.
pub(super) fn client_config(further: &[Vec<u8>]) -> std::result::Result<ClientConfig, RequestFailure> {
    // Roots are not secret, and take a hundred times as much memory as all secrets.
    with_plain_memory(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(further.iter().map(|der| der.as_slice().into()));
        if roots.is_empty() {
            return Err(RequestFailure::Tls(NO_ROOTS));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| RequestFailure::Tls("the handshake failed"))?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        // The header compression of HTTP/2 would copy the key.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    })
}

/// Reads the certificates of a PEM text, and returns them in DER.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a text without a certificate, or with one that cannot be a root.
pub fn roots_of_pem(option: &str, pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    let roots: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let roots = roots.unwrap_or_default();
    if roots.is_empty() || roots.iter().any(|root| !is_root(root)) {
        let message = format!("{option} must contain PEM certificates that can each be a trusted root.");
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name(option));
    }
    Ok(roots.into_iter().map(|root| root.to_vec()).collect())
}

/// Whether a PEM text has a certificate that can be a root of trust.
#[must_use]
pub fn holds_root(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem).any(|certificate| certificate.is_ok_and(|certificate| is_root(&certificate)))
}

fn is_root(certificate: &CertificateDer<'_>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
