//! Reads a bundle or a slice, and accepts only what the writer would have written.
//!
//! Before a signature is verified, the reader uses the path and the size in two headers and nothing else. After that it
//! knows every byte of the headers to come: it encodes them itself and compares. A record whose digest is in the signed
//! index is trusted because of that, but its own signature is verified too before the part is returned.

use std::io::BufRead;
use std::mem::{replace, take};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use zeroize::Zeroizing;

use super::error::BundleError;
use super::gzip::Members;
use super::hex::Sha256;
use super::index::Index;
use super::limits::{FILE, INDEX, SIGNATURE};
use super::mode::Mode;
use super::name::folder;
use super::part::Content;
use super::record::Record;
use super::rows::{Entry, Row, entries};
use super::tar::{BLOCK, Kind, header, padding, raw_path, raw_size};
use super::verified::{ArchiveKind, Signed, Unproven, VerifiedArchive, VerifiedIndex, VerifiedPart};
use crate::kubernetes::PartName;
use crate::sign::PublicKey;

/// Reads the parts of a bundle one after the other.
///
/// A part that it returns is whole, its record is signed, and its files have the right hashes. That no other part is
/// missing or extra is known only when [`Self::finish`] has succeeded.
pub struct Reader<'k, R> {
    key: &'k PublicKey,
    members: Members<R>,
    index: Option<VerifiedIndex>,
    /// Whether parts that the index names may be missing: those of a sealed bundle that were not opened.
    may_lack: bool,
    /// The number of parts that were returned.
    read: usize,
    /// The number of parts of the index that were returned or are missing.
    passed: usize,
    state: State,
}

enum State {
    /// The next member begins here.
    Between,
    /// The first header of a slice was read, to tell the slice from a bundle.
    Begun(Box<[u8; BLOCK]>),
    /// The end was read, and is right.
    Ended,
    /// An error occurred. Nothing further can be trusted.
    Failed,
}

/// Parts that were read together, and the error that ended the reading, if one did.
struct Batch {
    parts: Vec<Unproven>,
    ended: Result<(), BundleError>,
}

impl<'k, R: BufRead> Reader<'k, R> {
    /// Opens an archive and reads its index, if it has one.
    ///
    /// # Errors
    ///
    /// Returns [`BundleError`] when this is not a bundle or a slice, or its index is not right.
    pub fn open(source: R, key: &'k PublicKey) -> Result<Self, BundleError> {
        let members = Members::new(source);
        let mut reader = Self { key, members, index: None, may_lack: false, read: 0, passed: 0, state: State::Between };
        reader.members.begin()?;
        let first = reader.block("")?;
        let found = raw_path(&first);
        // Only the index comes after a folder.
        if found.ends_with('/') {
            reader.index = Some(reader.read_index(&first)?);
        } else if found.ends_with(".json") {
            reader.state = State::Begun(Box::new(first));
        } else {
            return Err(BundleError::NotABundle { found });
        }
        Ok(reader)
    }

    /// Opens what [`OpenedParts`](super::sealed::OpenedParts) makes of a sealed bundle. Of the parts of its index those
    /// are missing that were not opened.
    ///
    /// # Errors
    ///
    /// Fails like [`Self::open`].
    pub fn open_sealed(source: R, key: &'k PublicKey) -> Result<Self, BundleError> {
        Ok(Self { may_lack: true, ..Self::open(source, key)? })
    }

    /// Returns the index, or `None` for a slice, which has none.
    #[must_use]
    pub const fn index(&self) -> Option<&VerifiedIndex> {
        self.index.as_ref()
    }

    /// Returns the next part, or `None` after the last one. The end of the archive has been checked then, too.
    ///
    /// # Errors
    ///
    /// Returns [`BundleError`] when the part is not right. Every later call fails too.
    pub fn next_part(&mut self) -> Result<Option<VerifiedPart>, BundleError> {
        let part = self.next_unproven()?.map(|part| part.prove(self.key)).transpose();
        if part.is_err() {
            self.state = State::Failed;
        }
        part
    }

