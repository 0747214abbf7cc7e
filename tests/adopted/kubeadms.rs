//! The commonest case: kubeadm's three CAs and `sa.key` go on, with a later end.

use std::fs;

use super::{build, desk, openssl, says, verifies};
use crate::common::succeed;

const PKI: &str = "new/etc/kubernetes/pki";

#[test]
fn renewed_authorities_have_the_old_name_and_key_and_a_later_end() {
    let desk = desk(true);
    build(&desk, "new");
    for (old, new) in [("ca", "ca"), ("etcd-ca", "etcd/ca"), ("front-proxy-ca", "front-proxy-ca")] {
        let (old, new) = (format!("adopted/{old}"), format!("{PKI}/{new}"));
        let of = |file: &str, what: &[&str]| {
            says(&desk, &[&["x509", "-noout", "-in", &format!("{file}.crt")], what].concat())
        };
        let extensions = "keyUsage,basicConstraints,subjectKeyIdentifier,authorityKeyIdentifier,subjectAltName";
        let same: [&[&str]; 5] = [&["-subject"], &["-issuer"], &["-pubkey"], &["-startdate"], &["-ext", extensions]];
        for what in same {
            assert_eq!(of(&new, what), of(&old, what), "{new}: {what:?}");
        }
        assert_eq!(of(&new, &["-enddate"]), "notAfter=Nov 22 00:00:00 2226 GMT\n");
        assert_eq!(of(&old, &["-serial"]), "serial=01\n");
        let serial = of(&new, &["-serial"]);
        assert_eq!(serial.trim().len(), "serial=".len() + 32, "{serial}");
        // Each is its own issuer, and that of everything of before and from now on.
        assert!(verifies(&desk, &format!("{new}.crt"), &format!("{new}.crt")));
    }
    // An old leaf under the new certificate, a new leaf under the old one.
    let mut request = openssl(&desk);
    request.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
    succeed(request.args(["/CN=kube-apiserver", "-keyout", "old.key", "-out", "old.csr"]));
    desk.write("ext", "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:a\n");
    let mut sign = openssl(&desk);
    sign.args(["x509", "-req", "-in", "old.csr", "-CA", "adopted/ca.crt", "-CAkey", "adopted/ca.key", "-out"]);
    succeed(sign.args(["old.crt", "-days", "365", "-extfile", "ext", "-CAcreateserial"]));
    let new_ca = format!("{PKI}/ca.crt");
    assert!(verifies(&desk, "adopted/ca.crt", "old.crt"));
    assert!(verifies(&desk, &new_ca, "old.crt"));
    for leaf in ["apiserver", "apiserver-kubelet-client"] {
        assert!(verifies(&desk, "adopted/ca.crt", &format!("{PKI}/{leaf}.crt")), "{leaf}");
        assert!(verifies(&desk, &new_ca, &format!("{PKI}/{leaf}.crt")), "{leaf}");
    }
    assert!(!verifies(&desk, &new_ca, &format!("{PKI}/etcd/server.crt")));
    assert!(verifies(&desk, "adopted/etcd-ca.crt", &format!("{PKI}/etcd/server.crt")));
}

#[test]
fn keys_are_those_of_the_files_in_the_form_that_kubeadm_writes() {
    let desk = desk(true);
    assert!(desk.text("adopted/ca.key").starts_with("-----BEGIN PRIVATE KEY-----\n"), "openssl writes PKCS#8");
    build(&desk, "new");
    for (old, new, form) in [
        ("ca", "ca", "EC PRIVATE KEY"),
        ("etcd-ca", "etcd/ca", "EC PRIVATE KEY"),
        ("front-proxy-ca", "front-proxy-ca", "EC PRIVATE KEY"),
        ("sa", "sa", "RSA PRIVATE KEY"),
    ] {
        let new = format!("{PKI}/{new}.key");
        assert!(desk.text(&new).starts_with(&format!("-----BEGIN {form}-----\n")), "{new}");
        let text = |file: &str| says(&desk, &["pkey", "-noout", "-text", "-in", file]);
        assert!(text(&new) == text(&format!("adopted/{old}.key")), "{new}");
    }
    let public = says(&desk, &["pkey", "-in", "adopted/sa.key", "-pubout"]);
    assert_eq!(desk.text(&format!("{PKI}/sa.pub")), public);
}

#[test]
fn the_same_files_profile_and_seed_make_the_same_bytes() {
    let desk = desk(true);
    build(&desk, "one");
    build(&desk, "two");
    assert!(desk.read("one-out/lab-g1.tar.gz") == desk.read("two-out/lab-g1.tar.gz"));
    assert_eq!(desk.text("one.lock.toml"), desk.text("two.lock.toml"));
    desk.succeed("build lab.toml --seed lab.seed --out three --lock one.lock.toml --locked");
    assert!(desk.read("one-out/lab-g1.tar.gz") == desk.read("three/lab-g1.tar.gz"));
}

/// Without `renew` the certificate stays byte for byte.
#[test]
fn an_adopted_authority_is_taken_as_it_is() {
    let desk = desk(false);
    build(&desk, "new");
    for (old, new) in [("ca", "ca"), ("etcd-ca", "etcd/ca"), ("front-proxy-ca", "front-proxy-ca")] {
        assert_eq!(desk.text(&format!("{PKI}/{new}.crt")), desk.text(&format!("adopted/{old}.crt")), "{new}");
    }
    assert!(verifies(&desk, "adopted/ca.crt", &format!("{PKI}/apiserver.crt")));
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml");
    assert!(plan.contains("\nca/kubernetes  CN=kubernetes  ecdsa-p256  until 2099-01-01  adopted\n"), "{plan}");
    assert!(plan.contains("\nsa  rsa-2048, no certificate, adopted\n"), "{plan}");
    assert!(plan.ends_with("\nsince the lock: nothing changes\n"), "{plan}");
}

