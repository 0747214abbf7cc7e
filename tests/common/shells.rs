//! Nodes that have other tools: a folder of programs that is all of PATH, and a shell.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Every program that install.sh calls. One that needs another does not run in these folders.
pub const PROGRAMS: [&str; 30] = [
    "awk",
    "cat",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "date",
    "gzip",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "od",
    "openssl",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "sha256sum",
    "sort",
    "stat",
    "sync",
    "tail",
    "tar",
    "tr",
    "uname",
    "wc",
    "flock",
];

/// The shells that the script is for.
pub const SHELLS: [&[&str]; 3] = [&["dash"], &["busybox", "ash"], &["bash"]];

/// Where a program is.
pub fn find(program: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("there is no {program}; `cargo xtask test` installs what tests need"))
}

/// A folder of programs.
pub struct Tools {
    folder: TempDir,
    shell: Vec<PathBuf>,
    name: String,
}

impl Tools {
    /// A distribution's tools, with this shell, this awk and this tar (`tar` or `busybox`).
    pub fn new(shell: &[&str], awk: &str, tar: &str) -> Self {
        let tools = Self::empty(shell, &format!("{}, {awk}, {tar}", shell.join(" ")));
        for program in PROGRAMS {
            let target = match program {
                "awk" => awk,
                "tar" => tar,
                program => program,
            };
            tools.add(program, &find(target));
        }
        tools
    }

    /// One busybox for everything that it has. The flock of Debian's is not there, so the script does without.
    pub fn busybox() -> Self {
        let tools = Self::empty(&["busybox", "ash"], "busybox");
        for program in PROGRAMS.into_iter().filter(|program| *program != "flock") {
            tools.add(program, &find(if program == "openssl" { program } else { "busybox" }));
        }
        tools
    }

    fn empty(shell: &[&str], name: &str) -> Self {
        let (program, arguments) = shell.split_first().unwrap();
        let shell = [find(program)].into_iter().chain(arguments.iter().map(PathBuf::from)).collect();
        Self { folder: tempfile::tempdir().unwrap(), shell, name: name.to_owned() }
    }

    /// What is in the folder, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a program into the folder, in the place of another of that name.
    pub fn add(&self, name: &str, target: &Path) {
        self.remove(name);
        symlink(target, self.path(name)).unwrap();
    }

    /// Puts a script of sh into the folder.
    pub fn add_script(&self, name: &str, script: &str) {
        self.remove(name);
        super::write_program(self.folder.path(), name, &format!("#!/bin/sh\n{script}"));
    }

    /// Takes a program away.
    pub fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.path(name));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A script run by the shell, with these programs and no other environment.
    pub fn run(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.shell[0]);
        command.args(&self.shell[1..]).arg(script).env_clear().env("PATH", self.folder.path());
        command
    }
}
