//! Asks a server one question, `GET`, with limits: whether etcd, the API server or the kubelet is well.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use thiserror::Error;

use super::programs::Deadline;
use super::reason;

/// The most bytes of an answer, more than any answer about health has.
const LIMIT: u64 = 1 << 18;

/// The answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// A certificate or key of ours cannot be used; the text is the reason.
    #[error("our own certificate or key cannot be used: {0}")]
    Unusable(String),
    /// The connection failed.
    #[error("{}", reason(.0))]
    Io(io::Error),
    /// The client refused the server's certificate, or the server refused ours.
    #[error("{}", untrusted(.0))]
    Tls(rustls::Error),
    /// The answer is not HTTP.
    #[error("what answers there does not speak HTTP")]
    NotHttp,
}

/// Returns why the two sides do not trust each other, in words for a person.
fn untrusted(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer => "its certificate is signed by an unknown authority".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is not for this address".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet".to_owned()
            }
            other => format!("its certificate is no good: {other}"),
        },
        rustls::Error::AlertReceived(alert) => format!("it refuses our certificate: {alert:?}"),
        other => other.to_string(),
    }
}

/// The CA by which a server is known, and the certificate that we show it.
pub struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// Returns a client that trusts only certificates that `authority` signed. `identity` is the certificate and key
    /// that it shows, if any. All are PEM.
    ///
    /// # Errors
    /// Returns [`AskError::Unusable`] when a certificate or key cannot be used.
    pub fn new(authority: &[u8], identity: Option<(&[u8], &[u8])>) -> Result<Self, AskError> {
        let unusable = |error: &dyn ToString| AskError::Unusable(error.to_string());
        let certificates = |pem: &[u8]| {
            CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|error| unusable(&error))
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authority)? {
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(&error))?;
                builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|error| unusable(&error))?
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

/// Asks for a path, and returns the answer. With a client, the question goes over TLS, and the server's certificate
/// must be for its address.
///
/// # Errors
/// Returns why there is no answer within `limit`.
pub fn ask(address: SocketAddr, path: &str, client: Option<&TlsClient>, limit: Duration) -> Result<Answer, AskError> {
    let deadline = Deadline::after(limit);
    let stream = TcpStream::connect_timeout(&address, limit).map_err(AskError::Io)?;
    stream.set_write_timeout(Some(limit)).map_err(AskError::Io)?;
    let timer = stream.try_clone().map_err(AskError::Io)?;
    let timed = |stream: &mut dyn ReadWrite| exchange(stream, &timer, address, path, deadline);
    let bytes = match client {
        None => timed(&mut { stream }),
        Some(TlsClient(config)) => {
            let name = ServerName::from(address.ip());
            let connection = ClientConnection::new(Arc::clone(config), name).map_err(AskError::Tls)?;
            timed(&mut StreamOwned::new(connection, stream))
        }
    };
    read_answer(&bytes.map_err(distinguish)?).ok_or(AskError::NotHttp)
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// Sends the question, and returns everything that comes back until the server closes.
///
/// HTTP/1.0 has no other end of an answer. Go's servers speak it, so no answer comes in chunks.
fn exchange(
    stream: &mut dyn ReadWrite,
    timer: &TcpStream,
    address: SocketAddr,
    path: &str,
    deadline: Deadline,
) -> io::Result<Vec<u8>> {
    let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
    timer.set_read_timeout(Some(deadline.left().ok_or_else(timed_out)?))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    stream.flush()?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        timer.set_read_timeout(Some(deadline.left().ok_or_else(timed_out)?))?;
        match stream.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(piece.get(..length).unwrap_or_default()),
            // Some servers close without TLS's own end. The head of the answer says whether all of it has come.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !bytes.is_empty() => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(timed_out()),
            Err(error) => return Err(error),
        }
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

/// Takes out the error of rustls, which wraps its errors in those of input and output.
fn distinguish(error: io::Error) -> AskError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => AskError::Tls(tls.clone()),
        None => AskError::Io(error),
    }
}

