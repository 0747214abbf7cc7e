//! Reads certificates from the files that hold them.

use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::Fault;
use crate::x509::ReadCertificate;

/// The certificates of a file.
#[derive(Default)]
pub(super) struct Certificates {
    /// Each certificate with its position in the file, from 1. A certificate that occurs twice is listed once.
    pub(super) read: Vec<(usize, ReadCertificate)>,
    /// What is wrong with the file and with the certificates that cannot be read.
    pub(super) faults: Vec<Fault>,
}

/// Reads the certificates of a file in PEM, where other text may stand around the blocks, or one certificate in DER.
/// Keys are passed over.
pub(super) fn read(content: &[u8]) -> Certificates {
    let mut found = Certificates::default();
    // A certificate in DER is a SEQUENCE longer than 127 octets: 30 81, 30 82 or 30 83.
    if let [0x30, 0x81..=0x83, ..] = content {
        found.add(1, content);
        return found;
    }
    let (mut sections, mut position) = (0, 0);
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(content) {
        sections += 1;
        match section {
            Ok((SectionKind::Certificate, der)) => {
                position += 1;
                found.add(position, &der);
            }
            // The block may be a private key.
            Ok((_, der)) => drop(Zeroizing::new(der)),
            Err(_) => {
                found.faults.push(Fault::Pem);
                break;
            }
        }
    }
    if found.read.is_empty() && found.faults.is_empty() {
        found.faults.push(if sections == 0 { Fault::Unknown } else { Fault::NoCertificate });
    }
    found
}

impl Certificates {
    fn add(&mut self, position: usize, der: &[u8]) {
        match ReadCertificate::from_der(der) {
            Ok(read) if self.read.iter().any(|(_, known)| known.der() == read.der()) => {}
            Ok(read) => self.read.push((position, read)),
            Err(error) => self.faults.push(Fault::Certificate { position, reason: error.to_string() }),
        }
    }
}
