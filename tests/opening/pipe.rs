//! install.sh takes a slice from a pipe: nothing plain lies on a disk but what it installs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{SAMPLE, piped};
use crate::common::node::{FIRST, applied, disk, live};
use crate::common::rights::{Right, lacks};
use crate::common::shells::{Tools, find};
use crate::common::{program, tool};
use crate::install_sh::node::script;

/// `sh install.sh - ...` with these tools.
fn install(tools: &Tools, root: &Path, further: &[&str]) -> Command {
    let mut command = tools.run(&script(&FIRST));
    command.args(["-", "--node", "cp-1", "--key"]).arg(&FIRST.public_key).arg("--root").arg(root).args(further);
    command
}

#[test]
fn a_slice_from_a_pipe_is_installed_like_one_from_a_file() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let expected = live(applied(&FIRST, "cp-1").path());
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    for tools in [Tools::new(&["dash"], "mawk", "tar"), Tools::new(&["bash"], "gawk", "tar"), Tools::busybox()] {
        let root = disk();
        let (code, stdout, stderr) = piped(&slice, &mut install(&tools, root.path(), &["--dry-run"]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{}", tools.name());
        assert!(String::from_utf8(stdout).unwrap().ends_with("nothing was changed\n"));
        let (code, _, stderr) = piped(&slice, &mut install(&tools, root.path(), &[]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{}", tools.name());
        assert!(live(root.path()) == expected, "{}", tools.name());
    }
    // The whole bundle comes through it, too.
    let root = disk();
    let tools = Tools::new(&["dash"], "mawk", "tar");
    let (code, _, stderr) = piped(&fs::read(&FIRST.archive).unwrap(), &mut install(&tools, root.path(), &[]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(live(root.path()) == expected);
}

/// What is written before everything is verified, and where.
#[test]
fn nothing_of_a_slice_lies_elsewhere_on_a_disk() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let (root, folder) = (disk(), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let tools = Tools::new(&["bash"], "mawk", "tar");
    let install = install(&tools, root.path(), &[]);
    let mut strace = Command::new(find("strace"));
    strace.args(["-f", "-qq", "-s", "4096", "-e", "trace=open,openat,creat,execve", "-o"]).arg(&log);
    strace.arg(install.get_program()).args(install.get_args()).env_clear().env("PATH", tools.path(""));
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let (code, _, stderr) = piped(&slice, &mut strace);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (text, inside) = (fs::read_to_string(log).unwrap(), format!("\"{}/", root.path().display()));
    let is_written = |line: &&str| ["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| line.contains(flag));
    let is_right = |line: &str| {
        // Names below the folder to which the script went are those of the part that is unpacked.
        let name = line.split('"').nth(1).unwrap_or_default();
        line.contains(&inside) || !name.starts_with('/') || ["/dev/null", "/dev/tty"].contains(&name)
    };
    let written: Vec<_> = text.lines().filter(is_written).collect();
    assert!(written.len() > 20, "the search finds what is there: {text}");
    let elsewhere: Vec<_> = written.iter().filter(|line| !is_right(line)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    // Nor do other users see it at work.
    let key = slice_text(&slice);
    assert!(!text.contains(&key), "a program has the slice among its arguments");
}

/// What stands in the text of a slice in base64, in one line.
fn slice_text(slice: &[u8]) -> String {
    let text = crate::seal::pipe(tool("openssl").arg("base64"), slice);
    String::from_utf8(text).unwrap().lines().nth(20).unwrap().to_owned()
}

#[test]
fn what_cannot_come_through_a_pipe_is_told() {
    let root = disk();
    let tools = Tools::new(&["dash"], "mawk", "tar");
    let slice = fs::read(SAMPLE.slice("cp-1")).unwrap();
    let refuse = |input: &[u8], command: &mut Command, code: i32, text: &str| {
        let (found, stdout, stderr) = piped(input, command);
        assert_eq!((found, stdout.as_slice(), stderr.as_str()), (Some(code), &b""[..], text));
        assert_eq!(crate::common::files(root.path()), Vec::<String>::new());
    };
    let command = |further: &[&str]| install(&tools, root.path(), further);
    let text = "error: nothing came through the standard input\nhint: what stands before the | says why\n";
    refuse(b"", &mut command(&[]), 2, text);
    for (input, reason) in [
        (&slice[..slice.len() - 1], "it does not end as a bundle does"),
        (b"age-encryption.org/v1\n", "it is not gzip as a bundle is"),
    ] {
        let text = format!(
            "error: the standard input is refused: {reason}\nhint: nothing was changed; carry the bundle again\n"
        );
        refuse(input, &mut command(&[]), 1, &text);
    }
    let other = fs::read(SAMPLE.slice("worker-1")).unwrap();
    let text = "error: there is no node cp-1 in the standard input\nhint: it has worker-1\n";
    refuse(&other, &mut command(&[]), 1, text);
    let usage = "hint: sh install.sh --help\n";
    refuse(&slice, &mut command(&["-"]), 2, &format!("error: two bundles are given: - and -\n{usage}"));
    let mut fingerprint = tools.run(&script(&FIRST));
    fingerprint
        .args(["-", "--node", "cp-1", "--key", &format!("sha256:{}", "0".repeat(64)), "--root"])
        .arg(root.path());
    let text = "error: --key is a fingerprint, and nothing lies beside the standard input\nhint: give the public key's file to --key\n";
    refuse(&slice, &mut fingerprint, 2, text);
    let limit = 1_400_000 * 48;
    let text = format!(
        "error: the standard input is longer than {limit} bytes\nhint: give the bundle as a file, or a slice of it\n"
    );
    refuse(&vec![0; limit + 1], &mut command(&[]), 2, &text);
}

/// The chapter's lines, on a node with age and on one with certferry.
#[test]
fn the_lines_of_the_chapter_install_what_is_sealed() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let expected = live(applied(&FIRST, "cp-1").path());
    let lines = crate::printed_lines::blocks("far-side");
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("sh install.sh - ")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, first) in lines.into_iter().zip(["tar", "certferry"]) {
        assert!(line.starts_with(first), "{line}");
        let root = disk();
        let folder = tempfile::tempdir().unwrap();
        fs::copy(script(&FIRST), folder.path().join("install.sh")).unwrap();
        for name in ["lab-g1.sealed.tar", "lab.pub", "cp-1.key"] {
            fs::copy(SAMPLE.path(name), folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(program(), folder.path().join("certferry")).unwrap();
        let line = line.replace("prod-1", "lab").replace("/root/cp-1.key", "cp-1.key");
        let mut shell = tool("sh");
        shell.args(["-c", &format!("{line} --root {}", root.path().display())]).current_dir(folder.path());
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", folder.path().display()));
        let ended = crate::common::end(&mut shell);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        assert!(live(root.path()) == expected, "{line}");
        // With another identity nothing comes through, and nothing is installed.
        let root = disk();
        fs::copy(SAMPLE.path("nobody.key"), folder.path().join("cp-1.key")).unwrap();
        let mut shell = tool("sh");
        shell.args(["-c", &format!("{line} --root {}", root.path().display())]).current_dir(folder.path());
        shell.env("PATH", format!("{}:{path}", folder.path().display()));
        let ended = crate::common::end(&mut shell);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("error: nothing came through the standard input\n"), "{}", ended.stderr);
        assert_eq!(crate::common::files(root.path()), Vec::<String>::new());
    }
}
