//! `user-data`: what Ignition and cloud-init make of it is, byte for byte, what `unpack` writes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::node::{FIRST, Seen, everything};
use crate::common::rights::{Right, lacks};
use crate::common::{certferry, end, fail, run, succeed, tool, write, write_program};

const WARNING: &str = "warning: user data holds the private keys of cp-1, and who can ask the metadata service of the machine \
    can read it: every program on it, and often every pod\nhint: ";

fn user_data(node: &str, format: &str, out: &Path) -> Command {
    let mut command = certferry();
    command.arg("user-data").arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key);
    command.args(["--node", node, "-o", format, "--out"]).arg(out);
    command
}

/// Files and links of the node, as `unpack` writes them.
fn expected(node: &str) -> BTreeMap<String, Seen> {
    let root = TempDir::new().unwrap();
    let mut unpack = certferry();
    unpack.arg("unpack").arg(&FIRST.archive).arg("--key").arg(&FIRST.public_key);
    succeed(unpack.args(["--node", node, "--root"]).arg(root.path()));
    without_folders(root.path())
}

fn without_folders(root: &Path) -> BTreeMap<String, Seen> {
    everything(root).into_iter().filter(|(_, (_, content))| content != b"folder").collect()
}

/// What the text of a format is, on the standard output.
fn printed(node: &str, format: &str) -> String {
    let ended = end(&mut user_data(node, format, Path::new("-")));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.starts_with(&WARNING.replace("cp-1", node)), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("hint: {} bytes;", ended.stdout.len())), "{}", ended.stderr);
    ended.stdout
}

/// By the specification of Ignition's configuration 3.3.0: no other key, every path absolute, modes as numbers.
#[test]
fn ignition_writes_what_unpack_writes() {
    for node in ["cp-1", "worker-1"] {
        let config: Value = serde_json::from_str(&printed(node, "ignition")).unwrap();
        assert_eq!(config["ignition"], json!({ "version": "3.3.0" }));
        assert_eq!(keys(&config), ["ignition", "storage"]);
        let storage = &config["storage"];
        assert_eq!(keys(storage), ["directories", "files", "links"]);
        let mut found = BTreeMap::new();
        for file in storage["files"].as_array().unwrap() {
            assert_eq!((keys(file), keys(&file["contents"])), (vec!["contents", "mode", "path"], vec!["source"]));
            let content = file["contents"]["source"].as_str().unwrap().strip_prefix("data:;base64,").unwrap();
            let mode = u32::try_from(file["mode"].as_u64().unwrap()).unwrap();
            found.insert(below_root(&file["path"]), (mode, STANDARD.decode(content).unwrap()));
        }
        for link in storage["links"].as_array().unwrap() {
            assert_eq!(keys(link), ["path", "target"]);
            found.insert(below_root(&link["path"]), (0o777, link["target"].as_str().unwrap().as_bytes().to_vec()));
        }
        assert!(found == expected(node), "{node}");
        let folders: Vec<_> = storage["directories"].as_array().unwrap().iter().collect();
        assert!(folders.iter().all(|folder| folder["mode"] == 0o755 && keys(folder) == ["mode", "path"]));
        let folders: Vec<_> = folders.iter().map(|folder| folder["path"].as_str().unwrap()).collect();
        let mut own = vec!["/etc/kubernetes", "/etc/kubernetes/pki"];
        if node == "cp-1" {
            own.push("/etc/kubernetes/pki/etcd");
        }
        own.extend(["/var/lib/kubelet", "/var/lib/kubelet/pki"]);
        assert_eq!(folders, own);
    }
}

/// Where Debian's package has Ignition.
const IGNITION: &str = "/usr/lib/dracut/modules.d/30ignition/ignition";