    /// Reads all parts that are left. `judge` gets each, on any thread, and then `take` gets them in order, each with
    /// the result of `judge`.
    ///
    /// Parts are read in batches. A batch is full once its files reach `bytes`. While one batch is read, the signatures
    /// of the batch before are verified and its parts judged. Reading itself cannot be divided, because where a gzip
    /// member ends is known only at its end.
    ///
    /// # Errors
    ///
    /// Fails like [`Self::next_part`]. `take` has got the parts before the one that is wrong.
    pub fn each_part<J: Send>(
        &mut self,
        bytes: usize,
        judge: impl Fn(&VerifiedPart) -> J + Sync,
        mut take: impl FnMut(VerifiedPart, J),
    ) -> Result<(), BundleError>
    where
        R: Send,
    {
        let key = self.key;
        let prove = |part: Unproven| {
            let part = part.prove(key)?;
            let judged = judge(&part);
            Ok((part, judged))
        };
        let mut batch = self.next_batch(bytes);
        while !batch.parts.is_empty() {
            let Batch { parts, ended } = batch;
            let next = || if ended.is_ok() { self.next_batch(bytes) } else { Batch { parts: Vec::new(), ended } };
            // All are collected before any is returned, so that of several errors the first is reported.
            let prove_each = || parts.into_par_iter().map(prove).collect::<Vec<Result<_, BundleError>>>();
            let (next, proven) = rayon::join(next, prove_each);
            for part in proven {
                let (part, judged) = part.inspect_err(|_| self.state = State::Failed)?;
                take(part, judged);
            }
            batch = next;
        }
        batch.ended
    }

    /// Reads parts until their files reach `bytes`. The batch is empty after the last part.
    fn next_batch(&mut self, bytes: usize) -> Batch {
        let (mut parts, mut size) = (Vec::new(), 0);
        while size < bytes {
            match self.next_unproven() {
                Ok(None) => break,
                Ok(Some(unproven)) => {
                    size += unproven.part.contents.iter().map(|content| content.len()).sum::<usize>();
                    parts.push(unproven);
                }
                Err(error) => return Batch { parts, ended: Err(error) },
            }
        }
        Batch { parts, ended: Ok(()) }
    }

    fn next_unproven(&mut self) -> Result<Option<Unproven>, BundleError> {
        let first = match replace(&mut self.state, State::Failed) {
            State::Between => {
                self.members.begin()?;
                self.block("")?
            }
            State::Begun(first) => *first,
            State::Ended => {
                self.state = State::Ended;
                return Ok(None);
            }
            State::Failed => return Err(BundleError::AfterError),
        };
        if first == [0; BLOCK] {
            self.read_end()?;
            self.state = State::Ended;
            return Ok(None);
        }
        let part = self.read_part(&first)?;
        self.read += 1;
        self.state = State::Between;
        Ok(Some(part))
    }

    /// Reads the parts that are left, and returns what the archive was. Everything that belongs to it is there then,
    /// and nothing else.
    ///
    /// # Errors
    ///
    /// Returns [`BundleError`] when anything that is left is not right.
    pub fn finish(mut self) -> Result<VerifiedArchive, BundleError> {
        while self.next_part()?.is_some() {}
        let kind = match &self.index {
            None => ArchiveKind::Slice,
            Some(VerifiedIndex { index, .. }) if self.read < index.parts.len() => ArchiveKind::Opened,
            Some(VerifiedIndex { index, .. }) if index.partial => ArchiveKind::Partial,
            Some(_) => ArchiveKind::Whole,
        };
        Ok(VerifiedArchive { kind, parts: self.read, content_sha256: self.members.content_sha256() })
    }

    /// Reads the first member: the top folder, the index, its signature, `nodes`.
    fn read_index(&mut self, first: &[u8; BLOCK]) -> Result<VerifiedIndex, BundleError> {
        let second = self.block("manifest.json")?;
        let found = raw_path(&second);
        if !found.ends_with("/manifest.json") {
            return Err(BundleError::NotABundle { found });
        }
        let (headers, signed) = self.read_signed(&second, &found, INDEX)?;
        signed.prove(self.key, &found)?;
        let index = Index::read(&signed.bytes).map_err(|problem| BundleError::Record { entry: found, problem })?;
        let (top, mtime) = (index.head.top(), index.head.mtime());
        compare(first, &format!("{top}/"), Kind::Folder, mtime)?;
        headers.compare(&format!("{top}/manifest.json"), &signed, mtime)?;
        let nodes = format!("{top}/nodes/");
        compare(&self.block(&nodes)?, &nodes, Kind::Folder, mtime)?;
        self.end_member(&nodes)?;
        Ok(VerifiedIndex { index, sha256: Sha256::of(&signed.bytes), signature: signed.signature })
    }

