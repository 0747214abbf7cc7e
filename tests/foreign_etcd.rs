//! `[etcd]`: an etcd of somebody else, of which a bundle has nothing.

use crate::common::desk::{Desk, PROFILE};
use crate::common::{files, succeed, tool};

/// The profile of a desk, with an etcd of somebody else.
pub fn profile() -> String {
    let of_desk = PROFILE.replace("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\netcd = \"external\"\n");
    of_desk
        + "\n[etcd]\nendpoints = [\"https://10.0.1.11:2379\", \"https://etcd-2.lab:2379\"]\n\
           ca_file = \"/etc/ssl/etcd/ssl/ca.pem\"\ncert_file = \"/etc/ssl/etcd/ssl/client.pem\"\n\
           key_file = \"/etc/ssl/etcd/ssl/client-key.pem\"\n"
}

const TOLD: &str = "
etcd is somebody else's, at https://10.0.1.11:2379, https://etcd-2.lab:2379: nothing of it is made here, no CA, member or client
  on each control plane the API server reads /etc/ssl/etcd/ssl/ca.pem, /etc/ssl/etcd/ssl/client.pem and \
/etc/ssl/etcd/ssl/client-key.pem; who runs etcd renews them
";

#[test]
fn nothing_of_it_is_made_and_kubeadm_is_told_where_it_is() {
    let desk = Desk::new();
    desk.write("lab.toml", profile());
    let plan = desk.succeed("plan lab.toml");
    assert!(plan.contains(TOLD), "{plan}");
    let rest = plan.replace(TOLD, "");
    assert!(!rest.contains("etcd"), "{plan}");
    let json: serde_json::Value = serde_json::from_str(&desk.succeed("plan lab.toml -o json")).unwrap();
    let expected = serde_json::json!({
        "endpoints": ["https://10.0.1.11:2379", "https://etcd-2.lab:2379"],
        "ca_file": "/etc/ssl/etcd/ssl/ca.pem",
        "cert_file": "/etc/ssl/etcd/ssl/client.pem",
        "key_file": "/etc/ssl/etcd/ssl/client-key.pem",
    });
    assert_eq!(json["foreign_etcd"], expected);
    assert!(json["keys"].as_array().unwrap().iter().all(|key| !key["id"].as_str().unwrap().contains("etcd")));

    desk.succeed("build lab.toml --seed lab.seed --out out");
    let bundle = "out/lab-g1.tar.gz --key out/lab.pub";
    desk.succeed(&format!("verify {bundle}"));
    let inspected = desk.succeed(&format!("inspect {bundle}"));
    assert!(inspected.ends_with(TOLD) && !inspected.contains("MISSING"), "{inspected}");
    desk.succeed(&format!("unpack {bundle} --node cp-1 --root cp-1"));
    let names = files(&desk.path("cp-1"));
    assert!(names.iter().any(|name| name.ends_with("pki/apiserver.crt")), "{names:?}");
    assert!(names.iter().all(|name| !name.contains("etcd")), "{names:?}");
    assert!(desk.succeed("doctor cp-1 --at 2027-01-01").starts_with("nothing is wrong; "));

    succeed(tool("tar").arg("-xzf").arg(desk.path("out/lab-g1.tar.gz")).arg("-C").arg(desk.path("")));
    let init = desk.text("lab-g1/cluster/kubeadm/init.yaml");
    let external = "\
etcd:
  external:
    endpoints:
    - https://10.0.1.11:2379
    - https://etcd-2.lab:2379
    caFile: \"/etc/ssl/etcd/ssl/ca.pem\"
    certFile: \"/etc/ssl/etcd/ssl/client.pem\"
    keyFile: \"/etc/ssl/etcd/ssl/client-key.pem\"
";
    assert!(init.contains(external), "{init}");
}

/// Who gives etcd away, or takes it back, sees what that means before a build.
#[test]
fn a_plan_says_what_giving_etcd_away_means() {
    let desk = Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out --lock lab.lock.toml");
    desk.write("lab.toml", profile().replace("issued_at = 2026-11-22\n", "issued_at = 2026-11-22\ngeneration = 2\n"));
    let plan = desk.succeed("plan lab.toml --lock lab.lock.toml --changes");
    for id in ["ca/etcd", "node/cp-1/apiserver-etcd-client", "node/cp-1/etcd/server"] {
        assert!(plan.contains(id), "{id}: {plan}");
    }
}

/// kubeadm's guide for external etcd puts the files of the API server into kubeadm's folder.
#[test]
fn what_is_in_kubeadms_folder_stays_there() {
    let desk = Desk::new();
    let places = ["pki/etcd/ca.crt", "pki/apiserver-etcd-client.crt", "pki/apiserver-etcd-client.key"];
    let named = ["ca.pem", "client.pem", "client-key.pem"].map(|name| format!("/etc/ssl/etcd/ssl/{name}"));
    let profile = named
        .iter()
        .zip(places)
        .fold(profile(), |profile, (named, place)| profile.replace(named, &format!("/etc/kubernetes/{place}")));
    desk.write("lab.toml", profile);
    desk.succeed("build lab.toml --seed lab.seed --out out");
    for (name, number) in [("etcd-ca", 1), ("client", 2)] {
        succeed(
            tool("openssl")
                .current_dir(desk.path(""))
                .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "9"])
                .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", &format!("/CN={name}")])
                .args(["-keyout", &format!("{number}.key"), "-out", &format!("{number}.crt")]),
        );
    }
    std::fs::create_dir_all(desk.path("cp-1/etc/kubernetes/pki/etcd")).unwrap();
    let theirs = places.iter().zip(["1.crt", "2.crt", "2.key"]).map(|(place, from)| {
        let place = format!("cp-1/etc/kubernetes/{place}");
        desk.write(&place, desk.text(from));
        (place, desk.text(from))
    });
    let theirs: Vec<_> = theirs.collect();
    let are_there = || theirs.iter().all(|(place, text)| desk.text(place) == *text);
    desk.succeed("apply out/lab-g1.tar.gz --key out/lab.pub --node cp-1 --root cp-1");
    assert!(desk.exists("cp-1/etc/kubernetes/pki/apiserver.crt") && are_there());
    desk.succeed("rollback --root cp-1");
    assert!(!desk.exists("cp-1/etc/kubernetes/pki/apiserver.crt") && are_there());
}
