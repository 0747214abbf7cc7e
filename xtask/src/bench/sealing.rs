//! Measures what a recipient costs, who seals to it and who opens past it, and what a passphrase costs; beside Debian's
//! age and the package age-encryption of npm, where they are installed. Processor time.
//!
//! What a recipient costs is the difference between files for many and for one, so that what a program does besides,
//! such as to start, does not count.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::builds::program;
use super::cost::cost;
use super::others::in_folder;
use crate::process;

/// The recipients of the larger file, besides the first.
const MORE: usize = 20;
/// How often each is done.
const RUNS: usize = 50;

/// Each kind of recipient, its name, the option that makes it, and whether Debian's age knows it.
const KINDS: [(&str, &str, bool); 2] = [("mlkem768x25519", "", false), ("X25519", "--x25519", true)];

/// The scripts: $1 is the program, $2 how often, $3 the name of a file `$3.txt` with recipients, of which `own.key`
/// opens the last. They leave `$3.sealed`.
const OURS: [&str; 2] = [
    "to=$(sed 's/^/--recipient /' $3.txt); for run in $(seq $2); do rm -f $3.sealed; \
     \"$1\" seed reseal seed --out $3.sealed $to >/dev/null; done",
    "for run in $(seq $2); do \"$1\" seed id $3.sealed --identity own.key >/dev/null; done",
];
const AGE: [&str; 2] = [
    "for run in $(seq $2); do age -R $3.txt -o $3.age seed; done",
    "for run in $(seq $2); do age -d -i own.key $3.age >/dev/null; done",
];
const NPM: [&str; 2] = [
    "node \"$4\" \"$5\" $2 seal recipients $3.txt <seed >$3.npm",
    "node \"$4\" \"$5\" $2 open identity own.key <$3.npm >/dev/null",
];

/// The same with a passphrase, once. Debian's age reads it of a terminal alone.
const OURS_PASSPHRASE: [&str; 2] = [
    "\"$1\" seed reseal seed --out passphrase.sealed --new-passphrase-file passphrase >/dev/null",
    "\"$1\" seed id passphrase.sealed --passphrase-file passphrase >/dev/null",
];
const AGE_PASSPHRASE: [&str; 2] = [
    "(sleep 1; cat passphrase; sleep 1; cat passphrase; sleep 3) | \
     script -qec 'age -p -o passphrase.age seed' /dev/null >/dev/null",
    "(sleep 1; cat passphrase; sleep 3) | script -qec 'age -d -o opened passphrase.age' /dev/null >/dev/null",
];
const NPM_PASSPHRASE: [&str; 2] = [
    "node \"$4\" \"$5\" 1 seal passphrase passphrase <seed >passphrase.npm",
    "node \"$4\" \"$5\" 1 open passphrase passphrase <passphrase.npm >/dev/null",
];

/// Prints a line for each kind of recipient and each program.
///
/// # Errors
/// Fails when a program fails.
pub(super) fn run() -> Result<(), String> {
    let program = program()?;
    in_folder(|folder| {
        let bench = Bench { folder, program: &program, npm: process::root().join("target/npm") };
        bench.prepare()?;
        println!(
            "\nSealed files: milliseconds of a processor for each further recipient, and for a passphrase (2^18)\n"
        );
        println!("| recipient | program | sealing | opening |\n|---|---|---|---|");
        for (kind, option, is_debians) in KINDS {
            bench.recipients(option)?;
            bench.print(kind, "certferry", true, &|script| bench.each(OURS[script]))?;
            let has_age = is_debians && process::succeeds(process::command("age").arg("--version"));
            let missing = if is_debians { "age of Debian: not here" } else { "age of Debian: has it from 1.3 on" };
            bench.print(kind, if has_age { "age of Debian" } else { missing }, has_age, &|script| {
                bench.each(AGE[script])
            })?;
            bench.npm(kind, &|script| bench.each(NPM[script]))?;
        }
        let kind = "passphrase";
        bench.print(kind, "certferry", true, &|script| bench.script(OURS_PASSPHRASE[script], 1, kind))?;
        let has_age = process::succeeds(process::command("age").arg("--version"));
        bench.print(kind, "age of Debian", has_age, &|script| bench.script(AGE_PASSPHRASE[script], 1, kind))?;
        bench.npm(kind, &|script| bench.script(NPM_PASSPHRASE[script], 1, kind))
    })
}

struct Bench<'a> {
    folder: &'a Path,
    program: &'a Path,
    npm: PathBuf,
}

/// Returns the milliseconds that sealing (0) or opening (1) takes.
type Measure<'a> = &'a dyn Fn(usize) -> Result<f64, String>;

impl Bench<'_> {
    fn prepare(&self) -> Result<(), String> {
        cost(self.folder, Command::new(self.program).args(["seed", "new", "seed", "--plain"]))?;
        self.write("passphrase", "four words of nobody\n")
    }

    /// Writes `one.txt` and `many.txt`, and the identity of the last recipient of both.
    fn recipients(&self, option: &str) -> Result<(), String> {
        let script = "rm -f *.key *.txt; for number in $(seq $2); do \
            \"$1\" identity new $number.key $4 | sed -n 3p >>many.txt; done
            tail -n 1 many.txt >one.txt; mv $2.key own.key";
        let count = (MORE + 1).to_string();
        let program = self.program.display().to_string();
        let arguments = ["-euc", script, "sh", &program, &count, "", option];
        cost(self.folder, Command::new("sh").args(arguments)).map(drop)
    }

    /// Returns the milliseconds of a processor that a script takes.
    fn script(&self, script: &str, runs: usize, name: &str) -> Result<f64, String> {
        let age = process::root().join("xtask/src/bench/age.mjs");
        let [program, age, npm] = [self.program, &age, &self.npm].map(|path| path.display().to_string());
        let runs = runs.to_string();
        let arguments = ["-euc", script, "sh", &program, &runs, name, &age, &npm];
        Ok(cost(self.folder, Command::new("sh").args(arguments))?.processor * 1000.0)
    }

    /// Returns the milliseconds for each further recipient.
    fn each(&self, script: &str) -> Result<f64, String> {
        let one = self.script(script, RUNS, "one")?;
        let many = self.script(script, RUNS, "many")?;
        Ok((many - one) / (RUNS * MORE) as f64)
    }

    fn npm(&self, kind: &str, measure: Measure<'_>) -> Result<(), String> {
        let is_there = self.npm.join("node_modules/age-encryption").is_dir();
        let name =
            if is_there { "age-encryption of npm" } else { "age-encryption of npm: cargo xtask test installs it" };
        self.print(kind, name, is_there, measure)
    }

    fn print(&self, kind: &str, name: &str, is_there: bool, measure: Measure<'_>) -> Result<(), String> {
        if !is_there {
            println!("| {kind} | {name} | | |");
            return Ok(());
        }
        // Sealing comes first: what it leaves is opened.
        let sealing = measure(0)?;
        println!("| {kind} | {name} | {sealing:.2} | {:.2} |", measure(1)?);
        Ok(())
    }

    fn write(&self, name: &str, content: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.join(name);
        let written =
            fs::write(&path, content).and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }
}
