//! The same profile and seed give the same bytes: whatever the zone, language, umask, user, folder, threads, host,
//! clock, standard streams and place of the program.
//!
//! A small profile with ECDSA keys is built under each circumstance alone; the example with RSA keys under all of them
//! at once. Another host name needs root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::common::rights::{Right, lacks};
use crate::common::{SEED, certferry, place_program, profile, run, succeed, tool, write};
use tempfile::TempDir;

/// Every kind of part and file, in a tenth of a second.
const SMALL: &str = r#"format = 1

[cluster]
name = "small"
kubernetes = "1.34.1"
issued_at = 2026-11-22
control_plane_endpoint = "small.corp.internal"

[keys]
ca = "ecdsa-p384"
leaf = "ecdsa-p256"
service_account = "ecdsa-p256"

[[node]]
name = "cp-1"
role = "control-plane"
addresses = ["10.0.0.1"]

[[node_pool]]
role = "worker"
names = "worker-[1..9]"
first_addresses = ["10.0.1.1"]

[[user]]
name = "İlker Ünal"
groups = ["ops", "Größe", "TITLE", "title"]

[[etcd_client]]
name = "backup"
"#;

/// Times that programs stumble over: the epoch, the end of 32 bits, of UTCTime, of the certificates.
/// Zones as POSIX writes them: those with names are files, which a machine need not have.
const INDIA: &str = "IST-5:30";
const NEWFOUNDLAND: &str = "NST3:30NDT";
const KIRIBATI: &str = "LINT-14";
const CLOCKS: [&str; 5] = ["1970-01-01", "2038-01-19", "2049-12-31", "2051-01-01", "2226-12-01"];

/// Name and content of every output.
type Built = BTreeMap<String, Vec<u8>>;

/// A folder with `profile.toml` and `seed`, to build in with relative paths.
struct Place(TempDir);

impl Place {
    fn new(profile: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "profile.toml", profile, 0o644);
        write(folder.path(), "seed", SEED, 0o600);
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Builds with a command that is the program, or runs it.
    fn build(self, mut program: Command) -> Built {
        program.current_dir(self.path()).args([
            "build",
            "profile.toml",
            "--seed",
            "seed",
            "--allow-weak-seed",
            "--out",
            "out",
        ]);
        succeed(&mut program);
        self.built()
    }

    fn built(&self) -> Built {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.path().join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.push(self.path().join("profile.lock.toml"));
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let built: Built = files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect();
        assert_eq!(built.len(), 6, "archive, signature, key, script, its signature, lock: {files:?}");
        built
    }
}

static EXPECTED: LazyLock<Built> = LazyLock::new(|| Place::new(SMALL).build(certferry()));

#[track_caller]
fn assert_same(found: &Built, expected: &Built, circumstance: &str) {
    assert!(found.keys().eq(expected.keys()), "{circumstance}: {:?}", found.keys());
    for (name, content) in found {
        assert!(*content == expected[name], "{circumstance}: {name} is another");
    }
}

/// Builds the small profile with this program and compares.
#[track_caller]
fn assert_builds_the_same(program: Command, circumstance: &str) {
    assert_same(&Place::new(SMALL).build(program), &EXPECTED, circumstance);
}

fn certferry_with(variable: &str, value: &str) -> Command {
    let mut command = certferry();
    command.env(variable, value);
    command
}

/// A shell that makes a circumstance and then becomes the program.
fn shell(line: &str) -> Command {
    let mut command = tool("sh");
    command.args(["-euc", &format!("{line} \"$0\" \"$@\""), env!("CARGO_BIN_EXE_certferry")]);
    command
}

fn at(clock: &str) -> Command {
    let mut command = tool("faketime");
    command.args(["-f", &format!("@{clock} 12:00:00"), env!("CARGO_BIN_EXE_certferry")]).env("TZ", "UTC");
    command
}

#[test]
fn another_time_zone() {
    for zone in ["UTC0", INDIA, NEWFOUNDLAND, KIRIBATI] {
        assert_builds_the_same(certferry_with("TZ", zone), zone);
    }
}

#[test]
fn another_language() {
    for locale in ["C", "de_DE.UTF-8", "tr_TR.UTF-8", "no_such_locale"] {
        for variable in ["LC_ALL", "LANG", "LC_CTYPE"] {
            assert_builds_the_same(certferry_with(variable, locale), &format!("{variable}={locale}"));
        }
    }
}

