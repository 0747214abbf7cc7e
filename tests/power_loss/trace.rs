//! What a program did to the files below a root, as strace tells it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Every call that changes files or brings them to the disk, and what is needed to understand them. Times of files and
/// extended attributes are left out, but for lists of rights that are a mode.
const CALLS: &str = "open,openat,creat,write,pwrite64,writev,copy_file_range,sendfile,splice,fsync,fdatasync,sync,\
    syncfs,mkdir,mkdirat,symlink,symlinkat,link,linkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,chmod,fchmod,\
    fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,fallocate,umask,mknod,mknodat,\
    setxattr,fsetxattr";

/// A change that a program made, or a sync. Places are below the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create {
        place: String,
        mode: u32,
    },
    MakeFolder {
        place: String,
        mode: u32,
    },
    MakeLink {
        place: String,
        target: String,
    },
    AddName {
        from: String,
        to: String,
    },
    Append {
        place: String,
        bytes: Vec<u8>,
    },
    /// Only to a length that is not larger.
    Cut {
        place: String,
        length: usize,
    },
    Rename {
        from: String,
        to: String,
    },
    Exchange {
        left: String,
        right: String,
    },
    Remove {
        place: String,
    },
    SetMode {
        place: String,
        mode: u32,
    },
    SetOwner {
        place: String,
        owner: (Option<u32>, Option<u32>),
    },
    Sync {
        place: String,
    },
    SyncAll,
}

/// The words before a command that let strace write what it does to a file. The kernel is made to refuse what copies
/// bytes unseen, so that they are read and written. Only with `all` are the processes that it starts followed, too. The
/// kernel refuses to know the calls `refused`.
pub(crate) fn strace(trace: &Path, all: bool, refused: &[&str]) -> Vec<String> {
    let mut words = vec!["-qq", "-y", "-xx", "-s", "16777216", "-e", "signal=none"];
    if all {
        words.extend(["-f", "--seccomp-bpf"]);
    }
    let mut words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    words.extend(["-e".to_owned(), format!("trace={CALLS}")]);
    let unseen = [("copy_file_range", "EOPNOTSUPP"), ("sendfile", "EINVAL"), ("splice", "EINVAL")];
    for (call, error) in unseen.into_iter().chain(refused.iter().map(|call| (*call, "EINVAL"))) {
        words.extend(["-e".to_owned(), format!("inject={call}:error={error}")]);
    }
    words.extend(["-o".to_owned(), trace.display().to_string()]);
    words
}

/// A command behind strace, with the same environment.
pub(crate) fn traced(command: &Command, trace: &Path, refused: &[&str]) -> Command {
    let mut strace_command = Command::new(crate::common::shells::find("strace"));
    strace_command.args(strace(trace, true, refused)).arg(command.get_program()).args(command.get_args());
    if command.get_envs().any(|(name, _)| name == "PATH") {
        strace_command.env_clear();
    }
    strace_command.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace_command
}

