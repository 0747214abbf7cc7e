//! Measures the same work by other programs: the two keys and certificates of a worker's kubelet, made by openssl as
//! people script it, and everything of a control plane, made by kubeadm. RSA-2048, processor time.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::builds::{BUILD, NEW_SEED, profile, program, remove, write};
use super::cost::cost;
use crate::process;

/// The number of workers that other programs make. Thousands would take an hour.
const OTHERS_WORKERS: usize = 20;
/// The number of workers that certferry makes, enough keys to even out luck.
const OUR_WORKERS: usize = 500;
/// The number of control planes, each in a cluster of its own.
const CONTROL_PLANES: usize = 5;

/// The script of people, which makes a CA, then for each node a client and a serving certificate.
const OPENSSL: &str = "
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=kubernetes 2>/dev/null
for node in $(seq $1); do
    for kind in client server; do
        openssl req -newkey rsa:2048 -nodes -keyout $node-$kind.key -out $node.csr \\
            -subj /O=system:nodes/CN=system:node:$node -addext subjectAltName=DNS:$node 2>/dev/null
        openssl x509 -req -in $node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \\
            -copy_extensions copy -out $node-$kind.crt 2>/dev/null
    done
done";

const CFSSL: &str = "
echo '{\"CN\":\"kubernetes\",\"key\":{\"algo\":\"rsa\",\"size\":2048}}' | cfssl gencert -loglevel=5 -initca - | cfssljson -bare ca
for node in $(seq $1); do
    for kind in client server; do
        echo '{\"CN\":\"system:node:'$node'\",\"hosts\":[\"'$node'\"],\"names\":[{\"O\":\"system:nodes\"}],\"key\":{\"algo\":\"rsa\",\"size\":2048}}' |
            cfssl gencert -loglevel=5 -ca ca.pem -ca-key ca-key.pem - | cfssljson -bare $node-$kind
    done
done";

/// The script that makes kubeadm's certificates, keys and kubeconfigs for a first control plane: fifteen keys, without
/// that of super-admin.conf. A kubeadm that does not know its version is Debian's.
const KUBEADM: &str = "
version=$($2 version -o short)
case $version in v0.*) version=v1.20.2 ;; esac
for number in $(seq $1); do
    set -- \"$1\" \"$2\" --cert-dir=$PWD/$number --apiserver-advertise-address=10.20.255.1 --kubernetes-version=$version
    $2 init phase certs all \"$3\" \"$4\" \"$5\" >/dev/null 2>&1
    $2 init phase kubeconfig all \"$3\" \"$4\" \"$5\" --kubeconfig-dir=$PWD/$number --node-name=cp-1 >/dev/null 2>&1
done";

/// Prints a line for each program that is installed, and says which are not.
///
/// # Errors
/// Fails when a program fails.
pub(super) fn run() -> Result<(), String> {
    let ours = ours()?;
    println!("\nBeside other programs, RSA-2048: seconds of a processor\n");
    println!("| what | program | seconds | certferry | times |\n|---|---|---|---|---|");
    let worker = "a worker's two keys and certificates";
    for (program, package, script) in [("openssl", "openssl", OPENSSL), ("cfssl", "golang-cfssl", CFSSL)] {
        let found = process::succeeds(process::command(program).arg("version"));
        let seconds = found.then(|| scripted(script, OTHERS_WORKERS, program)).transpose()?;
        print(worker, program, seconds, ours.worker, &format!("Debian's package {package}"));
    }
    let seconds = kubeadm().map(|program| scripted(KUBEADM, CONTROL_PLANES, &program)).transpose()?;
    let missing = "a kubeadm in KUBE_BIN_DIR or PATH";
    print("all of a control plane", "kubeadm", seconds, ours.control_plane, missing);
    Ok(())
}

fn print(what: &str, program: &str, seconds: Option<f64>, ours: f64, missing: &str) {
    match seconds {
        Some(seconds) => println!("| {what} | {program} | {seconds:.3} | {ours:.4} | {:.1} x |", seconds / ours),
        None => println!("| {what} | {program} | not here: it needs {missing} | {ours:.4} | |"),
    }
}

/// The processor seconds that one of each takes with certferry, archive and signatures included.
struct Ours {
    worker: f64,
    control_plane: f64,
}

fn ours() -> Result<Ours, String> {
    let program = program()?;
    let build = |workers| {
        in_folder(|folder| {
            write(&folder.join("farm.toml"), &profile(["rsa-2048"; 2], 1, workers))?;
            cost(folder, Command::new(&program).args(NEW_SEED))?;
            Ok(cost(folder, Command::new(&program).args(BUILD))?.processor)
        })
    };
    let control_planes: Vec<f64> = (0..CONTROL_PLANES).map(|_| build(0)).collect::<Result<_, _>>()?;
    let control_plane = control_planes.iter().sum::<f64>() / CONTROL_PLANES as f64;
    Ok(Ours { worker: (build(OUR_WORKERS)? - control_plane) / OUR_WORKERS as f64, control_plane })
}

/// Returns the processor seconds of a script, divided by the number of things that it makes.
fn scripted(script: &str, count: usize, program: &str) -> Result<f64, String> {
    let count_word = count.to_string();
    let arguments = ["-euc", script, "sh", &count_word, program];
    Ok(in_folder(|folder| cost(folder, Command::new("sh").args(arguments)))?.processor / count as f64)
}

/// Returns the path of kubeadm, if it is installed.
fn kubeadm() -> Option<String> {
    let mut folders = process::search_path();
    folders.splice(..0, env::var_os("KUBE_BIN_DIR").map(PathBuf::from));
    let program = folders.into_iter().map(|folder| folder.join("kubeadm")).find(|path| path.is_file())?;
    Some(program.display().to_string())
}

/// Does something in a folder that is empty, and gone afterwards.
///
/// # Errors
/// Fails when that does, and when there can be no such folder.
pub(super) fn in_folder<T>(work: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    let folder = process::root().join("target/bench-others");
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let done = work(&folder);
    remove(&folder)?;
    done
}
