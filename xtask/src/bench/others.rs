//! The same work by other programs: an RSA-2048 key and a certificate for each kubelet, twice a node.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cost::cost;
use crate::process;

/// Nodes that others make: for thousands it would take an hour.
const NODES: usize = 20;

/// A CA, then for each node a client and a serving certificate, as people script it.
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

/// Prints a line for each program that is there, and says which are not.
///
/// # Errors
/// A program that fails.
pub(super) fn run() -> Result<(), String> {
    println!("\n{:<34} {:>9}", "per node, two keys, one processor", "seconds");
    for (program, package, script) in [("openssl", "openssl", OPENSSL), ("cfssl", "golang-cfssl", CFSSL)] {
        if !process::succeeds(process::command(program).arg("version")) {
            println!("{program:<34} not here: Debian's package `{package}`");
            continue;
        }
        let processor = in_folder(|folder| {
            cost(folder, Command::new("sh").args(["-euc", script, "sh", &NODES.to_string()])).map(|cost| cost.processor)
        })?;
        println!("{program:<34} {:>9.3}", processor / NODES as f64);
    }
    Ok(())
}

fn in_folder<T>(work: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    let folder = process::root().join("target/bench-others");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let done = work(&folder);
    fs::remove_dir_all(&folder).map_err(failed)?;
    done
}
