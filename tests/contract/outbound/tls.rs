//! TLS: which certificates are trusted, and how failures are reported.

use std::net::SocketAddr;
use std::sync::Arc;

use outbound::{AllowList, CertificateDer, Error, Outbound, Request, RootCertStore, public_roots};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::{ALLOWED, Server, always, get, read_request, serve};

/// A private authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// The public authorities and this one.
    fn roots(&self) -> RootCertStore {
        let mut roots = public_roots();
        roots.add(CertificateDer::from(self.0.der().to_vec())).expect("a root");
        roots
    }

    fn acceptor(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a server");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server for one name, which answers with these bytes.
    async fn serve(&self, params: &CertificateParams, answer: &'static str) -> SocketAddr {
        let acceptor = self.acceptor(params);
        serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                read_request(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

fn client(roots: RootCertStore) -> Outbound {
    let allow: AllowList = "127.0.0.2/32".parse().expect("a range");
    Outbound::new(allow, roots, always(&[ALLOWED])).expect("a client")
}

const DONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";

#[tokio::test]
async fn the_certificate_must_be_for_the_name_and_from_a_trusted_authority() {
    let authority = Authority::new();
    let address = authority.serve(&named("name.example"), DONE).await;
    let port = address.port();
    let trusting = client(authority.roots());
    for url in [format!("https://name.example:{port}/"), format!("https://NAME.example.:{port}/")] {
        assert_eq!(trusting.send(get(&url)).await.expect("an answer").body, "done");
    }
    let literal = authority.serve(&named("127.0.0.2"), DONE).await;
    let answer = trusting.send(get(&format!("https://{literal}/"))).await.expect("an answer");
    assert_eq!(answer.body, "done");

    let mut expired = named("name.example");
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let expired = authority.serve(&expired, DONE).await.port();
    for (client, host, problem) in [
        (&trusting, format!("other.example:{port}"), "its certificate is for another name"),
        (&trusting, address.to_string(), "its certificate is for another name"),
        (&trusting, format!("name.example:{expired}"), "its certificate has expired"),
        (
            &client(public_roots()),
            format!("name.example:{port}"),
            "its certificate is not signed by a trusted authority",
        ),
    ] {
        let error = client.send(get(&format!("https://{host}/"))).await.expect_err(problem);
        assert!(matches!(error, Error::Tls { .. }), "{error}");
        assert!(error.to_string().ends_with(problem), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_fails_says_why() {
    let alert = |code| vec![0x15, 3, 3, 0, 2, 2, code];
    for (answer, problem) in [
        (alert(40), "no cipher suite or protocol version in common"),
        (alert(70), "no cipher suite or protocol version in common"),
        (alert(71), "no cipher suite or protocol version in common"),
        (alert(112), "the server does not know this name"),
        (alert(80), "the handshake failed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "the server does not speak TLS"),
        (Vec::new(), "the connection ended during the handshake"),
    ] {
        let address = serve(move |mut stream| {
            let answer = answer.clone();
            async move {
                // All of the first message, or closing would reset the connection.
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        let url = format!("https://name.example:{}/", address.await.port());
        let error = client(public_roots()).send(get(&url)).await.expect_err(problem);
        assert_eq!(error.to_string(), format!("no TLS with name.example: {problem}"));
    }
}

#[tokio::test]
async fn a_redirect_does_not_lead_from_https_to_http() {
    let plain = Server::start(DONE).await;
    let location = plain.url("/");
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let authority = Authority::new();
    let address = authority.serve(&named("name.example"), answer.leak()).await;
    let url = format!("https://name.example:{}/", address.port());
    let request = Request { follow_redirects: 5, ..get(&url) };
    let error = client(authority.roots()).send(request).await.expect_err("refused");
    assert!(matches!(error, Error::InvalidUrl(_)), "{error}");
    assert_eq!(plain.connections(), 0);
}
