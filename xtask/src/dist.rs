//! `cargo xtask dist`: builds the program in the form in which it travels, one static file that needs nothing on the
//! node, with man pages, completions and checksums, in `target/dist`.
//!
//! The same sources and toolchain give the same bytes in any folder. `--twice` builds in another folder as well, and
//! compares.

use std::{
    env,
    env::consts::ARCH,
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{Outcome, process};

/// The folder of the results.
const FOLDER: &str = "target/dist";
/// The machines for which the program is built: always this one, and the others where their standard library and
/// compiler are installed.
const MACHINES: [Machine; 2] = [
    Machine { name: "x86_64", target: "x86_64-unknown-linux-gnu", compiler: "gcc" },
    Machine { name: "aarch64", target: "aarch64-unknown-linux-gnu", compiler: "aarch64-linux-gnu-gcc" },
];

struct Machine {
    name: &'static str,
    target: &'static str,
    /// The program that compiles ring's C and assembly, and links.
    compiler: &'static str,
}

/// Builds everything.
///
/// # Errors
/// Fails when something cannot be built, and when the second build has other bytes.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let twice = match arguments {
        [] => false,
        [word] if word == "--twice" => true,
        [word, ..] => return Err(format!("unknown argument `{word}`")),
    };
    let folder = process::root().join(FOLDER);
    clear(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for machine in &MACHINES {
        if machine.name != ARCH && !is_possible(machine)? {
            println!("skipped: no standard library or no {} for {}", machine.compiler, machine.target);
            continue;
        }
        let program = build(process::root(), machine)?;
        copy(&program, &folder.join(format!("certferry-{}", machine.name)))?;
        if twice {
            compare(&program, machine)?;
        }
    }
    pages(&folder)?;
    sums(&folder)?;
    println!("xtask: {FOLDER} holds");
    print!("{}", fs::read_to_string(folder.join("SHA256SUMS")).map_err(|error| error.to_string())?);
    Ok(())
}

/// A build that goes on beside other work; it is ended when this is dropped.
pub(crate) struct Ahead(Option<Child>);

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(cargo) = &mut self.0 {
            // Neither fails but for a build that has ended. What the compiler is at comes to its end.
            let _ = cargo.kill();
            let _ = cargo.wait();
        }
    }
}

/// Begins to build the program for this machine, in the folder in which [`run`] goes on with it. Whatever goes wrong is
/// met there once more, and told.
pub(crate) fn begin() -> Ahead {
    let machine = MACHINES.iter().find(|machine| machine.name == ARCH);
    let cargo = machine.and_then(|machine| cargo(process::root(), machine).ok());
    Ahead(cargo.and_then(|mut cargo| {
        cargo.arg("--locked").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    }))
}

/// Returns the path of the program for this machine, which [`run`] makes.
pub(crate) fn program() -> PathBuf {
    process::root().join(FOLDER).join(format!("certferry-{ARCH}"))
}

/// Returns the path of the same program under its own name, which usage lines repeat.
pub(crate) fn built() -> PathBuf {
    let machine = MACHINES.iter().find(|machine| machine.name == ARCH).map_or("", |machine| machine.target);
    target(process::root()).join(machine).join("release/certferry")
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder.join("man"))?;
    fs::create_dir_all(folder.join("completions"))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", to.display()))
}

/// Returns whether the standard library of a machine and a C compiler for it are installed.
fn is_possible(machine: &Machine) -> Result<bool, String> {
    let library = sysroot()?.join("lib/rustlib").join(machine.target).join("lib");
    Ok(library.is_dir() && process::succeeds(process::command(machine.compiler).arg("--version")))
}

fn sysroot() -> Result<PathBuf, String> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    Ok(process::output(process::command(&rustc).args(["--print", "sysroot"]))?.trim().into())
}

/// Builds the sources in a folder. Returns the path of the program.
fn build(sources: &Path, machine: &Machine) -> Result<PathBuf, String> {
    process::run(cargo(sources, machine)?.arg("--locked"))?;
    Ok(target(sources).join(machine.target).join("release/certferry"))
}

/// Returns the folder in which cargo builds.
fn target(sources: &Path) -> PathBuf {
    sources.join("target/dist-build")
}