#[test]
fn another_user_and_no_environment() {
    assert_builds_the_same(certferry_with("USER", "somebody"), "USER");
    assert_builds_the_same(certferry_with("HOME", "/nowhere"), "HOME");
    assert_builds_the_same(certferry_with("TMPDIR", "/nowhere"), "TMPDIR");
    assert_builds_the_same(certferry_with("SOURCE_DATE_EPOCH", "1"), "SOURCE_DATE_EPOCH");
    assert_builds_the_same(certferry_with("RAYON_NUM_THREADS", "3"), "RAYON_NUM_THREADS");
    assert_builds_the_same(certferry_with("NO_COLOR", "1"), "NO_COLOR");
    let mut empty = certferry();
    empty.env_clear();
    assert_builds_the_same(empty, "no environment");
}

/// The modes of files are part of the output: the archive holds keys, the rest is public.
#[test]
fn another_umask() {
    for umask in [0o000, 0o022, 0o027, 0o077] {
        let place = Place::new(SMALL);
        let path = place.path().to_owned();
        let mut program = shell(&format!("umask {umask:03o}; exec"));
        program.current_dir(&path).args([
            "build",
            "profile.toml",
            "--seed",
            "seed",
            "--allow-weak-seed",
            "--out",
            "out",
        ]);
        succeed(&mut program);
        assert_same(&place.built(), &EXPECTED, &format!("umask {umask:03o}"));
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("out/small-g1.tar.gz"), 0o600, "umask {umask:03o}");
        assert_eq!(mode("out/install.sh"), 0o755, "umask {umask:03o}");
        for name in ["out/small-g1.tar.gz.sig", "out/small.pub", "out/install.sh.sig", "profile.lock.toml"] {
            assert_eq!(mode(name), 0o644, "{name} under umask {umask:03o}");
        }
        assert_eq!(mode("out"), 0o700, "umask {umask:03o}");
    }
}

#[test]
fn a_new_seed_is_private_under_every_umask() {
    for umask in ["000", "077"] {
        let folder = tempfile::tempdir().unwrap();
        succeed(shell(&format!("umask {umask}; exec")).current_dir(&folder).args(["seed", "new", "seed", "--plain"]));
        let mode = fs::metadata(folder.path().join("seed")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "umask {umask}");
    }
}

#[test]
fn another_working_folder() {
    let place = Place::new(SMALL);
    let folder = place.path().join("some/where else");
    fs::create_dir_all(&folder).unwrap();
    let relative = ["build", "../../profile.toml", "--seed", "../../seed", "--allow-weak-seed", "--out", "../../out"];
    succeed(certferry().current_dir(&folder).args(relative));
    assert_same(&place.built(), &EXPECTED, "from another folder");

    let place = Place::new(SMALL);
    let absolute = |name: &str| place.path().join(name);
    let mut command = certferry();
    command
        .current_dir("/")
        .arg("build")
        .arg(absolute("profile.toml"))
        .args(["--allow-weak-seed", "--seed"])
        .arg(absolute("seed"));
    succeed(command.arg("--out").arg(absolute("out")).arg("--lock").arg(absolute("profile.lock.toml")));
    assert_same(&place.built(), &EXPECTED, "with absolute paths");

    let place = Place::new(SMALL);
    fs::rename(place.path().join("profile.toml"), place.path().join("other.toml")).unwrap();
    fs::rename(place.path().join("seed"), place.path().join("other")).unwrap();
    let other =
        ["build", "other.toml", "--seed", "other", "--allow-weak-seed", "--out", "out", "--lock", "profile.lock.toml"];
    succeed(certferry().current_dir(place.path()).args(other));
    assert_same(&place.built(), &EXPECTED, "with other names");
}

#[test]
fn another_number_of_threads() {
    for threads in 1..=8 {
        let threads = threads.to_string();
        let place = Place::new(SMALL);
        let arguments =
            ["build", "profile.toml", "--seed", "seed", "--allow-weak-seed", "--out", "out", "--threads", &threads];
        succeed(certferry().current_dir(place.path()).args(arguments));
        assert_same(&place.built(), &EXPECTED, &format!("{threads} threads"));
    }
}

#[test]
fn another_host() {
    if lacks(&[Right::HostName]) {
        return;
    }
    let name = "a-host-by-another-name";
    let unshared = |line: &str| {
        let mut command = tool("unshare");
        let line = format!("echo {name} > /proc/sys/kernel/hostname; {line} \"$0\" \"$@\"");
        command.args(["--uts", "sh", "-euc", &line, env!("CARGO_BIN_EXE_certferry")]);
        command
    };
    assert_eq!(succeed(&mut unshared("uname -n; exec true")).trim(), name, "the name takes effect");
    assert_builds_the_same(unshared("exec"), "another host");
}