    /// Reads the member of a part: the record, its signature, folders and files.
    fn read_part(&mut self, first: &[u8; BLOCK]) -> Result<Unproven, BundleError> {
        let found = raw_path(first);
        let expected = match &self.index {
            None if self.read > 0 => return Err(BundleError::ExtraPart { found }),
            None => None,
            Some(VerifiedIndex { index, .. }) => {
                let top = index.head.top();
                if self.may_lack {
                    let left = index.parts.iter().skip(self.passed);
                    self.passed += left.take_while(|(part, _)| record_path(&top, part) != found).count();
                }
                let Some((part, sha256)) = index.parts.get(self.passed) else {
                    return Err(BundleError::ExtraPart { found });
                };
                let expected = record_path(&top, part);
                if found != expected {
                    return Err(BundleError::UnexpectedEntry { expected, found });
                }
                self.passed += 1;
                Some((part.clone(), *sha256, index.head.clone()))
            }
        };
        let (headers, signed) = self.read_signed(first, &found, FILE)?;
        match &expected {
            None => signed.prove(self.key, &found)?,
            Some((part, expected, _)) => {
                let found_there = Sha256::of(&signed.bytes);
                if found_there != *expected {
                    // A record that the key did not sign is the worse finding, so it is reported before a record of
                    // another bundle.
                    signed.prove(self.key, &found)?;
                    return Err(BundleError::RecordHash {
                        part: part.clone(),
                        expected: *expected,
                        found: found_there,
                    });
                }
            }
        }
        let entry = expected.is_some().then(|| found.clone());
        let record =
            Record::read(&signed.bytes).map_err(|problem| BundleError::Record { entry: found.clone(), problem })?;
        let part = record.owner.part();
        if let Some((expected, _, head)) = expected {
            if part != expected {
                return Err(BundleError::RecordPart { expected, found: part });
            }
            if let Some((field, expected, found_there)) = head.difference(&record.head) {
                return Err(BundleError::Head { entry: found, field, expected, found: found_there });
            }
        }
        let (top, mtime) = (record.head.top(), record.head.mtime());
        let path = record_path(&top, &part);
        headers.compare(&path, &signed, mtime)?;
        let mut contents = Vec::with_capacity(record.rows.len());
        let mut last = format!("{path}.sig");
        for (path, entry) in entries(&top, &part, &record.rows) {
            compare(&self.block(&path)?, &path, entry.kind(), mtime)?;
            if let Entry::Row(row) = entry {
                contents.push(self.read_row(row, &path)?);
            }
            last = path;
        }
        self.end_member(&last)?;
        Ok(Unproven { part: VerifiedPart { record, signed, contents }, entry })
    }

    /// Reads the last member: two zero blocks, the first of which was read.
    fn read_end(&mut self) -> Result<(), BundleError> {
        let mut second = [1; BLOCK];
        if self.members.read(&mut second)? != BLOCK || second != [0; BLOCK] || !self.members.end()? {
            return Err(BundleError::End);
        }
        if !self.members.at_end()? {
            return Err(BundleError::TrailingBytes);
        }
        let missing = match &self.index {
            None => (self.read == 0).then_some(None),
            Some(_) if self.may_lack => None,
            Some(VerifiedIndex { index, .. }) => index.parts.get(self.read).map(|(part, _)| Some(part.clone())),
        };
        missing.map_or(Ok(()), |part| Err(BundleError::MissingPart { part }))
    }

