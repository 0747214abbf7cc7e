//! The request: what has to be signed, in full, and by whom.

use std::collections::BTreeMap;
use std::io::Read;

use tar::{Archive, EntryType};

use super::error::SigningFileError;
use super::{INDEX_NAME, SCRIPT_NAME, SIGNER, SUMS, sums};
use crate::bundle::head::Head;
use crate::bundle::hex::Sha256;
use crate::bundle::index::Index;
use crate::bundle::limits::INDEX;
use crate::bundle::mode::Mode;
use crate::bundle::name::folder;
use crate::bundle::record::Record;
use crate::bundle::tar::{END, Kind};
use crate::bundle::write::Tar;
use crate::bundle::write_error::WriteError;
use crate::sign::{PublicKey, Sign};

/// A request for the signatures of a bundle.
pub struct SigningRequest {
    index: Index,
    index_sha256: Sha256,
    signer: PublicKey,
    /// What is to be signed, by its path below the top folder, in the order of the archive.
    documents: Vec<(String, Vec<u8>)>,
}

impl SigningRequest {
    /// Returns the request of a bundle. `records` has the record of each part of the index by its path below the top
    /// folder, and `script` is what is signed beside them.
    ///
    /// # Errors
    /// Returns [`SigningFileError`] when the index or a record is not valid, or they do not belong together.
    pub fn new(
        index: Vec<u8>,
        mut records: BTreeMap<String, Vec<u8>>,
        script: Vec<u8>,
        signer: PublicKey,
    ) -> Result<Self, SigningFileError> {
        let not_valid = |path: &str, problem| SigningFileError::NotValid { path: path.to_owned(), problem };
        let read = Index::read(&index).map_err(|problem| not_valid(INDEX_NAME, problem))?;
        let index_sha256 = Sha256::of(&index);
        let mut documents = vec![(INDEX_NAME.to_owned(), index), (SCRIPT_NAME.to_owned(), script)];
        for (part, sha256) in &read.parts {
            let path = format!("{}.json", folder(part));
            let bytes = records.remove(&path).ok_or_else(|| SigningFileError::Missing(path.clone()))?;
            if Sha256::of(&bytes) != *sha256 {
                return Err(SigningFileError::OtherRecord(path));
            }
            let record = Record::read(&bytes).map_err(|problem| not_valid(&path, problem))?;
            if record.head != read.head || record.owner.part() != *part {
                return Err(SigningFileError::OtherRecord(path));
            }
            documents.push((path, bytes));
        }
        Ok(Self { index: read, index_sha256, signer, documents })
    }

    /// Reads a request, byte for byte as [`Self::to_tar`] writes it.
    ///
    /// # Errors
    /// Returns [`SigningFileError`] for anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, SigningFileError> {
        let mut files = files(bytes)?;
        let top = files.keys().find_map(|path| path.strip_suffix(INDEX_NAME)).unwrap_or_default().to_owned();
        let mut take = |name: &str| {
            files.remove(&format!("{top}{name}")).ok_or_else(|| SigningFileError::Missing(name.to_owned()))
        };
        let (index, script) = (take(INDEX_NAME)?, take(SCRIPT_NAME)?);
        let signer = PublicKey::from_pem(&take(SIGNER)?).map_err(SigningFileError::Signer)?;
        let below = |(path, bytes): (String, Vec<u8>)| Some((path.strip_prefix(&top)?.to_owned(), bytes));
        let request = Self::new(index, files.into_iter().filter_map(below).collect(), script, signer)?;
        match request.to_tar() {
            Ok(written) if *written == *bytes => Ok(request),
            _ => Err(SigningFileError::OtherForm),
        }
    }

    /// Returns the request as a tar archive.
    ///
    /// # Errors
    /// Returns [`WriteError::PathTooLong`], which no index leads to that a bundle can have.
    pub fn to_tar(&self) -> Result<Vec<u8>, WriteError> {
        let signer = self.signer.to_pem();
        let sums = self.sums();
        let first = [(SUMS, sums.as_bytes()), (SIGNER, signer.as_bytes())];
        write(&self.index.head, first.into_iter().chain(self.documents()))
    }

    /// Returns the answer as a tar archive: a signature over each of the documents.
    ///
    /// # Errors
    /// Returns [`WriteError::Signing`] when the key does not sign.
    pub fn answer(&self, sign: &Sign<'_>) -> Result<Vec<u8>, WriteError> {
        let signed = |(path, bytes): (&str, &[u8])| {
            let signature = sign(path, bytes).map_err(|error| WriteError::Signing { path: path.to_owned(), error })?;
            Ok((format!("{path}.sig"), signature))
        };
        let signatures = self.documents().map(signed).collect::<Result<Vec<_>, WriteError>>()?;
        let sums = self.sums();
        let signatures = signatures.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        write(&self.index.head, [(SUMS, sums.as_bytes())].into_iter().chain(signatures))
    }

    fn sums(&self) -> String {
        sums(self.documents())
    }

    /// Returns what is to be signed, by its path below the top folder, in the order of the archive.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.documents.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// Returns the index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Returns the SHA-256 of the index, which names all that is to be signed but the script.
    #[must_use]
    pub const fn index_sha256(&self) -> Sha256 {
        self.index_sha256
    }

    /// Returns the key whose signatures are asked for.
    #[must_use]
    pub const fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// Returns the script.
    #[must_use]
    pub fn script(&self) -> &[u8] {
        self.documents().find(|(path, _)| *path == SCRIPT_NAME).map(|(_, bytes)| bytes).unwrap_or_default()
    }
}

/// Writes files below the top folder of a head, with the folder `nodes` before the first file in it.
fn write<'a>(head: &Head, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, WriteError> {
    const NODES: &str = "nodes/";
    let top = head.top();
    let mut tar = Tar::new(head, 0);
    tar.entry(&format!("{top}/"), Kind::Folder, b"")?;
    let mut has_nodes = false;
    for (path, bytes) in files {
        if path.starts_with(NODES) && !has_nodes {
            tar.entry(&format!("{top}/{NODES}"), Kind::Folder, b"")?;
            has_nodes = true;
        }
        tar.entry(&format!("{top}/{path}"), Kind::File { mode: Mode::Public, size: bytes.len() as u64 }, bytes)?;
    }
    tar.bytes.extend_from_slice(&END);
    Ok(std::mem::take(&mut *tar.bytes))
}

/// Returns the regular files of a tar archive of any kind, by path.
pub(super) fn files(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, SigningFileError> {
    let not_tar = |_| SigningFileError::NotTar;
    let mut files = BTreeMap::new();
    for entry in Archive::new(bytes).entries().map_err(not_tar)? {
        let mut entry = entry.map_err(not_tar)?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.size() > INDEX {
            return Err(SigningFileError::TooLarge(path));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(not_tar)?;
        if content.len() as u64 != entry.size() {
            return Err(SigningFileError::NotTar);
        }
        files.insert(path, content);
    }
    Ok(files)
}