/// Fails unless a command that was traced ended well.
#[track_caller]
pub(crate) fn ended(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Reads what strace wrote: what happened below `root`, and there in or above these folders, if any is named.
pub(crate) fn parse(text: &str, root: &Path, folders: &[&str]) -> Vec<Call> {
    let mut reader =
        Reader { root, folders, umasks: BTreeMap::new(), first: None, begun: BTreeMap::new(), calls: Vec::new() };
    for line in text.lines() {
        reader.line(line);
    }
    reader.calls
}

struct Reader<'a> {
    root: &'a Path,
    folders: &'a [&'a str],
    /// By process. One that has set none has that of the first.
    umasks: BTreeMap<String, u32>,
    first: Option<String>,
    /// Calls during which another process was heard, by process.
    begun: BTreeMap<String, String>,
    calls: Vec<Call>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let (process, rest) = match line.split_once(' ') {
            Some((word, rest)) if word.bytes().all(|byte| byte.is_ascii_digit()) => (word, rest.trim_start()),
            _ => ("", line),
        };
        self.first.get_or_insert_with(|| process.to_owned());
        if rest.starts_with("+++") || rest.starts_with("---") {
            return;
        }
        if let Some(begin) = rest.strip_suffix(" <unfinished ...>") {
            self.begun.insert(process.to_owned(), begin.to_owned());
            return;
        }
        let whole = match rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            Some((_, end)) => self.begun.remove(process).unwrap() + end,
            None => rest.to_owned(),
        };
        let (call, result) = whole.rsplit_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let (name, arguments) = call.trim_end().split_once('(').unwrap();
        let arguments: Vec<&str> =
            arguments.strip_suffix(')').unwrap_or_else(|| panic!("{line}")).split(", ").collect();
        // A process that is killed leaves a call without an end.
        if !result.starts_with(['-', '?']) {
            self.call(process, name, &arguments, result);
        }
    }

    fn call(&mut self, process: &str, name: &str, arguments: &[&str], result: &str) {
        match name {
            "umask" => {
                self.umasks.insert(process.to_owned(), octal(arguments[0]));
            }
            "sync" | "syncfs" => self.calls.push(Call::SyncAll),
            "open" => self.open(process, arguments[1], arguments.get(2), result),
            "openat" => self.open(process, arguments[2], arguments.get(3), result),
            "write" => {
                if let Some(place) = self.opened(arguments[0]) {
                    let count = result.split(' ').next().unwrap().parse().unwrap();
                    let bytes = text(arguments[1]);
                    self.calls.push(Call::Append { place, bytes: bytes[..count].to_vec() });
                }
            }
            "fsync" | "fdatasync" => {
                let place = self.opened(arguments[0]);
                self.calls.extend(place.map(|place| Call::Sync { place }));
            }
            "fsetxattr" => self.set_list(self.opened(arguments[0]), &arguments[1..]),
            "setxattr" => self.set_list(self.place(&path(arguments[0])), &arguments[1..]),
            "ftruncate" | "fchmod" | "fchown" => {
                let place = self.opened(arguments[0]);
                self.change(name.trim_start_matches('f'), place, &arguments[1..]);
            }
            "mkdir" | "symlink" | "link" | "rename" | "unlink" | "rmdir" | "chmod" | "chown" | "lchown"
            | "truncate" => {
                self.by_path(process, name, arguments);
            }
            "mkdirat" | "symlinkat" | "linkat" | "renameat" | "renameat2" | "unlinkat" | "fchmodat" | "fchownat" => {
                self.by_folder(process, name, arguments);
            }
            _ => assert!(!self.is_below(arguments), "the model does not know {name}({arguments:?})"),
        }
    }

    fn by_path(&mut self, process: &str, name: &str, arguments: &[&str]) {
        let place = |at: usize| self.place(&path(arguments[at]));
        match name {
            "mkdir" => self.make_folder(process, place(0), arguments[1]),
            "symlink" => self.make_link(arguments[0], place(1)),
            "link" => self.add_name(place(0), place(1)),
            "rename" => self.rename(place(0), place(1), ""),
            "unlink" | "rmdir" => self.calls.extend(place(0).map(|place| Call::Remove { place })),
            name => self.change(name.trim_start_matches('l'), place(0), &arguments[1..]),
        }
    }

    fn by_folder(&mut self, process: &str, name: &str, arguments: &[&str]) {
        let place = |at: usize| self.place(&beside(arguments[at], arguments[at + 1]));
        match name {
            "mkdirat" => self.make_folder(process, place(0), arguments[2]),
            "symlinkat" => self.make_link(arguments[0], place(1)),
            "linkat" => self.add_name(place(0), place(2)),
            "renameat" | "renameat2" => self.rename(place(0), place(2), arguments.get(4).unwrap_or(&"")),
            "unlinkat" => self.calls.extend(place(0).map(|place| Call::Remove { place })),
            _ => self.change(if name == "fchmodat" { "chmod" } else { "chown" }, place(0), &arguments[2..]),
        }
    }

    fn open(&mut self, process: &str, flags: &str, mode: Option<&&str>, result: &str) {
        assert!(!flags.contains("O_TMPFILE") || self.opened(result).is_none(), "the model knows no nameless files");
        let Some(place) = self.opened(result) else { return };
        if flags.contains("O_CREAT") {
            let mode = octal(mode.unwrap()) & !self.umask(process);
            self.calls.push(Call::Create { place: place.clone(), mode });
        }
        if flags.contains("O_TRUNC") {
            self.calls.push(Call::Cut { place, length: 0 });
        }
    }

    fn make_folder(&mut self, process: &str, place: Option<String>, mode: &str) {
        let mode = octal(mode) & !self.umask(process);
        self.calls.extend(place.map(|place| Call::MakeFolder { place, mode }));
    }

    fn make_link(&mut self, target: &str, place: Option<String>) {
        let target = String::from_utf8(text(target)).unwrap();
        self.calls.extend(place.map(|place| Call::MakeLink { place, target }));
    }

    fn add_name(&mut self, from: Option<String>, to: Option<String>) {
        self.calls.extend(from.zip(to).map(|(from, to)| Call::AddName { from, to }));
    }

    fn rename(&mut self, from: Option<String>, to: Option<String>, flags: &str) {
        assert_eq!(from.is_some(), to.is_some(), "renamed into the root or out of it: {from:?}, {to:?}");
        self.calls.extend(from.zip(to).map(|(from, to)| match flags.contains("RENAME_EXCHANGE") {
            true => Call::Exchange { left: from, right: to },
            false => Call::Rename { from, to },
        }));
    }

    fn change(&mut self, name: &str, place: Option<String>, arguments: &[&str]) {
        let Some(place) = place else { return };
        let owner = |text: &str| text.parse().ok();
        self.calls.push(match name {
            "truncate" => Call::Cut { place, length: arguments[0].parse().unwrap() },
            "chmod" => Call::SetMode { place, mode: octal(arguments[0]) },
            "chown" => Call::SetOwner { place, owner: (owner(arguments[0]), owner(arguments[1])) },
            _ => panic!("{name}"),
        });
    }

    /// cp sets a mode as a list of rights, which says no more if it has three entries (posix_acl_xattr.h).
    fn set_list(&mut self, place: Option<String>, arguments: &[&str]) {
        let list = text(arguments[1]);
        if let Some(place) = place.filter(|_| text(arguments[0]) == b"system.posix_acl_access" && list.len() == 28) {
            let mode = [4, 12, 20].iter().fold(0, |mode, at| mode << 3 | u32::from(list[at + 2]));
            self.calls.push(Call::SetMode { place, mode });
        }
    }

    fn umask(&self, process: &str) -> u32 {
        let of_first = || self.umasks.get(self.first.as_deref().unwrap_or_default());
        self.umasks.get(process).or_else(of_first).copied().unwrap_or(0o022)
    }

    /// The place of an open file or folder, if it has one below the root.
    fn opened(&self, descriptor: &str) -> Option<String> {
        let (_, path) = descriptor.trim_end_matches(')').split_once('<')?;
        self.place(&PathBuf::from(String::from_utf8(text(path.split_once('>')?.0)).unwrap()))
    }

    /// The place of a path below the root.
    fn place(&self, path: &Path) -> Option<String> {
        let place = path.strip_prefix(self.root).ok()?.to_str().unwrap();
        (!place.ends_with(" (deleted)") && is_of(self.folders, place)).then(|| place.to_owned())
    }

    fn is_below(&self, arguments: &[&str]) -> bool {
        let path_of = |argument: &&str| String::from_utf8_lossy(&text(argument)).into_owned();
        let paths = arguments.iter().filter(|argument| argument.starts_with('"')).map(path_of);
        let mut opened = arguments.iter().filter_map(|argument| self.opened(argument));
        paths.into_iter().any(|path| Path::new(&path).starts_with(self.root)) || opened.next().is_some()
    }
}

