//! Rotations from CAs of files: adopted ones, those of another seed, and those whose key nobody has any more.

use std::fs;

use crate::common::desk::{Desk, OTHER_SEED};

use super::{BUILD, ROTATES, is_record, pki, profile, trusted, unpacked};

const FILES: [(&str, &str, &str); 3] =
    [("kubernetes", "ca", "ca"), ("etcd", "etcd/ca", "etcd-ca"), ("front-proxy", "front-proxy-ca", "front-proxy-ca")];

/// Tables that rotate from the files of `old`. The keys of CAs are named if `with_keys`.
fn from_files(with_keys: bool) -> String {
    let mut text = String::new();
    for (table, _, file) in FILES {
        let key = if with_keys { format!(", key = \"old/{file}.key\"") } else { String::new() };
        text += &format!("[ca.{table}]\nprevious = {{ certificate = \"old/{file}.crt\"{key} }}\n\n");
    }
    let key = if with_keys { "key = \"old/sa.key\"" } else { "public_key = \"old/sa.pub\"" };
    text + &format!("[service_account]\nprevious = {{ {key} }}\n")
}

/// Puts the CAs of a bundle into the folder `old` of a desk.
fn bring(desk: &Desk, bundle: &str) {
    let files = unpacked(desk, bundle);
    fs::create_dir(desk.path("old")).unwrap();
    let put = |name: &str, content: &[u8]| {
        desk.write(&format!("old/{name}"), content);
        desk.set_mode(&format!("old/{name}"), 0o600);
    };
    for (_, place, file) in FILES {
        for ending in ["crt", "key"] {
            put(&format!("{file}.{ending}"), pki(&files, &format!("{place}.{ending}")));
        }
    }
    put("sa.key", pki(&files, "sa.key"));
    put("sa.pub", pki(&files, "sa.pub"));
}

/// The seed was stolen: a new one, and the CAs of the old one are files.
#[test]
fn from_another_seed() {
    let desk = Desk::in_memory();
    desk.write("lab.toml", profile(1, ""));
    desk.succeed(BUILD);
    bring(&desk, "out/lab-g1.tar.gz");
    desk.write("new.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("new.seed", 0o600);
    desk.write("lab.toml", profile(2, &from_files(true)));
    let build = "build lab.toml --seed new.seed --out new";
    let ended = desk.run(build);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: this is another seed: "), "{}", ended.stderr);
    desk.succeed(&format!("{build} --replace-seed"));
    let before = unpacked(&desk, "out/lab-g1.tar.gz");
    let [first, second, last] = [1, 2, 3].map(|number| unpacked(&desk, &format!("new/lab-g2-p{number}.tar.gz")));
    for (_, place, _) in FILES {
        let (ca, key) = (format!("{place}.crt"), format!("{place}.key"));
        assert_eq!(pki(&first, &ca), [pki(&before, &ca), pki(&last, &ca)].concat(), "{ca}");
        assert_eq!(pki(&second, &ca), [pki(&last, &ca), pki(&before, &ca)].concat(), "{ca}");
        assert_eq!(pki(&first, &key), pki(&before, &key), "{key}");
        assert_ne!(pki(&last, &key), pki(&before, &key), "{key}");
    }
    assert_eq!(pki(&first, "sa.pub"), [pki(&before, "sa.pub"), pki(&last, "sa.pub")].concat());
    assert_eq!(pki(&first, "sa.key"), pki(&before, "sa.key"));
}

/// A desk on which a rotation was built whose old keys nobody has.
pub(super) fn with_lost_keys() -> Desk {
    let desk = Desk::in_memory();
    desk.write("lab.toml", profile(1, ""));
    desk.succeed(BUILD);
    bring(&desk, "out/lab-g1.tar.gz");
    fs::remove_file(desk.path("lab.lock.toml")).unwrap();
    desk.write("new.seed", format!("certferry-seed-1:{OTHER_SEED}\n"));
    desk.set_mode("new.seed", 0o600);
    desk.write("lab.toml", profile(2, &from_files(false)));
    desk.succeed("build lab.toml --seed new.seed --out new");
    desk
}

/// Nobody has the old keys: phase 1 carries trust alone.
#[test]
fn with_lost_keys_phase_1_carries_trust_alone() {
    let desk = with_lost_keys();
    let before = unpacked(&desk, "out/lab-g1.tar.gz");
    let [first, second, last] = [1, 2, 3].map(|number| unpacked(&desk, &format!("new/lab-g2-p{number}.tar.gz")));
    let own = first.keys().filter(|path| path.starts_with("nodes/cp-1/") && !is_record(path));
    let own: Vec<_> = own.map(|path| path.rsplit_once("/kubernetes/").unwrap().1).collect();
    assert_eq!(own, ["pki/ca-signing.crt", "pki/ca.crt", "pki/etcd/ca.crt", "pki/front-proxy-ca.crt", "pki/sa.pub"]);
    let record = str::from_utf8(&first["nodes/cp-1.json"]).unwrap();
    assert!(record.contains("\"trust_only\": true"), "{record}");
    assert!(!str::from_utf8(&second["nodes/cp-1.json"]).unwrap().contains("trust_only"));
    for (_, place, _) in FILES {
        let ca = format!("{place}.crt");
        assert_eq!(pki(&first, &ca), [pki(&before, &ca), pki(&last, &ca)].concat(), "{ca}");
    }
    assert_eq!(pki(&first, "sa.pub"), [pki(&before, "sa.pub"), pki(&last, "sa.pub")].concat());
    assert_eq!(pki(&second, "sa.pub"), [pki(&last, "sa.pub"), pki(&before, "sa.pub")].concat());
    assert_eq!(trusted(&second["nodes/cp-1/etc/kubernetes/admin.conf"]).0, pki(&second, "ca.crt"));
}

/// The same certificate again is no rotation.
#[test]
fn a_ca_does_not_move_to_itself() {
    let desk = Desk::in_memory();
    desk.write("lab.toml", profile(1, ""));
    desk.succeed(BUILD);
    bring(&desk, "out/lab-g1.tar.gz");
    desk.write("lab.toml", profile(2, &from_files(true)));
    desk.refuse(
        BUILD,
        1,
        "error: ca/etcd would move to the key that it has\nhint: name in `previous` of [ca.etcd] what the cluster has now\n",
    );
    let itself = "[ca.kubernetes]\ncertificate = \"old/ca.crt\"\nkey = \"old/ca.key\"\n\
                  previous = { certificate = \"old/ca.crt\", key = \"old/ca.key\" }\n";
    desk.write("lab.toml", profile(2, itself));
    let ended = desk.run(BUILD);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let expected = "error: old/ca.crt of `previous` of [ca.kubernetes] is the certificate of the very CA to which the \
                    cluster is to move\n";
    assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
}

/// Without `rotation` in the lock, `ROTATES` begins one; a second build goes on with it.
#[test]
fn another_rotation_needs_the_first_to_be_over() {
    let desk = super::rotating();
    desk.succeed(BUILD);
    let next = ROTATES.replace("generation = 2", "generation = 3").replace("generation = 1 }", "generation = 2 }");
    desk.write("lab.toml", profile(3, &next));
    // The lock has the state of phase 3, from which the next rotation goes on.
    desk.succeed(BUILD);
    let [last, first] = ["lab-g2-p3", "lab-g3-p1"].map(|name| unpacked(&desk, &format!("out/{name}.tar.gz")));
    assert!(pki(&first, "ca.crt").starts_with(pki(&last, "ca.crt")));
}
