//! A folder with the slices of a bundle, for `split` and `build --split`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use crate::bundle::sealed::SLICE_ENDING;
use crate::bundle::{Head, Slices, folder, split};
use crate::cli::failure::Failure;
use crate::host::NewTree;
use crate::kubernetes::PartName;

/// The mode of a slice, because there are keys in it.
pub(super) const SLICE_MODE: u32 = 0o600;

/// The mode of a sealed slice.
const ENVELOPE_MODE: u32 = 0o644;

/// The slices in a new folder, of which one is open at a time.
pub(super) struct SliceFolder<'a> {
    out: &'a Path,
    /// The parts that are wanted. All are if it is empty.
    parts: BTreeSet<PartName>,
    tree: NewTree,
    /// The path of each slice: `nodes/NAME/BUNDLE.tar.gz` or `cluster/BUNDLE.tar.gz`. So each has a folder that is
    /// carried as it is, and the name by which `--key sha256:...` finds the key beside it.
    paths: BTreeMap<PartName, String>,
    open: Option<(PartName, File)>,
    /// The SHA-256 of each sealed slice.
    digests: BTreeMap<PartName, [u8; 32]>,
    /// What the first record says of the bundle.
    head: Option<Head>,
}

impl<'a> SliceFolder<'a> {
    /// Begins a folder, which must not exist or be empty, for the slices of these parts, or of all if none is named.
    pub(super) fn begin(out: &'a Path, parts: BTreeSet<PartName>) -> Result<Self, Failure> {
        let tree = NewTree::begin(out).map_err(|error| cannot_write(out, &error))?;
        Ok(Self { out, parts, tree, paths: BTreeMap::new(), open: None, digests: BTreeMap::new(), head: None })
    }

    /// Cuts the slices out of a bundle. Returns the parts that were found.
    pub(super) fn cut(&mut self, bundle: &Path, source: impl BufRead) -> Result<BTreeSet<PartName>, Failure> {
        split(source, self).map_err(|error| {
            let path = |part: &PartName| self.out.join(self.paths.get(part).map_or("", String::as_str));
            Failure::split(bundle, &error, path)
        })
    }

    /// Returns what the records say of the bundle, as far as they were read.
    pub(super) const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Returns the folder itself.
    pub(super) const fn folder(&self) -> &'a Path {
        self.out
    }

    /// Returns the file of each slice.
    pub(super) fn files(&self) -> BTreeMap<PartName, PathBuf> {
        self.paths.iter().map(|(part, path)| (part.clone(), self.out.join(path))).collect()
    }

    /// Writes a public file beside the slice of each part: `content` returns its name and bytes, by part and by the
    /// name of the slice.
    pub(super) fn put_beside<'b>(
        &mut self,
        content: impl Fn(&PartName, &str) -> Option<(String, &'b [u8])>,
    ) -> Result<(), Failure> {
        self.open = None;
        for (part, path) in &self.paths {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            if let Some((name, bytes)) = content(part, name) {
                let path = format!("{folder}/{name}");
                let written = self.tree.create(&path, 0o644).and_then(|mut file| file.write_all(bytes));
                written.map_err(|error| Failure::io("write", &self.out.join(path), &error))?;
            }
        }
        Ok(())
    }

    /// Writes the sealed slice of a part.
    pub(super) fn put_envelope(&mut self, part: &PartName, head: &Head, envelope: &[u8]) -> io::Result<()> {
        let path = format!("{}/{}{SLICE_ENDING}", folder(part), head.top());
        self.head.get_or_insert_with(|| head.clone());
        self.digests.insert(part.clone(), Sha256::digest(envelope).into());
        self.tree.create(&path, ENVELOPE_MODE)?.write_all(envelope)?;
        self.paths.insert(part.clone(), path);
        Ok(())
    }

    /// Puts a signature beside each sealed slice, if `sign` gives one for its SHA-256.
    pub(super) fn sign_envelopes(
        &mut self,
        sign: impl Fn(&[u8; 32]) -> Result<Option<Vec<u8>>, Failure> + Sync,
    ) -> Result<(), Failure> {
        let digests: Vec<_> = std::mem::take(&mut self.digests).into_iter().collect();
        let signed = digests.into_par_iter().map(|(part, digest)| Ok((part, sign(&digest)?)));
        let signatures: BTreeMap<PartName, Option<Vec<u8>>> = signed.collect::<Result<_, Failure>>()?;
        self.put_beside(|part, name| {
            let signature = signatures.get(part)?.as_deref()?;
            Some((format!("{name}.sig"), signature))
        })
    }

    /// Brings the folder to the disk, so that [`Self::commit`] has nothing left to do but to name it.
    pub(super) fn complete(&mut self) -> Result<(), Failure> {
        self.open = None;
        self.tree.complete().map_err(|error| cannot_write(self.out, &error))
    }

    /// Puts the folder into its place.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.tree.commit().map_err(|error| cannot_write(self.out, &error))
    }
}

/// Returns the path of a slice in the folder of all.
pub(super) fn slice_path(part: &PartName, head: &Head) -> String {
    format!("{}/{}.tar.gz", folder(part), head.top())
}

impl Slices for SliceFolder<'_> {
    fn wants(&self, part: &PartName) -> bool {
        self.parts.is_empty() || self.parts.contains(part)
    }

    fn begin(&mut self, part: &PartName, head: &Head) -> io::Result<()> {
        let path = slice_path(part, head);
        self.head.get_or_insert_with(|| head.clone());
        // First, because a failure names it.
        let path = self.paths.entry(part.clone()).or_insert(path);
        self.open = Some((part.clone(), self.tree.create(path, SLICE_MODE)?));
        Ok(())
    }

    fn write(&mut self, part: &PartName, bytes: &[u8]) -> io::Result<()> {
        let file = match self.open.take() {
            Some((open, file)) if open == *part => file,
            // The end of a slice comes when all others were begun.
            _ => self.tree.append(self.paths.get(part).map_or("", String::as_str))?,
        };
        let (_, file) = self.open.insert((part.clone(), file));
        file.write_all(bytes)
    }
}

/// Returns the failure for a folder that cannot be made.
pub(super) fn cannot_write(out: &Path, error: &io::Error) -> Failure {
    let failure = Failure::io("write to", out, error);
    match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => {
            failure.hint("name a folder that does not exist or is empty; nothing was written")
        }
        _ => failure,
    }
}
