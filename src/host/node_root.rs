//! Reads the files of a node below a root that need not be `/`.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::file_io::read_limited;
use super::found::{self, FileOwner, Found, FoundKind};
use super::node_archive::{Entry, EntryKind, NodeArchive};

/// The most links that are followed on one path, as many as Linux follows (path_resolution(7)).
const LINKS: usize = 40;
/// The most folders below each other, and the most entries that are listed. No node has more for certificates.
const DEPTH: usize = 8;
const ENTRIES: usize = 4_096;

/// The folder that is the root of a node's files: of this node, of an unpacked tree, of a mounted disk, or within an
/// archive.
///
/// Links below the root lead to files below the root: `/var/lib/kubelet/...` on a mounted disk is a file of that disk.
pub struct NodeRoot(Files);

enum Files {
    Disk(PathBuf),
    Archive(NodeArchive),
}

impl NodeRoot {
    /// Returns the files below this folder.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self(Files::Disk(root))
    }

    /// Returns the files of an archive whose paths are those below the root.
    #[must_use]
    pub const fn of_archive(archive: NodeArchive) -> Self {
        Self(Files::Archive(archive))
    }

    /// Returns whether there is a folder at a place.
    #[must_use]
    pub fn is_folder(&self, place: &str) -> bool {
        self.resolve(place).is_ok_and(|path| match &self.0 {
            Files::Disk(_) => path.is_dir(),
            Files::Archive(archive) => has_folder(archive, &path),
        })
    }

    /// Returns the places of all files below a folder, sorted, and the places that could not be read, each with the
    /// reason.
    ///
    /// Both are empty when the folder does not exist.
    #[must_use]
    pub fn files(&self, folder: &str) -> (Vec<String>, Vec<(String, io::Error)>) {
        let (mut files, mut errors, mut seen) = (Vec::new(), Vec::new(), 0);
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let names = match self.entries(&folder, usize::MAX) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    errors.push((folder, error));
                    continue;
                }
            };
            for name in names {
                let place = join(&folder, &name);
                seen += 1;
                if seen > ENTRIES {
                    errors.push((place, io::Error::other(format!("more than {ENTRIES} files stand before it"))));
                    files.sort();
                    return (files, errors);
                }
                // A broken link counts as a file, which then cannot be read.
                if depth < DEPTH && self.is_folder(&place) {
                    open.push((place, depth + 1));
                } else {
                    files.push(place);
                }
            }
        }
        files.sort();
        (files, errors)
    }

    /// Reads the whole file at a place. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is not a regular file (a pipe is never waited for), or is longer than
    /// `limit` bytes.
    pub fn read(&self, place: &str, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY).bits());
        let flags = flags.map_err(io::Error::other)?;
        let path = self.resolve(place)?;
        if let Files::Archive(archive) = &self.0 {
            return match archive.entry(&path).map(|entry| &entry.kind) {
                Some(EntryKind::File(content)) => read_limited(content.as_slice(), content.len() as u64, limit),
                Some(EntryKind::Large) => {
                    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")))
                }
                Some(_) => Err(io::Error::other("not a regular file")),
                None => Err(io::ErrorKind::NotFound.into()),
            };
        }
        // Before it is opened, too: to open a device may set it in motion.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        read_limited(file, metadata.len(), limit)
    }

    /// Returns the path of a place, for messages.
    #[must_use]
    pub fn path(&self, place: &str) -> PathBuf {
        match &self.0 {
            Files::Disk(root) => root.join(place),
            Files::Archive(_) => PathBuf::from(place),
        }
    }

    /// Returns the place below the root to which `place` leads once every link on the way and at its end is followed.
    ///
    /// # Errors
    /// Fails when a folder on the way cannot be read, and when links form a circle. What does not exist is not an
    /// error.
    pub fn leads_to(&self, place: &str) -> io::Result<String> {
        let path = self.follow(place, true)?;
        let place = path.strip_prefix(self.base()).map_err(io::Error::other)?;
        place.to_str().map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidFilename.into())
    }

    /// Returns what is at a place, or `None` when nothing is there. A link at the end is not followed.
    ///
    /// # Errors
    /// Fails when the place cannot be examined.
    pub fn look(&self, place: &str) -> io::Result<Option<Found>> {
        let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
        match self.resolve(folder) {
            Ok(folder) => match &self.0 {
                Files::Disk(_) => found::look(&folder.join(name)),
                Files::Archive(archive) => Ok(archive.entry(&folder.join(name)).map(look)),
            },
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the permission bits of the file at a place.
    ///
    /// # Errors
    /// Fails when there is no file.
    pub fn mode(&self, place: &str) -> io::Result<u32> {
        let path = self.resolve(place)?;
        match &self.0 {
            Files::Disk(_) => Ok(fs::metadata(path)?.permissions().mode() & 0o7777),
            Files::Archive(archive) => Ok(archive.entry(&path).ok_or(io::ErrorKind::NotFound)?.mode),
        }
    }

    /// Returns the ids of the user and the group that own the file or folder at a place.
    ///
    /// # Errors
    /// Fails when there is no file or folder.
    pub fn owner(&self, place: &str) -> io::Result<(u32, u32)> {
        let path = self.resolve(place)?;
        match &self.0 {
            Files::Disk(_) => fs::metadata(path).map(|metadata| (metadata.uid(), metadata.gid())),
            Files::Archive(archive) => Ok(archive.entry(&path).ok_or(io::ErrorKind::NotFound)?.owner),
        }
    }

    /// Returns whether there is a file or folder at a place, even one that may not be read.
    #[must_use]
    pub fn is_there(&self, place: &str) -> bool {
        self.resolve(place).is_ok_and(|path| match &self.0 {
            Files::Disk(_) => fs::metadata(path).is_ok(),
            Files::Archive(archive) => archive.entry(&path).is_some(),
        })
    }

    /// Returns the names of the files, folders and links in a folder, sorted. Returns none when the folder does not
    /// exist.
    ///
    /// # Errors
    /// Fails when the folder cannot be read, or holds more entries than any node has for certificates.
    pub fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = match self.entries(folder, ENTRIES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        names.sort();
        Ok(names)
    }

    /// Returns the names of the files, folders and links in a folder, which are at most `most`.
    fn entries(&self, folder: &str, most: usize) -> io::Result<Vec<String>> {
        let path = self.resolve(folder)?;
        let mut names = Vec::new();
        match &self.0 {
            Files::Disk(_) => {
                for entry in fs::read_dir(path)? {
                    if names.len() == most {
                        return Err(io::Error::other(format!("more than {most} files are in it")));
                    }
                    names.push(entry?.file_name().to_string_lossy().into_owned());
                }
            }
            Files::Archive(archive) if has_folder(archive, &path) => {
                names = archive.names(&path);
                if names.len() > most {
                    return Err(io::Error::other(format!("more than {most} files are in it")));
                }
            }
            Files::Archive(archive) if archive.entry(&path).is_some() => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            Files::Archive(_) => return Err(io::ErrorKind::NotFound.into()),
        }
        Ok(names)
    }

    fn base(&self) -> &Path {
        match &self.0 {
            Files::Disk(root) => root,
            Files::Archive(_) => Path::new(""),
        }
    }

    /// Returns where a link leads. What is there and no link is [`io::ErrorKind::InvalidInput`], as for readlink(2).
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let Files::Archive(archive) = &self.0 else { return fs::read_link(path) };
        match archive.entry(path).map(|entry| &entry.kind) {
            Some(EntryKind::Link(target)) => Ok(target.clone()),
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Returns the path of a place, with every link followed below the root.
    fn resolve(&self, place: &str) -> io::Result<PathBuf> {
        self.follow(place, false)
    }

    fn follow(&self, place: &str, may_miss: bool) -> io::Result<PathBuf> {
        let mut ahead: Vec<PathBuf> = steps(Path::new(place)).collect();
        ahead.reverse();
        let (mut path, mut depth, mut links) = (self.base().to_owned(), 0, 0);
        while let Some(step) = ahead.pop() {
            if step == Path::new("..") {
                if depth > 0 {
                    path.pop();
                    depth -= 1;
                }
                continue;
            }
            path.push(&step);
            depth += 1;
            let target = match self.read_link(&path) {
                Ok(target) => target,
                // The entry exists and is no link.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => continue,
                Err(error) if may_miss && is_missing(&error) => continue,
                Err(error) => return Err(error),
            };
            links += 1;
            if links > LINKS {
                return Err(io::Error::other("too many links"));
            }
            path.pop();
            depth -= 1;
            if target.is_absolute() {
                (path, depth) = (self.base().to_owned(), 0);
            }
            let start = ahead.len();
            ahead.extend(steps(&target));
            ahead.get_mut(start..).unwrap_or_default().reverse();
        }
        Ok(path)
    }
}

fn has_folder(archive: &NodeArchive, path: &Path) -> bool {
    path.as_os_str().is_empty() || archive.entry(path).is_some_and(|entry| matches!(entry.kind, EntryKind::Folder))
}

fn look(entry: &Entry) -> Found {
    let kind = match &entry.kind {
        EntryKind::File(_) | EntryKind::Large => FoundKind::File,
        EntryKind::Folder => FoundKind::Folder,
        EntryKind::Link(target) => FoundKind::Link(target.to_string_lossy().into_owned()),
        EntryKind::Special => FoundKind::Special,
    };
    let (user, group) = entry.owner;
    Found { kind, mode: entry.mode, owner: FileOwner { user, group }, modified: std::time::UNIX_EPOCH }
}

/// Returns whether nothing is at a path, because a folder on the way is not there or is none.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the names and `..` of a path, without the components that do not move.
fn steps(path: &Path) -> impl Iterator<Item = PathBuf> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::tempdir;

    use super::NodeRoot;

    #[test]
    fn links_stay_below_the_root() {
        let (folder, outside) = (tempdir().unwrap(), tempdir().unwrap());
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("data/pki")).unwrap();
        fs::create_dir_all(at("etc")).unwrap();
        fs::write(at("data/pki/ca.crt"), "inside").unwrap();
        fs::write(outside.path().join("secret"), "outside").unwrap();
        symlink("/data/pki", at("etc/pki")).unwrap();
        symlink("../data/pki/ca.crt", at("etc/relative")).unwrap();
        symlink("../../../../../data/pki/ca.crt", at("etc/upwards")).unwrap();
        symlink(outside.path().join("secret"), at("etc/absolute")).unwrap();
        symlink("loop", at("etc/loop")).unwrap();
        let root = NodeRoot::new(folder.path().to_owned());
        for place in ["etc/pki/ca.crt", "etc/relative", "etc/upwards"] {
            assert_eq!(root.read(place, 100).unwrap().as_slice(), b"inside", "{place}");
        }
        assert!(root.read("etc/absolute", 100).is_err(), "led outside");
        assert!(root.read("etc/loop", 100).is_err());
        assert!(root.is_folder("etc/pki"));
        let (files, errors) = root.files("etc");
        assert_eq!(files, ["etc/absolute", "etc/loop", "etc/pki/ca.crt", "etc/relative", "etc/upwards"]);
        assert!(errors.is_empty());
    }

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let folder = tempdir().unwrap();
        let root = NodeRoot::new(folder.path().to_owned());
        fs::write(folder.path().join("four"), "1234").unwrap();
        assert_eq!(root.read("four", 4).unwrap().len(), 4);
        assert!(root.read("four", 3).is_err());
        assert!(root.read("", 4).is_err(), "a folder");
        assert!(NodeRoot::new("/".into()).read("dev/zero", 4).is_err(), "a device");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(root.read("pipe", 4).is_err(), "a pipe without a writer");
        assert_eq!(root.files("nowhere").0, [""; 0]);
    }
}
