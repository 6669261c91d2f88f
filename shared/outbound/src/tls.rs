//! TLS with rustls and ring, and explanations of its failures.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use tokio_rustls::TlsConnector;

/// The certificate authorities that Mozilla trusts. They are compiled in, since those of the
/// machine would have to be read at every cold start.
pub fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

pub(crate) fn connector(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Says in plain words why a handshake failed.
pub(crate) fn problem(cause: &io::Error) -> &'static str {
    let Some(cause) = cause.get_ref().and_then(|inner| inner.downcast_ref()) else {
        return "the connection ended during the handshake";
    };
    match cause {
        // Servers send these alerts if they support nothing that rustls offers.
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        ) => "no cipher suite or protocol version in common",
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the server does not know this name"
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client certificate"
        }
        Error::InvalidMessage(_) => "the server does not speak TLS",
        Error::InvalidCertificate(cause) => match cause {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::UnknownIssuer => {
                "its certificate is not signed by a trusted authority"
            }
            _ => "its certificate is not valid",
        },
        _ => "the handshake failed",
    }
}
