//! The files of nodes in a tar archive, or of a part of a node in a folder, held in memory.
//!
//! They may be keys. Nothing of an archive is written to a disk to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use zeroize::Zeroizing;

/// The most entries of an archive, and the most bytes of the files that are kept. A node has about a megabyte.
const ENTRIES: usize = 200_000;
const KEPT: u64 = 256 << 20;
/// The most bytes of an archive, unpacked.
const UNPACKED: u64 = 16 << 30;
/// The most bytes of a file that is kept. No certificate, key or configuration is larger.
const FILE: u64 = 4 << 20;
/// The most folders below each other in a folder that is read.
const DEPTH: usize = 8;
/// Where a header of tar has its magic (POSIX.1-2017, pax).
const MAGIC: std::ops::Range<usize> = 257..262;

/// Files in memory, by their paths without a `/` at the beginning.
#[derive(Clone, Default)]
pub struct NodeArchive {
    entries: BTreeMap<PathBuf, Entry>,
    kept: u64,
}

/// An entry.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

#[derive(Clone)]
pub(super) enum EntryKind {
    Folder,
    File(Arc<Zeroizing<Vec<u8>>>),
    /// A file that is larger than anything that is read.
    Large,
    Link(PathBuf),
    Special,
}

impl NodeArchive {
    /// Returns whether a file begins as a tar archive does.
    #[must_use]
    pub fn is_tar(content: &[u8]) -> bool {
        content.get(MAGIC).is_some_and(|magic| magic == b"ustar")
    }

    /// Reads a tar archive, which may be packed with gzip.
    ///
    /// # Errors
    /// Fails when it cannot be read or is no tar archive, and when it holds more than a node has.
    pub fn read(source: impl BufRead, is_gzip: bool) -> io::Result<Self> {
        let mut archive = Self::default();
        if is_gzip {
            archive.add_all(MultiGzDecoder::new(source).take(UNPACKED))?;
        } else {
            archive.add_all(source.take(UNPACKED))?;
        }
        Ok(archive)
    }

    fn add_all(&mut self, source: impl Read) -> io::Result<()> {
        let mut tar = tar::Archive::new(source);
        for entry in tar.entries()? {
            let mut entry = entry?;
            let Some(path) = clean(&entry.path()?) else { continue };
            let header = entry.header();
            let owner = (header.uid().unwrap_or_default(), header.gid().unwrap_or_default());
            let owner = (u32::try_from(owner.0).unwrap_or(u32::MAX), u32::try_from(owner.1).unwrap_or(u32::MAX));
            let mode = header.mode().unwrap_or_default() & 0o7777;
            let target = entry.link_name()?.map(|target| target.into_owned());
            let kind = match (header.entry_type(), target) {
                (tar::EntryType::Directory, _) => EntryKind::Folder,
                (tar::EntryType::Symlink, Some(target)) => EntryKind::Link(target),
                (tar::EntryType::Link, Some(target)) => {
                    let kind =
                        clean(&target).and_then(|target| self.entries.get(&target)).map(|entry| entry.kind.clone());
                    kind.unwrap_or(EntryKind::Special)
                }
                (tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse, _) => {
                    let size = entry.size();
                    self.content(size, &mut entry)?
                }
                (tar::EntryType::XGlobalHeader, _) => continue,
                _ => EntryKind::Special,
            };
            self.add(path, Entry { kind, mode, owner })?;
        }
        Ok(())
    }