fn octal(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    u32::from_str_radix(&digits, 8).unwrap()
}

/// The bytes of a word, which strace writes as `\x68\x61`.
fn text(word: &str) -> Vec<u8> {
    let word = word.trim_matches('"');
    let bytes = word.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16));
    bytes.collect::<Result<_, _>>().unwrap_or_else(|_| panic!("{word}"))
}

fn path(word: &str) -> PathBuf {
    let path = PathBuf::from(String::from_utf8(text(word)).unwrap());
    assert!(path.is_absolute(), "a path below a folder that strace does not tell: {}", path.display());
    path
}

/// A path relative to an open folder, as `4</a/b>, "c"`.
fn beside(folder: &str, word: &str) -> PathBuf {
    let folder = folder.split_once('<').and_then(|(_, path)| path.split_once('>')).unwrap().0;
    PathBuf::from(String::from_utf8(text(folder)).unwrap()).join(String::from_utf8(text(word)).unwrap())
}

/// Whether a place is in one of these folders or above one; every place is, where none is named.
pub(crate) fn is_of(folders: &[&str], place: &str) -> bool {
    let is_in = |folder: &&str| Path::new(place).starts_with(folder) || Path::new(folder).starts_with(place);
    folders.is_empty() || folders.iter().any(is_in)
}