/// Ignition itself reads the configuration, and writes the files.
#[test]
fn ignition_itself_writes_what_unpack_writes() {
    if lacks(&[Right::Owners]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let programs = path("programs");
    fs::create_dir(&programs).unwrap();
    // It asks for the labels of SELinux, which no test has.
    write_program(&programs, "setfiles", "#!/bin/sh\n");
    let search = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let run_stage = |stage: &str, file: &Path, root: &Path| {
        let mut ignition = tool(IGNITION);
        ignition.env("PATH", &search).env("IGNITION_CONFIG_FILE", file);
        ignition.args(["-platform", "file", "-log-to-stdout", "-stage", stage, "-root"]).arg(root);
        run(ignition.arg("-config-cache").arg(path("cache")).arg("-state-file").arg(path("state")))
    };
    for node in ["cp-1", "worker-1"] {
        let file = path(&format!("{node}.ign"));
        assert_eq!(end(&mut user_data(node, "ignition", &file)).code, Some(0));
        let judged = run(tool("ignition-validate").arg(&file));
        assert!(judged.status.success() && judged.stdout.is_empty() && judged.stderr.is_empty(), "{judged:?}");
        // The mirror: a key that the specification does not have.
        let wrong = fs::read_to_string(&file).unwrap().replacen("\"mode\"", "\"modes\"", 1);
        let judged = run(tool("ignition-validate").arg(write(folder.path(), "wrong.ign", &wrong, 0o600)));
        assert!(String::from_utf8_lossy(&judged.stdout).contains("Unused key modes"), "{judged:?}");

        let root = path(node);
        fs::create_dir_all(root.join("etc/selinux")).unwrap();
        write(&root.join("etc/selinux"), "config", "SELINUX=disabled\nSELINUXTYPE=none\n", 0o644);
        for stage in ["fetch", "files"] {
            let output = run_stage(stage, &file, &root);
            assert!(output.status.success(), "{stage}: {}", String::from_utf8_lossy(&output.stdout));
        }
        let mut written = without_folders(&root);
        for own in ["etc/selinux/config", "etc/.ignition-result.json"] {
            assert!(written.remove(own).is_some(), "{own}");
        }
        assert!(written == expected(node), "{node}: {:?}", written.keys());
        // What is there is not written over, as the chapter `fleet` says.
        write(&root.join("etc/kubernetes"), "kubelet.conf", "mine", 0o600);
        let output = run_stage("files", &file, &root);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.contains("A file exists there already and overwrite is false"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(root.join("etc/kubernetes/kubelet.conf")).unwrap(), "mine");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn below_root(path: &Value) -> String {
    path.as_str().unwrap().strip_prefix('/').unwrap().to_owned()
}

/// What cloud-init does with `write_files` and `runcmd`, by PyYAML, which it reads with.
const CLOUD_INIT: &str = r##"
import base64, os, subprocess, sys, yaml
text, root = sys.stdin.read(), sys.argv[1]
assert text.startswith("#cloud-config\n")
config = yaml.safe_load(text)
assert set(config) == {"write_files", "runcmd"}, set(config)
for file in config["write_files"]:
    assert set(file) == {"path", "owner", "permissions", "encoding", "content"}, set(file)
    assert file["encoding"] == "b64" and file["owner"] == "root:root"
    assert type(file["permissions"]) is str
    path = root + file["path"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as out:
        out.write(base64.b64decode(file["content"], validate=True))
    os.chmod(path, int(file["permissions"], 8))
for command in config["runcmd"]:
    subprocess.run(command[:-1] + [root + command[-1]], check=True)
"##;

#[test]
fn cloud_init_writes_what_unpack_writes() {
    for node in ["cp-1", "worker-1"] {
        let (folder, root) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let file = folder.path().join("user-data");
        let ended = end(&mut user_data(node, "cloud-init", &file));
        assert_eq!(ended.stdout, format!("{}  {} files of {node}\n", file.display(), expected(node).len()));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), printed(node, "cloud-init"));
        let mut python = tool("python3");
        python.args(["-c", CLOUD_INIT]).arg(root.path()).stdin(fs::File::open(&file).unwrap());
        let output = python.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(without_folders(root.path()) == expected(node), "{node}");
    }
}

#[test]
fn a_slice_does_as_well_and_what_is_wrong_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let (slice, out) = (folder.path().join("slice.tar.gz"), folder.path().join("config.ign"));
    succeed(certferry().arg("split").arg(&FIRST.archive).args(["--node", "cp-1", "--out"]).arg(&slice));
    let mut of_slice = certferry();
    of_slice.arg("user-data").arg(&slice).arg("--key").arg(&FIRST.public_key);
    of_slice.args(["--node", "cp-1", "-o", "ignition", "--out", "-"]);
    assert_eq!(succeed(&mut of_slice), printed("cp-1", "ignition"));

    let unknown = fail(&mut user_data("cp-7", "ignition", &out), 2);
    let expected = format!("error: there is no node cp-7 in {}\nhint: it has cp-1, worker-1", FIRST.archive.display());
    assert!(unknown.starts_with(&expected), "{unknown}");
    assert!(!out.exists());
    fs::write(&out, "mine").unwrap();
    let exists = end(&mut user_data("cp-1", "ignition", &out));
    assert_eq!((exists.code, exists.stdout.as_str()), (Some(2), ""));
    let expected =
        format!("error: cannot write {}: file exists\nhint: name a file that does not exist\n", out.display());
    assert!(exists.stderr.ends_with(&expected), "{}", exists.stderr);
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
}

/// A terminal, as script(1) makes one.
#[test]
fn keys_are_not_printed_on_a_terminal() {
    let mut words = vec![crate::common::program().display().to_string()];
    let command = user_data("cp-1", "cloud-init", Path::new("-"));
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    let mut script = tool("script");
    let told = end(script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]));
    assert_eq!(told.code, Some(2));
    let expected = "error: user data holds private keys, and is not printed on a terminal\r\n\
                    hint: name a file with --out, or give it to a program\r\n";
    // A terminal may have colors.
    let plain =
        ["\u{1b}[1;31m", "\u{1b}[1;36m", "\u{1b}[0m"].iter().fold(told.stdout, |text, code| text.replace(code, ""));
    assert_eq!(plain, expected);
}