    /// Reads a folder with a part of a node's files, such as a copy of `/etc/kubernetes`. Links are kept as they are.
    ///
    /// # Errors
    /// Fails when the folder cannot be read, and when it holds more than a node has.
    pub fn of_folder(folder: &Path) -> io::Result<Self> {
        let mut archive = Self::default();
        let mut open = vec![(folder.to_owned(), PathBuf::new(), 0)];
        while let Some((folder, below, depth)) = open.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let (path, place) = (entry.path(), below.join(entry.file_name()));
                let metadata = path.symlink_metadata()?;
                let kind = if metadata.is_dir() {
                    if depth < DEPTH {
                        open.push((path, place.clone(), depth + 1));
                    }
                    EntryKind::Folder
                } else if metadata.is_symlink() {
                    EntryKind::Link(fs::read_link(&path)?)
                } else if metadata.is_file() {
                    archive.content(metadata.len(), &mut fs::File::open(&path)?)?
                } else {
                    EntryKind::Special
                };
                let mode = metadata.permissions().mode() & 0o7777;
                archive.add(place, Entry { kind, mode, owner: (metadata.uid(), metadata.gid()) })?;
            }
        }
        Ok(archive)
    }

    fn content(&mut self, size: u64, source: &mut impl Read) -> io::Result<EntryKind> {
        if size > FILE {
            return Ok(EntryKind::Large);
        }
        self.kept += size;
        if self.kept > KEPT {
            return Err(io::Error::other(format!("more than {} MiB of files are in it", KEPT >> 20)));
        }
        let content = super::file_io::read_limited(source, size, FILE)?;
        Ok(EntryKind::File(Arc::new(content)))
    }

    fn add(&mut self, path: PathBuf, entry: Entry) -> io::Result<()> {
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            let folder_entry = Entry { kind: EntryKind::Folder, mode: 0o755, owner: (0, 0) };
            self.entries.entry(folder.to_owned()).or_insert(folder_entry);
        }
        self.entries.insert(path, entry);
        if self.entries.len() > ENTRIES {
            return Err(io::Error::other(format!("more than {ENTRIES} files are in it")));
        }
        Ok(())
    }

    /// Returns the files below the root of each node, with the path at which the root was found.
    ///
    /// A root holds `etc/kubernetes` or another folder that nodes have. Where there is none, a folder that holds what
    /// `/etc/kubernetes` or its `pki` holds is taken for that.
    #[must_use]
    pub fn roots(&self) -> Vec<(PathBuf, Self)> {
        let is_folder = |path: &Path| {
            self.entry(path).is_some_and(|entry| matches!(entry.kind, EntryKind::Folder | EntryKind::Link(_)))
        };
        let folders = || {
            let folders = self.entries.iter().filter(|(_, entry)| matches!(entry.kind, EntryKind::Folder));
            std::iter::once(PathBuf::new()).chain(folders.map(|(path, _)| path.clone()))
        };
        let mut found: BTreeSet<(PathBuf, &str)> = BTreeSet::new();
        for folder in folders() {
            if NODE_FOLDERS.iter().any(|below| is_folder(&folder.join(below))) {
                found.insert((folder, ""));
            }
        }
        for (mount, marks) in PARTS {
            if found.is_empty() {
                let has_mark = |folder: &PathBuf| marks.iter().any(|mark| self.entry(&folder.join(mark)).is_some());
                found.extend(folders().filter(has_mark).map(|folder| (folder, mount)));
            }
        }
        // What lies within a root is of that node, such as the files that `apply` keeps of generations before.
        let paths: BTreeSet<PathBuf> = found.iter().map(|(path, _)| path.clone()).collect();
        let is_within = |path: &PathBuf| path.ancestors().skip(1).any(|above| paths.contains(above));
        let outer = found.into_iter().filter(|(path, _)| !is_within(path));
        outer.map(|(path, mount)| (path.clone(), self.below(&path, mount))).collect()
    }

    /// Returns the files below a folder, as if they were below another one.
    fn below(&self, folder: &Path, mount: &str) -> Self {
        let mut archive = Self::default();
        // What is below a folder stands together, because paths are ordered by their components.
        for (path, entry) in self.entries.range(folder.to_owned()..) {
            let Ok(below) = path.strip_prefix(folder) else { break };
            // There are no more of them than there were before, but for those above the mount.
            let _ = archive.add(Path::new(mount).join(below), entry.clone());
        }
        archive
    }

    pub(super) fn entry(&self, path: &Path) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Returns the names in a folder, sorted.
    pub(super) fn names(&self, folder: &Path) -> Vec<String> {
        let below = self.entries.range(folder.to_owned()..).map(|(path, _)| path);
        let below = below.take_while(|path| path.starts_with(folder));
        let inside = below.filter(|path| path.parent() == Some(folder) && !path.as_os_str().is_empty());
        inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }
}

/// Folders of nodes, relative to the root.
const NODE_FOLDERS: [&str; 8] = [
    "etc/kubernetes",
    "var/lib/kubelet",
    "etc/etcd",
    "etc/ssl/etcd",
    "etc/rancher",
    "var/lib/rancher",
    "var/snap/microk8s",
    "var/lib/k0s",
];

/// Folders that may stand alone, each with what marks it.
const PARTS: [(&str, &[&str]); 2] = [
    ("etc/kubernetes", &["pki", "manifests", "admin.conf", "kubelet.conf"]),
    ("etc/kubernetes/pki", &["apiserver.crt", "front-proxy-ca.crt", "etcd/ca.crt"]),
];

/// Returns the path of an entry without a `/` or `./` at its beginning, or `None` when it leads upwards or is empty.
fn clean(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    (!clean.as_os_str().is_empty()).then_some(clean)
}