    /// Reads a document and its signature.
    ///
    /// The signature is not verified yet, and nothing in the document is trusted before. The headers are compared
    /// later, when the document has said what they must contain.
    fn read_signed(
        &mut self,
        first: &[u8; BLOCK],
        path: &str,
        limit: u64,
    ) -> Result<(SignedHeaders, Signed), BundleError> {
        let mut bytes = self.read_claimed(first, path, limit)?;
        let signature_path = format!("{path}.sig");
        let second = self.block(&signature_path)?;
        let found = raw_path(&second);
        if found != signature_path {
            return Err(BundleError::UnexpectedEntry { expected: signature_path, found });
        }
        let mut signature = self.read_claimed(&second, &signature_path, SIGNATURE)?;
        let headers = SignedHeaders { document: *first, signature: second };
        Ok((headers, Signed { bytes: take(&mut *bytes), signature: take(&mut *signature) }))
    }

    /// Reads the content of an entry whose size only an unverified header states.
    fn read_claimed(&mut self, header: &[u8; BLOCK], path: &str, limit: u64) -> Result<Content, BundleError> {
        let size = raw_size(header).ok_or_else(|| BundleError::Header { entry: path.to_owned() })?;
        if size > limit {
            return Err(BundleError::TooLarge { entry: path.to_owned(), size, limit });
        }
        self.read_content(size, path)
    }

    fn read_row(&mut self, row: &Row, path: &str) -> Result<Content, BundleError> {
        let Row::File { size, sha256: expected, .. } = row else { return Ok(Content::default()) };
        let content = self.read_content(*size, path)?;
        let found = Sha256::of(&content);
        if found == *expected {
            Ok(content)
        } else {
            Err(BundleError::FileHash { entry: path.to_owned(), expected: *expected, found })
        }
    }

    /// Reads `size` bytes, which the caller has limited, and the zeros that fill their last block.
    fn read_content(&mut self, size: u64, path: &str) -> Result<Content, BundleError> {
        let mut content = Zeroizing::new(vec![0; size as usize]);
        let mut zeros = [1; BLOCK];
        let zeros = &mut zeros[..padding(content.len())];
        if self.members.read(&mut content)? != content.len() || self.members.read(zeros)? != zeros.len() {
            return Err(BundleError::MemberEnds { entry: path.to_owned() });
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(BundleError::Padding { entry: path.to_owned() });
        }
        Ok(content)
    }

    /// Reads the header of the next entry in this member.
    fn block(&mut self, expected: &str) -> Result<[u8; BLOCK], BundleError> {
        let mut block = [0; BLOCK];
        if self.members.read(&mut block)? == BLOCK {
            Ok(block)
        } else {
            Err(BundleError::MemberEnds { entry: expected.to_owned() })
        }
    }

    fn end_member(&mut self, last: &str) -> Result<(), BundleError> {
        if self.members.end()? { Ok(()) } else { Err(BundleError::MemberContinues { after: last.to_owned() }) }
    }
}

/// The headers of a document and of its signature, kept until the document is known.
struct SignedHeaders {
    document: [u8; BLOCK],
    signature: [u8; BLOCK],
}

impl SignedHeaders {
    fn compare(&self, path: &str, signed: &Signed, mtime: u64) -> Result<(), BundleError> {
        let kind = |bytes: &[u8]| Kind::File { mode: Mode::Public, size: bytes.len() as u64 };
        compare(&self.document, path, kind(&signed.bytes), mtime)?;
        compare(&self.signature, &format!("{path}.sig"), kind(&signed.signature), mtime)
    }
}

pub(super) fn record_path(top: &str, part: &PartName) -> String {
    format!("{top}/{}.json", folder(part))
}

/// Compares a header with the one that belongs there, byte for byte.
pub(super) fn compare(found: &[u8; BLOCK], path: &str, kind: Kind<'_>, mtime: u64) -> Result<(), BundleError> {
    match header(path, kind, mtime) {
        None => Err(BundleError::PathTooLong { path: path.to_owned() }),
        Some(expected) if expected == *found => Ok(()),
        Some(_) => {
            let found = raw_path(found);
            Err(if found == path {
                BundleError::Header { entry: found }
            } else {
                BundleError::UnexpectedEntry { expected: path.to_owned(), found }
            })
        }
    }
}
