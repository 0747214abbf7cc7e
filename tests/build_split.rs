//! `build --split`: the slices come with the bundle, each in a folder that is carried as it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::desk::{CANARY, Desk, PROFILE};
use crate::common::rights::{Right, lacks};
use crate::common::{self, certferry, succeed, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out --split slices";
const WORKER: &str = "\n[[node]]\nname = \"w-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.6\"]\n";
const PARTS: [&str; 3] = ["cluster", "nodes/cp-1", "nodes/w-1"];

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("lab.toml", format!("{PROFILE}{WORKER}"));
    desk
}

/// The lines of all private keys in a folder.
fn key_lines(folder: &Path) -> BTreeSet<String> {
    let texts = common::files(folder).into_iter().map(|path| fs::read_to_string(folder.join(path)).unwrap());
    let keys = texts.filter_map(|text| Some(text.split_once("PRIVATE KEY-----\n")?.1.to_owned()));
    keys.filter_map(|key| key.lines().next().map(str::to_owned)).collect()
}

#[test]
fn each_folder_is_all_that_goes_to_its_node() {
    let desk = desk();
    let said = desk.succeed(BUILD);
    let line = "  slices  a folder for each part, to be carried as it is: the slice, its signature, the key\n";
    assert!(said.contains(line), "{said}");
    desk.succeed("split out/lab-g1.tar.gz --all --out cut");
    let mut names: Vec<_> = PARTS.iter().map(|part| format!("{part}/lab-g1.tar.gz")).collect();
    assert_eq!(desk.names("cut"), names);
    names.extend(PARTS.iter().flat_map(|part| [format!("{part}/lab-g1.tar.gz.sig"), format!("{part}/lab.pub")]));
    names.sort();
    assert_eq!(desk.names("slices"), names);
    for part in PARTS {
        let slice = |folder: &str| format!("{folder}/{part}/lab-g1.tar.gz");
        assert!(desk.read(&slice("slices")) == desk.read(&slice("cut")), "{part}: split cuts the same");
        assert_eq!(desk.read(&format!("slices/{part}/lab.pub")), desk.read("out/lab.pub"));
        assert_eq!(desk.mode(&slice("slices")), 0o600);
        // Nothing but what is in the folder, and openssl alone.
        let mut openssl = tool("openssl");
        openssl.args("dgst -sha256 -verify lab.pub -signature lab-g1.tar.gz.sig lab-g1.tar.gz".split_whitespace());
        let folder = desk.path(&format!("slices/{part}"));
        assert_eq!(succeed(openssl.current_dir(&folder)), "Verified OK\n");
        succeed(certferry().args(["verify", "lab-g1.tar.gz", "--key", "lab.pub"]).current_dir(&folder));
    }
    // Of a slice that was changed on its way the signature beside it tells, too.
    let signature = "slices/nodes/w-1/lab-g1.tar.gz.sig";
    desk.write(signature, desk.read("slices/nodes/cp-1/lab-g1.tar.gz.sig"));
    let ended = desk.run("verify slices/nodes/w-1/lab-g1.tar.gz --key out/lab.pub");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("lab-g1.tar.gz.sig"), "{}", ended.stderr);
}

#[test]
fn no_folder_has_a_key_of_another() {
    let desk = desk();
    desk.succeed(BUILD);
    let keys = PARTS.map(|part| {
        let name = part.rsplit('/').next().unwrap();
        let wanted = if part == "cluster" { "--with-cluster".to_owned() } else { format!("--node {name}") };
        desk.succeed(&format!("unpack slices/{part}/lab-g1.tar.gz --key out/lab.pub {wanted} --root all-{name}"));
        key_lines(&desk.path(&format!("all-{name}")))
    });
    // Those of the part cluster stand in kubeconfigs.
    assert!(keys[1..].iter().all(|keys| !keys.is_empty()));
    for (place, key) in keys.iter().enumerate().flat_map(|(place, keys)| keys.iter().map(move |key| (place, key))) {
        let owners = keys.iter().enumerate().filter(|(_, keys)| keys.contains(key)).map(|(place, _)| place);
        assert_eq!(owners.collect::<Vec<_>>(), [place], "{key}");
    }
}