/// Returns a call of cargo that states everything that decides the bytes.
fn cargo(sources: &Path, machine: &Machine) -> Result<Command, String> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let home = home.ok_or("neither CARGO_HOME nor HOME is set")?;
    // Messages and assertions name their sources, which must be by paths that are the same everywhere.
    let folders = [(sources, "certferry"), (home.as_path(), "cargo"), (&sysroot()?, "rust")];
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned(), "-Cstrip=symbols".to_owned()];
    flags.extend(folders.iter().map(|(folder, name)| format!("--remap-path-prefix={}=/{name}", folder.display())));
    let c_flags: Vec<_> =
        folders.iter().map(|(folder, name)| format!("-ffile-prefix-map={}=/{name}", folder.display())).collect();
    let underscored = machine.target.replace('-', "_");
    let mut cargo = process::cargo();
    cargo
        .current_dir(sources)
        .args(["build", "--release", "--package=certferry", "--target", machine.target])
        .env("CARGO_TARGET_DIR", target(sources))
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env(format!("CC_{underscored}"), machine.compiler)
        .env(format!("CFLAGS_{underscored}"), c_flags.join(" "))
        .env(format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()), machine.compiler)
        .env("SOURCE_DATE_EPOCH", "0")
        .env("CERTFERRY_COMMIT", commit());
    Ok(cargo)
}

/// Returns the commit of the sources, which `certferry --version` says. Empty where there is no git or no checkout, as in an
/// archive of the sources; with `-changed` behind it when a file is not as it was committed.
fn commit() -> String {
    let git = |arguments: &[&str]| process::output(process::command("git").args(arguments)).ok();
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return String::new() };
    let is_changed = git(&["status", "--porcelain"]).is_none_or(|changes| !changes.trim().is_empty());
    format!("{}{}", commit.trim(), if is_changed { "-changed" } else { "" })
}

/// Builds the same sources in another folder whose path has another length, and compares.
fn compare(program: &Path, machine: &Machine) -> Outcome {
    let second = env::temp_dir().join(format!("certferry-dist-{}", std::process::id())).join("another/folder");
    let text = |error: io::Error| error.to_string();
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    for name in process::output(process::command("git").args(list))?.lines() {
        let (from, to) = (process::root().join(name), second.join(name));
        if from.exists() {
            fs::create_dir_all(to.parent().unwrap_or(&second)).map_err(text)?;
            copy(&from, &to)?;
        }
    }
    let other = build(&second, machine)?;
    let same = fs::read(program).map_err(text)? == fs::read(&other).map_err(text)?;
    fs::remove_dir_all(second.ancestors().nth(2).unwrap_or(&second)).map_err(text)?;
    if same {
        println!("xtask: {}: two builds in two folders, the same bytes", machine.name);
        return Ok(());
    }
    Err(format!("{}: a build in {} has other bytes", machine.name, second.display()))
}

/// Writes man pages and completions, which the program itself prints.
fn pages(folder: &Path) -> Outcome {
    let program = program();
    process::run(Command::new(&program).args(["man", "--out"]).arg(folder.join("man")))?;
    for (shell, name) in [("bash", "certferry.bash"), ("zsh", "_certferry"), ("fish", "certferry.fish")] {
        let script = process::output(Command::new(&program).args(["completions", shell]))?;
        let file = folder.join("completions").join(name);
        fs::write(&file, script).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// Writes `SHA256SUMS` of every file, in the form that sha256sum checks.
fn sums(folder: &Path) -> Outcome {
    let mut files: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned))
        .collect();
    files.sort();
    let sums = process::output(process::command("sha256sum").current_dir(folder).args(files))?;
    fs::write(folder.join("SHA256SUMS"), sums).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use std::{fs, process::Command};

    use super::Ahead;

    #[test]
    fn what_is_built_ahead_ends_with_whoever_wants_it() {
        let child = Command::new("sleep").arg("3600").spawn().unwrap();
        let process = format!("/proc/{}", child.id());
        assert!(fs::exists(&process).unwrap());
        drop(Ahead(Some(child)));
        assert!(!fs::exists(&process).unwrap());
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        drop(Ahead(Some(ended)));
        drop(Ahead(None));
    }
}
