//! Bundles and slices: with the right key, with another, with none.

use std::fs;
use std::io::Read;

use flate2::bufread::GzDecoder;

use crate::common::{certferry, fail, succeed};
use crate::inspect::{AT, STACKED, names, put};

#[test]
fn a_bundle_lists_every_node_users_and_clients_of_etcd() {
    let mut command = certferry();
    command.arg("inspect").arg(&STACKED.archive).arg("--key").arg(&STACKED.public_key);
    let table = succeed(command.args(["--at", AT]));
    let rows: Vec<_> = table.lines().collect();
    assert!(rows[0].ends_with("EXTERNALLY MANAGED   NODE"), "{table}");
    for row in [
        "apiserver                  Nov 22, 2225 00:00 UTC   199y            ca                      no                   cp-2",
        "ca                      Nov 22, 2226 00:00 UTC   200y            no                   6 nodes",
        "etcd-ca                 Nov 22, 2226 00:00 UTC   200y            no                   3 nodes",
        "kubelet-serving   Nov 22, 2225 00:00 UTC   199y            ca                      yes                  worker-3",
        "alice             Nov 22, 2031 00:00 UTC   5y              ca                      no                   -",
        "backup            Nov 22, 2031 00:00 UTC   5y              etcd-ca                 no                   -",
    ] {
        assert!(rows.contains(&row), "{row}\n{table}");
    }
    // Three control planes of ten, one super-admin; six kubelets of two, a user, a client; three heads and CAs.
    assert_eq!(names(&table).len(), 31 + 14 + 3 + 3 + 2, "{table}");
}

#[test]
fn a_bundle_is_not_believed_without_its_key() {
    let archive = STACKED.archive.to_str().unwrap();
    let error = fail(certferry().args(["inspect", archive]), 2);
    assert!(error.contains("nothing in it is believed before its signatures hold\nhint: add --key "), "{error}");
    let fingerprint = format!("sha256:{}", "0".repeat(64));
    let error = fail(certferry().args(["inspect", archive, "--key", &fingerprint]), 1);
    assert!(error.contains("is not the key of that fingerprint"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(&STACKED.archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let tampered = put(folder.path(), "prod-1-g1.tar.gz", bytes);
    let error = fail(certferry().arg("inspect").arg(tampered).arg("--key").arg(&STACKED.public_key), 1);
    assert!(error.contains("is refused: "), "{error}");

    let seed = put(folder.path(), "file.crt", "");
    let error = fail(certferry().arg("inspect").arg(seed).arg("--key").arg(&STACKED.public_key), 2);
    assert!(error.starts_with("error: --key is for a bundle"), "{error}");
}

#[test]
fn a_slice_is_listed_as_its_part() {
    let folder = tempfile::tempdir().unwrap();
    let members = members(&fs::read(&STACKED.archive).unwrap());
    // Index, cp-1, cp-2, cp-3, worker-1, worker-2, worker-3, cluster, end.
    let [_, _, cp_2, _, _, _, _, cluster, end] = members.as_slice() else { panic!("{} members", members.len()) };
    let inspect = |name: &str, member: &[u8]| {
        let slice = put(folder.path(), name, [member, end].concat());
        let mut command = certferry();
        command.arg("inspect").arg(slice).arg("--key").arg(&STACKED.public_key).args(["--at", AT, "-v"]);
        succeed(&mut command)
    };
    let node = inspect("cp-2.tar.gz", cp_2);
    assert!(node.contains("\n  file       prod-1-g1/nodes/cp-2/etc/kubernetes/pki/apiserver.crt\n"), "{node}");
    assert!(node.contains(" no                   cp-2\n") && !node.contains("cp-1"), "{node}");

    // Alone it knows its CAs from the copies that users and clients carry.
    let people = inspect("cluster.tar.gz", cluster);
    let people: Vec<_> = names(&people).into_iter().map(str::to_owned).collect();
    assert_eq!(
        people,
        ["CERTIFICATE", "alice", "backup", "", "CERTIFICATE AUTHORITY", "alice:kubernetes", "backup/ca.crt"]
    );
}

/// The gzip members of a file.
fn members(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut members = Vec::new();
    while !bytes.is_empty() {
        let mut member = GzDecoder::new(bytes);
        member.read_to_end(&mut Vec::new()).unwrap();
        let rest = member.into_inner();
        members.push(bytes[..bytes.len() - rest.len()].to_vec());
        bytes = rest;
    }
    members
}

/// A slice, a seed, somebody's key: sealed, they look alike.
#[test]
fn nobody_knows_what_is_in_a_sealed_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in
        [("sealed.seed", "age-encryption.org/v1\n"), ("ca.key", "-----BEGIN AGE ENCRYPTED FILE-----\n")]
    {
        put(folder.path(), name, content);
        let said = format!(
            "error: {name} is sealed, and nobody knows unopened what is in it\n\
             hint: if it is a slice, add --identity FILE, and --key with the public key's file or its fingerprint \
             `sha256:...`, as `certferry build` printed it\n"
        );
        for line in [vec!["inspect", name], vec!["inspect", "--lint", name], vec!["diff", name, name]] {
            assert_eq!(fail(certferry().args(line).current_dir(folder.path()), 2), said);
        }
    }
}
