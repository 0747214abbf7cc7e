//! What holds for each script that is joined of parts: none is forgotten, and nobody who reads shell or awk has anything
//! to say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::shells::SHELLS;
use super::{run, succeed, tool};

/// A script and the folder of its parts.
pub struct Joined {
    pub script: &'static str,
    pub folder: &'static str,
}

/// What gawk's lint says of a part alone. Parameters are local variables, too, whatever others are called; and some
/// functions are other programs' own.
const EXPECTED: [&str; 4] = [
    "shadows global variable",
    "defined but never called directly",
    "reference to uninitialized",
    "no program text at all",
];

impl Joined {
    /// The parts with that ending by their names, in order.
    fn parts(&self, ending: &str) -> Vec<PathBuf> {
        let paths = fs::read_dir(self.folder).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
        paths.sort();
        paths
    }

    /// No part is forgotten, and they stand in order.
    pub fn has_every_part(&self) {
        let place = |path: &PathBuf| self.script.find(&fs::read_to_string(path).unwrap());
        let (shell, awk) = (self.parts("sh"), self.parts("awk"));
        let places: Vec<_> = shell.iter().map(place).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{shell:?}: {places:?}");
        assert!(awk.iter().all(|path| place(path).is_some()), "{awk:?}");
        assert_eq!(shell.len() + awk.len(), fs::read_dir(self.folder).unwrap().count());
    }

    /// shellcheck and each shell have nothing to say of the whole, nor shellcheck of a part alone.
    pub fn is_plain_shell(&self) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.sh");
        fs::write(&path, self.script).unwrap();
        let shellcheck = || {
            let mut shellcheck = tool("shellcheck");
            shellcheck.args(["--shell=sh", "--norc"]);
            shellcheck
        };
        assert_eq!(succeed(shellcheck().arg(&path)), "");
        for shell in SHELLS {
            succeed(tool(shell[0]).args(&shell[1..]).arg("-n").arg(&path));
        }
        // What a part of the script says of the whole of it counts for each part; its variables are those of other parts.
        for path in self.parts("sh") {
            assert_eq!(succeed(shellcheck().arg("--exclude=SC2015,SC2016,SC2034,SC2153,SC2154").arg(path)), "");
        }
    }

    /// A single quote would end the text of the shell that a program for awk stands in, and so would its end without a
    /// line break.
    pub fn keeps_awk_between_quotes(&self) {
        for path in self.parts("awk") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.ends_with("}\n") && text.starts_with("# ") && !text.contains('\''), "{}", path.display());
        }
    }

    /// gawk's lint, and mawk, which refuses what is gawk's alone, have nothing to say of the programs for awk. A program is
    /// read with those that it needs, given nothing, and ends.
    pub fn has_plain_awk(&self, needed: impl Fn(&Path) -> Vec<&'static str>) {
        for path in self.parts("awk") {
            let needed = needed(&path).into_iter().map(|name| format!("{}/{name}.awk", self.folder));
            let all = needed.chain([path.to_string_lossy().into_owned()]);
            let programs: Vec<_> = all.flat_map(|path| ["-f".to_owned(), path]).collect();
            let lint = run(tool("gawk").arg("--lint").args(&programs).stdin(Stdio::null()));
            let text = String::from_utf8(lint.stderr).unwrap();
            let is_known = |line: &str| EXPECTED.iter().any(|known| line.contains(known));
            let said: Vec<_> = text.lines().filter(|line| !is_known(line)).collect();
            assert!(said.is_empty(), "{}: {said:#?}", path.display());
            succeed(tool("mawk").args(["-W", "dump"]).args(&programs));
        }
    }
}