/// A plan needs no key: whoever plans may be somebody else.
#[test]
fn a_plan_says_what_a_renewal_means_and_needs_no_key_of_a_ca() {
    let desk = desk(true);
    for name in ["ca", "etcd-ca", "front-proxy-ca"] {
        fs::remove_file(desk.path(&format!("adopted/{name}.key"))).unwrap();
    }
    let plan = desk.succeed("plan lab.toml");
    let line =
        "ca/kubernetes  CN=kubernetes  ecdsa-p256  until 2226-11-22  adopted and renewed: ends on 2099-01-01 as it is";
    assert!(plan.contains(&format!("\n{line}\n")), "{plan}");
    let told = "
renewed over the same keys, so that what was signed before stays good, old and new beside each other:
  ca/kubernetes  its certificate so far holds until 2099-01-01T00:00:00Z: whoever still has it then fails from then on
  ca/front-proxy  its certificate so far holds until 2099-01-01T00:00:00Z: whoever still has it then fails from then on
  ca/etcd  its certificate so far holds until 2099-01-01T00:00:00Z: whoever still has it then fails from then on
  who may still have an old one: kubeconfigs elsewhere, kube-public/cluster-info, Secrets of tokens, caBundles,
  /etc/cni/net.d; certificates of before whose authorityKeyIdentifier names issuer and serial number (openssl's
  `keyid,issuer`) fail in OpenSSL: replace those in the same step
";
    assert!(plan.contains(told), "{plan}");
    let error = "\
error: cannot read the key adopted/ca.key: no such file or directory
hint: the path in the profile is relative to the profile
";
    desk.refuse("build lab.toml --seed lab.seed --out out", 2, error);
}

#[test]
fn programs_are_told_what_is_adopted() {
    let desk = desk(true);
    let plan: serde_json::Value = serde_json::from_str(&desk.succeed("plan lab.toml -o json")).unwrap();
    let find =
        |list: &str, id: &str| plan[list].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    let adopted = &find("certificates", "ca/kubernetes")["adopted"];
    assert_eq!((&adopted["not_after"], &adopted["renewed"]), (&"2099-01-01T00:00:00Z".into(), &true.into()));
    assert_eq!(find("keys", "sa")["adopted"], true);
    assert!(find("keys", "bundle-signer").get("adopted").is_none());
    assert!(find("certificates", "node/cp-1/apiserver").get("adopted").is_none());
}

/// A key alone gets a new certificate with the profile's name.
#[test]
fn a_key_alone_gets_a_certificate_of_its_own() {
    let desk = desk(true);
    let table = "certificate = \"adopted/ca.crt\"\nkey = \"adopted/ca.key\"\nrenew = true\n";
    let alone = "key = \"adopted/ca.key\"\ncommon_name = \"prod\"\n\
                 subject = { organization = [\"Example\"], organizational_unit = [\"B\", \"A\"], country = \"KR\" }\n";
    let profile = desk.text("lab.toml");
    assert!(profile.contains(table));
    desk.write("lab.toml", profile.replace(table, alone));
    build(&desk, "new");
    let ca = format!("{PKI}/ca.crt");
    let public = |words: &[&str]| says(&desk, words);
    assert_eq!(
        public(&["x509", "-noout", "-pubkey", "-in", &ca]),
        public(&["pkey", "-in", "adopted/ca.key", "-pubout"])
    );
    assert_eq!(
        public(&["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", &ca]),
        "subject=CN=prod,OU=B+OU=A,O=Example,C=KR\n"
    );
    assert!(verifies(&desk, &ca, &format!("{PKI}/apiserver.crt")));
    let plan = desk.succeed("plan lab.toml --lock new.lock.toml");
    let line =
        "ca/kubernetes  C=KR, O=Example, OU=A, OU=B, CN=prod  ecdsa-p256  until 2226-11-22  made over an adopted key";
    assert!(plan.contains(&format!("\n{line}\n")), "{plan}");
}

/// kubeadm's `clusterName`.
#[test]
fn kubeconfigs_have_the_name_that_the_cluster_has() {
    let desk = desk(true);
    desk.write(
        "lab.toml",
        desk.text("lab.toml").replace("[validity]", "kubeconfig_cluster_name = \"my cluster\"\n[validity]"),
    );
    build(&desk, "new");
    let read = |what: &str| {
        let mut kubectl = crate::common::tool("kubectl");
        kubectl.arg("--kubeconfig").arg(desk.path("new/etc/kubernetes/admin.conf"));
        succeed(kubectl.args(["config", "view", "-o", &format!("jsonpath={what}")]))
    };
    assert_eq!(read("{.clusters[0].name}"), "my cluster");
    assert_eq!(read("{.contexts[0].name}"), "kubernetes-admin@my cluster");
    assert_eq!(read("{.contexts[0].context.cluster}"), "my cluster");
    assert_eq!(read("{.current-context}"), "kubernetes-admin@my cluster");
    succeed(
        crate::common::tool("tar").arg("-xzf").arg(desk.path("new-out/lab-g1.tar.gz")).arg("-C").arg(desk.path("")),
    );
    assert!(desk.text("lab-g1/cluster/kubeadm/init.yaml").contains("\nclusterName: \"my cluster\"\n"));
}
