//! The programs that the tests run. They are found, or installed by root on a Debian machine, or named as missing.
//!
//! Only root installs, and only what is missing, so that a complete machine needs no network.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, process};

/// A program and the package of Debian 12 that holds it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

const fn tool(program: &'static str, package: &'static str) -> Tool {
    Tool { program, package }
}

/// The programs that the tests run beside Rust, in the order of a message.
const TOOLS: &[Tool] = &[
    tool("gcc", "gcc"),
    tool("git", "git"),
    tool("go", "golang-go"),
    tool("tar", "tar"),
    tool("openssl", "openssl"),
    tool("setfacl", "acl"),
    tool("getfacl", "acl"),
    tool("etcd", "etcd-server"),
    tool("etcdctl", "etcd-client"),
    tool("kubectl", "kubernetes-client"),
    tool("busybox", "busybox"),
    tool("curl", "curl"),
    tool("update-ca-certificates", "ca-certificates"),
    tool("containerd", "containerd"),
    tool("ctr", "containerd"),
    tool("node", "nodejs"),
    tool("npm", "npm"),
    tool("age", "age"),
    tool("age-keygen", "age"),
    tool("softhsm2-util", "softhsm2"),
    tool("pkcs11-tool", "opensc"),
    // Gives a program a terminal.
    tool("script", "bsdutils"),
    tool("ip", "iproute2"),
    tool("mount", "mount"),
    tool("unshare", "util-linux"),
    tool("faketime", "faketime"),
    tool("prometheus-node-exporter", "prometheus-node-exporter"),
    tool("bash", "bash"),
    tool("dash", "dash"),
    tool("gawk", "gawk"),
    tool("mawk", "mawk"),
    tool("shellcheck", "shellcheck"),
    tool("groff", "groff-base"),
    tool("strace", "strace"),
    tool("time", "time"),
    tool("qemu-x86_64", "qemu-user"),
    tool("systemctl", "systemd"),
    tool("systemd-analyze", "systemd"),
    tool("python3", "python3"),
    // The validator of JSON Schema that the tests ask; the package brings this program.
    tool("jsonschema", "python3-jsonschema"),
    tool("ssh", "openssh-client"),
    tool("sshd", "openssh-server"),
    tool("ansible-playbook", "ansible-core"),
    // The package holds Ignition itself, too, where dracut finds it.
    tool("ignition-validate", "ignition"),
];

/// The subcommands of cargo that the minimal profile of the Rust toolchain lacks, each with its component.
const COMPONENTS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// The program that says whether packages may start services on Debian. Exit code 101 means "install, but start no
/// service".
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that every program that the tests run is there.
///
/// # Errors
/// Returns what is missing and how to install it, when this user cannot install it or the installation did not help.
pub(crate) fn prepare() -> Outcome {
    prepare_toolchain()?;
    let folders = process::search_path();
    let missing = missing(TOOLS, &folders);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || find("apt-get", &folders).is_none() {
        return Err(how_to_install(&missing));
    }
    println!("xtask: installing {}", packages(&missing).join(" "));
    install(&packages(&missing))?;
    let still_missing = self::missing(TOOLS, &folders);
    if still_missing.is_empty() { Ok(()) } else { Err(how_to_install(&still_missing)) }
}

/// Makes sure that a program is there that only a few commands need.
///
/// # Errors
/// Returns that the program is missing, and the hint.
pub(crate) fn require(program: &str, hint: &str) -> Outcome {
    match find(program, &process::search_path()) {
        Some(_) => Ok(()),
        None => Err(format!("missing program: {program}\nhint: {hint}")),
    }
}

fn prepare_toolchain() -> Outcome {
    let lacks = |subcommand: &str| !process::succeeds(process::cargo().args([subcommand, "--version"]));
    let missing: Vec<&str> =
        COMPONENTS.iter().filter(|(name, _)| lacks(name)).map(|(_, component)| *component).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("xtask: installing {} with rustup", missing.join(" "));
    process::run(process::command("rustup").args(["component", "add"]).args(&missing))
        .map_err(|error| format!("{error}\nmissing parts of the Rust toolchain: {}", missing.join(", ")))
}

fn missing<'tools>(tools: &'tools [Tool], folders: &[PathBuf]) -> Vec<&'tools Tool> {
    tools.iter().filter(|tool| find(tool.program, folders).is_none()).collect()
}

fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let executable = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.is_file() && data.mode() & 0o111 != 0);
    folders.iter().map(|folder| folder.join(program)).find(executable)
}

fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    tools.iter().map(|tool| tool.package).collect()
}

fn how_to_install(tools: &[&Tool]) -> String {
    let programs: Vec<&str> = tools.iter().map(|tool| tool.program).collect();
    format!("missing programs: {}\nhint: apt-get install {}", programs.join(", "), packages(tools).join(" "))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Runs `apt-get install` without questions and without starting services, because etcd's service would take the ports
/// of the tests' own etcd.
fn install(packages: &[&str]) -> Outcome {
    let _policy = NoServices::begin(Path::new(POLICY)).map_err(|error| format!("{POLICY}: {error}"))?;
    process::run(apt_get().arg("update"))?;
    process::run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> Command {
    let mut command = process::command("apt-get");
    command
        .args(["--quiet", "--option", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("RUNLEVEL", "1");
    command
}

/// While it lives, packages start no service. A policy that the machine already has is left alone, such as that of a
/// container.
struct NoServices<'path> {
    made: Option<&'path Path>,
}

impl<'path> NoServices<'path> {
    fn begin(path: &'path Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path);
        match file {
            Ok(mut file) => {
                let guard = Self { made: Some(path) };
                file.write_all(b"#!/bin/sh\nexit 101\n")?;
                file.set_permissions(fs::Permissions::from_mode(0o755))?;
                Ok(guard)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Self { made: None }),
            Err(error) => Err(error),
        }
    }
}

impl Drop for NoServices<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.made
            && let Err(error) = fs::remove_file(path)
        {
            eprintln!("xtask: remove {} by hand, it keeps services from starting: {error}", path.display());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop here")]
mod tests {
    use std::{fs, path::PathBuf, process::Command};

    use super::{NoServices, find, how_to_install, missing, tool};

    #[test]
    fn only_what_is_absent_is_missing() {
        let folders = [PathBuf::from("/nowhere"), PathBuf::from("/bin")];
        let tools = [tool("sh", "dash"), tool("no-such-program", "no-such-package"), tool("neither", "other")];
        let missing = missing(&tools, &folders);
        let message = "missing programs: no-such-program, neither\nhint: apt-get install no-such-package other";
        assert_eq!(how_to_install(&missing), message);
    }

    #[test]
    fn a_program_is_an_executable_file() {
        let folders = [PathBuf::from("/etc"), PathBuf::from("/bin")];
        assert_eq!(find("sh", &folders), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("passwd", &[PathBuf::from("/etc")]), None, "a plain file");
        assert_eq!(find("usr", &[PathBuf::from("/")]), None, "a folder");
    }

    #[test]
    fn the_policy_forbids_while_it_lives_and_then_goes() {
        let path = std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id()));
        let policy = NoServices::begin(&path).unwrap();
        assert_eq!(Command::new(&path).status().unwrap().code(), Some(101));
        drop(NoServices::begin(&path).unwrap());
        assert!(path.exists(), "the policy of another is left alone");
        drop(policy);
        assert!(!fs::exists(&path).unwrap());
    }
}