/// Reads an answer as RFC 9112, section 4, has it: `HTTP/1.1 200 OK`, lines, an empty line, the body.
///
/// With Content-Length, the body is as long as that says. Returns `None` when less has come.
fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..split)?).ok()?;
    let body = bytes.get(split + 4..)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.splitn(3, ' ');
    let version = words.next()?;
    let status = words.next().filter(|status| status.len() == 3 && version.starts_with("HTTP/1."))?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())
    });
    let body = match length {
        Some(length) => body.get(..length?)?,
        None => body,
    };
    Some(Answer { status, body: String::from_utf8_lossy(body).into_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;
    use std::time::Duration;

    use super::{Answer, AskError, TlsClient, ask, read_answer};

    const LONG: Duration = Duration::from_secs(60);

    fn answer(text: &str) -> Option<Answer> {
        read_answer(text.as_bytes())
    }

    #[test]
    fn answers_are_read() {
        let ok = |body: &str| Some(Answer { status: 200, body: body.to_owned() });
        assert_eq!(answer("HTTP/1.0 200 OK\r\n\r\nok"), ok("ok"));
        assert_eq!(answer("HTTP/1.1 200\r\nA: b\r\ncontent-LENGTH: 2\r\n\r\nok, and more"), ok("ok"));
        assert_eq!(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ok(""));
        let failed = answer("HTTP/1.1 500 Internal Server Error\r\n\r\n[-]etcd failed\n").unwrap();
        assert_eq!((failed.status, failed.body.as_str()), (500, "[-]etcd failed\n"));
    }

    #[test]
    fn what_is_no_answer_or_half_of_one_is_none() {
        for wrong in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\n\nok",
            "HTTP/2 200 OK\r\n\r\nok",
            "HTTP/1.1 20x OK\r\n\r\nok",
            "HTTP/1.1 2000 OK\r\n\r\nok",
            "HTTP/1.1\r\n\r\nok",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
        ] {
            assert_eq!(answer(wrong), None, "{wrong:?}");
        }
    }

    /// Starts a server that answers one question with these bytes.
    fn server(bytes: Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 4096];
            let length = stream.read(&mut question).unwrap();
            assert!(question[..length].starts_with(b"GET /healthz HTTP/1.0\r\n"));
            // This may fail, because the other side stops reading when it has seen enough.
            let _ = stream.write_all(&bytes);
        });
        address
    }

    #[test]
    fn a_server_is_asked_within_limits() {
        let ask = |bytes: &[u8]| ask(server(bytes.to_vec()), "/healthz", None, LONG);
        assert_eq!(ask(b"HTTP/1.0 200 OK\r\n\r\nok").unwrap().body, "ok");
        assert!(matches!(ask(b"220 smtp.example\r\n\r\n"), Err(AskError::NotHttp)));
        let endless = [b"HTTP/1.0 200 OK\r\n\r\n".as_slice(), &vec![b'x'; 1 << 20]].concat();
        assert!(matches!(ask(&endless), Err(AskError::Io(error)) if error.kind() == ErrorKind::FileTooLarge));
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let waited = super::ask(silent.local_addr().unwrap(), "/", None, Duration::from_millis(50));
        assert!(matches!(waited, Err(AskError::Io(error)) if error.kind() == ErrorKind::TimedOut));
        let closed = silent.local_addr().unwrap();
        drop(silent);
        let refused = super::ask(closed, "/", None, LONG);
        assert!(matches!(refused, Err(AskError::Io(error)) if error.kind() == ErrorKind::ConnectionRefused));
    }

    #[test]
    fn what_is_no_certificate_is_unusable() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(TlsClient::new(broken, None), Err(AskError::Unusable(_))));
        assert!(matches!(TlsClient::new(b"", Some((b"", b"no key"))), Err(AskError::Unusable(_))));
        assert!(TlsClient::new(b"", None).is_ok());
    }
}