#[test]
fn a_rebuild_writes_the_same_and_a_partial_build_its_own() {
    let desk = desk();
    desk.succeed(BUILD);
    desk.succeed("build lab.toml --seed lab.seed --out out --locked --split again --threads 1 --quiet");
    for name in desk.names("slices") {
        assert!(desk.read(&format!("slices/{name}")) == desk.read(&format!("again/{name}")), "{name}");
    }
    desk.succeed("build lab.toml --seed lab.seed --out part --only w-1 --split alone");
    let names = ["lab-g1.tar.gz", "lab-g1.tar.gz.sig", "lab.pub"].map(|name| format!("nodes/w-1/{name}"));
    assert_eq!(desk.names("alone"), names);
    desk.succeed("verify alone/nodes/w-1/lab-g1.tar.gz --key out/lab.pub");
}

#[test]
fn what_is_in_the_way_is_told_before_anything_is_made() {
    let desk = desk();
    fs::create_dir(desk.path("slices")).unwrap();
    desk.write("slices/kept", "");
    let hint = "hint: name a folder that does not exist or is empty; nothing was written\n";
    desk.refuse(BUILD, 2, &format!("error: cannot write to slices: directory not empty\n{hint}"));
    desk.refuse(&BUILD.replace("slices", "lab.toml"), 2, "error: cannot write to lab.toml: not a directory\n");
    let nowhere = BUILD.replace("slices", "no/slices");
    desk.refuse(&nowhere, 2, "error: cannot write to no/slices: no such file or directory\n");
    // A build that is refused leaves no folder behind.
    let locked = format!("{} --locked", BUILD.replace("slices", "new"));
    desk.refuse(
        &locked,
        2,
        "error: --locked, but there is no lock lab.lock.toml\n\
         hint: the first build writes it; name another with --lock FILE\n",
    );
    desk.succeed("build lab.toml --seed lab.seed --out out");
    desk.write("lab.toml", desk.text("lab.toml").replace("192.168.10.6", "192.168.10.7"));
    let ended = desk.run(&locked);
    assert_eq!((ended.code.is_some_and(|code| code > 0), desk.exists("new")), (true, false), "{}", ended.stderr);
    assert!(!desk.names("").iter().any(|name| name.ends_with(".part")), "{:?}", desk.names(""));
    common::desk::assert_secret_is_kept(&ended.stderr, CANARY);
}

/// Many files are brought to the disk by several threads: each file and folder before the folder gets its name, and when one
/// cannot be, nothing is left.
#[test]
fn every_slice_is_on_the_disk_before_the_folder_has_its_name() {
    if lacks(&[Right::Trace]) {
        return;
    }
    let desk = Desk::new();
    let pool = "[[node_pool]]\nrole = \"worker\"\nnames = \"w-[01..70]\"\nfirst_addresses = [\"192.168.11.1\"]\n";
    desk.write("lab.toml", format!("{PROFILE}{pool}"));
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let line = "split out/lab-g1.tar.gz --all --out slices";
    let traced = ["strace", "-f", "-qq", "-y", "-o", "trace", "-e", "signal=none", "-e", "trace=fsync,rename"];
    let ended = desk.watch(&mut desk.wrapped(&traced, line));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let trace = desk.text("trace");
    let (before, after) = trace.split_at(trace.find("rename(").unwrap());
    // None is under way any more.
    assert_eq!(before.matches("fsync(").count(), before.matches(" = 0\n").count(), "{before}");
    assert!(after.contains(".part\", \"slices\") = 0"), "{after}");
    let calls = before.lines().filter(|line| line.contains("fsync("));
    let synced: BTreeSet<&str> =
        calls.clone().filter_map(|line| line.split(".part").nth(1)?.split('>').next()).collect();
    let threads: BTreeSet<&str> = calls.filter_map(|line| line.split(' ').next()).collect();
    assert!(threads.len() > 1, "{threads:?}");
    let mut expected: BTreeSet<String> = desk.names("slices").iter().map(|name| format!("/{name}")).collect();
    let folders = ["".to_owned(), "/nodes".to_owned(), "/cluster".to_owned(), "/nodes/cp-1".to_owned()];
    expected.extend(folders.into_iter().chain((1..=70).map(|number| format!("/nodes/w-{number:02}"))));
    assert_eq!(synced.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>(), expected);

    fs::remove_dir_all(desk.path("slices")).unwrap();
    let before = desk.state();
    for time in [1, 5, 10] {
        let inject = format!("inject=fsync:error=EIO:when={time}");
        let traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", &inject];
        let ended = desk.watch(&mut desk.wrapped(&traced, line));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(2), "error: cannot write to slices: input/output error\n")
        );
        assert!(desk.state() == before, "{time}");
    }
}