#[test]
fn another_clock() {
    let place = Place::new(SMALL);
    succeed(certferry().current_dir(place.path()).args([
        "build",
        "profile.toml",
        "--seed",
        "seed",
        "--allow-weak-seed",
        "--out",
        "out",
    ]));
    for clock in CLOCKS {
        // The program does see this clock: certificates are not valid yet, are valid, have expired.
        let verify = ["verify", "out/small-g1.tar.gz", "--key", "out/small.pub"];
        let output = run(at(clock).current_dir(place.path()).args(verify));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = match clock {
            "1970-01-01" => "is not valid before 2026-11-21T00:00:00Z",
            "2226-12-01" => "and 2226-11-22T00:00:00Z",
            _ => "",
        };
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_empty())), "{clock}: {stderr}");
        assert!(stderr.contains(expected), "{clock}: {stderr}");
        let starter = run(at(clock).arg("init"));
        let starter = [starter.stdout, starter.stderr].concat();
        assert!(String::from_utf8(starter).unwrap().contains(&format!("issued_at = {clock}")), "{clock}");

        assert_builds_the_same(at(clock), clock);
    }
}

#[test]
fn closed_streams() {
    for line in ["exec <&-;", "exec >&-;", "exec 2>&-;", "exec <&- >&- 2>&-;"] {
        assert_builds_the_same(shell(&format!("{line} exec")), line);
    }
}

#[test]
fn the_seed_from_the_standard_input() {
    let place = Place::new(SMALL);
    let line = "exec \"$0\" build profile.toml --seed - --allow-weak-seed --out out < seed";
    succeed(tool("sh").current_dir(place.path()).args(["-euc", line, env!("CARGO_BIN_EXE_certferry")]));
    assert_same(&place.built(), &EXPECTED, "seed from stdin");
}

#[test]
fn another_place_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("a copy by another name");
    place_program(Path::new(env!("CARGO_BIN_EXE_certferry")), &copy);
    assert_builds_the_same(tool(copy), "a copy");
}

#[test]
fn building_twice_in_one_folder_changes_nothing() {
    let place = Place::new(SMALL);
    let build = || {
        let arguments = ["build", "profile.toml", "--seed", "seed", "--allow-weak-seed", "--out", "out"];
        succeed(certferry().current_dir(place.path()).args(arguments))
    };
    let first = build();
    assert_eq!(build(), first);
    assert_same(&place.built(), &EXPECTED, "twice");
}

/// RSA keys take the slow part and most of the code; one run for each number of threads, all else different too.
#[test]
fn rsa_under_all_circumstances_at_once() {
    if lacks(&[Right::HostName]) {
        return;
    }
    let text = fs::read_to_string(profile("single-node")).unwrap();
    let expected = Place::new(&text).build(certferry());
    for (threads, clock, zone, locale, umask) in [
        (1, CLOCKS[0], INDIA, "tr_TR.UTF-8", "000"),
        (3, CLOCKS[4], NEWFOUNDLAND, "de_DE.UTF-8", "077"),
        (8, CLOCKS[2], KIRIBATI, "C", "027"),
    ] {
        let place = Place::new(&text);
        let folder = place.path().join("elsewhere");
        fs::create_dir(&folder).unwrap();
        let program = folder.join("copy");
        place_program(Path::new(env!("CARGO_BIN_EXE_certferry")), &program);
        let line = format!(
            "echo host-{threads} > /proc/sys/kernel/hostname; umask {umask}; exec <&-; \
             exec env -i TZ={zone} LC_ALL={locale} PATH=\"$PATH\" faketime -f '@{clock} 12:00:00' \
             ./copy build ../profile.toml --seed ../seed --allow-weak-seed --out ../out --threads {threads}"
        );
        succeed(tool("unshare").current_dir(&folder).args(["--uts", "sh", "-euc", &line]));
        assert_same(&place.built(), &expected, &line);
    }
}

/// The mirror: what should count does.
#[test]
fn another_profile_or_seed_gives_other_bytes() {
    let comment = Place::new(&format!("{SMALL}# a comment\n")).build(certferry());
    assert_ne!(comment["small-g1.tar.gz"], EXPECTED["small-g1.tar.gz"], "the profile is in the bundle");
    let place = Place::new(SMALL);
    write(place.path(), "seed", &SEED.replace("000102", "000103"), 0o600);
    for (name, content) in place.build(certferry()) {
        // The script is everybody's; each signs it.
        assert_eq!(content == EXPECTED[&name], name == "install.sh", "{name}");
    }
}
