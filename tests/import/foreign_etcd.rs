//! Whose etcd it is: what API servers and kubeadm's configuration say becomes `[etcd]`, or nodes of role `etcd`.

use certferry::import::Subject;
use certferry::kubernetes::Role;
use certferry::profile;

use super::road::Road;
use super::{Fleet, imported, lines};
use crate::common::{changed_profile, use_fast_keys};
use crate::doctor::makers::followed;

/// A survey of a control plane whose API server has these flags.
fn control_plane(name: &str, flags: &[(&str, &str)]) -> String {
    let settings = flags.iter().map(|(name, value)| format!("{{ name = \"{name}\", value = \"{value}\" }}"));
    format!(
        "survey = 1\n[node]\nnode_name = \"{name}\"\nrole = \"control-plane\"\nkubernetes = \"1.24.15\"\n\
         addresses = [\"192.168.10.1{0}\"]\n[[program]]\nname = \"kube-apiserver\"\nkind = \"static-pod\"\n\
         path = \"etc/kubernetes/manifests/kube-apiserver.yaml\"\nsettings = [{1}]\n",
        name.trim_start_matches("cp-"),
        settings.collect::<Vec<_>>().join(", ")
    )
}

fn flags<'a>(servers: &'a str, files: [&'a str; 3]) -> Vec<(&'static str, &'a str)> {
    let [ca, certificate, key] = files;
    vec![("etcd-cafile", ca), ("etcd-certfile", certificate), ("etcd-keyfile", key), ("etcd-servers", servers)]
}

const SERVERS: &str = "https://10.0.1.11:2379,https://10.0.1.12:2379";
const OTHERS: [&str; 3] =
    ["/etc/ssl/etcd/ssl/ca.pem", "/etc/ssl/etcd/ssl/node-cp-1.pem", "/etc/ssl/etcd/ssl/node-cp-1-key.pem"];
const OWN: [&str; 3] = [
    "/etc/kubernetes/pki/etcd/ca.crt",
    "/etc/kubernetes/pki/apiserver-etcd-client.crt",
    "/etc/kubernetes/pki/apiserver-etcd-client.key",
];

#[test]
fn files_elsewhere_are_those_of_somebody_elses_etcd() {
    let first = control_plane("cp-1", &flags(SERVERS, OTHERS));
    let found = imported(&[("a", &first)], &[]);
    let by = |flag: &str| format!("--{flag} of kube-apiserver in etc/kubernetes/manifests/kube-apiserver.yaml of cp-1");
    let table = format!(
        "\n[etcd]\nendpoints = [\"https://10.0.1.11:2379\", \"https://10.0.1.12:2379\"]  # {}\n\
         ca_file = \"/etc/ssl/etcd/ssl/ca.pem\"  # {}\ncert_file = \"/etc/ssl/etcd/ssl/node-cp-1.pem\"  # {}\n\
         key_file = \"/etc/ssl/etcd/ssl/node-cp-1-key.pem\"  # {}\n",
        by("etcd-servers"),
        by("etcd-cafile"),
        by("etcd-certfile"),
        by("etcd-keyfile")
    );
    assert!(found.profile.contains(&table), "{}", found.profile);
    let line = format!("etcd = \"external\"  # {} is in none of the folders of a bundle\n", by("etcd-cafile"));
    assert!(found.profile.contains(&line), "{}", found.profile);
    assert!(!found.profile.contains("[ca.etcd]") && !found.profile.contains("etcd_cert_sans"), "{}", found.profile);
    let kept = "etcd is somebody else's: /etc/ssl/etcd/ssl/ca.pem, /etc/ssl/etcd/ssl/node-cp-1.pem, \
                /etc/ssl/etcd/ssl/node-cp-1-key.pem on every control plane; API servers read them, no bundle has them, and whoever \
                runs etcd renews them";
    assert!(lines(&found, Subject::Keep).contains(&kept), "{found:#?}");
    assert!(!found.findings.iter().any(|finding| finding.text.contains("member of etcd")), "{found:#?}");
    assert!(!lines(&found, Subject::Bring).iter().any(|line| line.contains("etcd")), "{found:#?}");
    profile::parse(found.profile.as_bytes()).unwrap_or_else(|problems| panic!("{}\n{problems:#?}", found.profile));

    // kubespray names the files by the node.
    let names = OTHERS.map(|file| file.replace("cp-1", "cp-2"));
    let second = control_plane("cp-2", &flags(SERVERS, names.each_ref().map(String::as_str)));
    let found = imported(&[("a", &first), ("b", &second)], &[]);
    let note = format!(
        "`cert_file` in [etcd] is /etc/ssl/etcd/ssl/node-cp-1.pem, as {} says, and {} says /etc/ssl/etcd/ssl/node-cp-2.pem: \
         kubeadm's configuration, which is for the first control plane, has the former; each API server goes on to read its own",
        by("etcd-certfile"),
        by("etcd-certfile").replace("of cp-1", "of cp-2")
    );
    assert!(lines(&found, Subject::Note).contains(&note.as_str()), "{found:#?}");
    assert!(found.profile.contains(&table), "{}", found.profile);
    assert!(lines(&found, Subject::Contradiction).iter().all(|line| !line.contains("etcd")), "{found:#?}");

    // An API server that reads what a bundle writes is a client of members of ours.
    let second = control_plane("cp-2", &flags(SERVERS, OWN));
    let found = imported(&[("a", &first), ("b", &second)], &[]);
    assert!(!found.profile.contains("[etcd]"), "{}", found.profile);

    let found = imported(&[("a", &control_plane("cp-1", &flags("http://10.0.1.11:2379", OTHERS)))], &[]);
    assert!(found.profile.contains("\n[etcd]\n# endpoints = []  # not known\nca_file = "), "{}", found.profile);
    let said = "`endpoints` in [etcd]: no source says at which URLs (https) the members of etcd serve clients";
    assert!(lines(&found, Subject::Unknown).contains(&said), "{found:#?}");
}

#[test]
fn kubeadms_configuration_says_it_alone() {
    let configuration = |files: [&str; 3]| {
        let [ca, certificate, key] = files;
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.24.15\netcd:\n  external:\n    \
             endpoints: [\"https://etcd.lab\", \"https://[fd00::11]:2379\"]\n    caFile: {ca}\n    certFile: {certificate}\n    \
             keyFile: {key}\n"
        )
    };
    let text = configuration(OTHERS);
    let found = imported(&[], &[("kubeadm.yaml", &text)]);
    for line in [
        "endpoints = [\"https://etcd.lab:2379\", \"https://[fd00::11]:2379\"]  # etcd.external.endpoints in kubeadm.yaml\n",
        "ca_file = \"/etc/ssl/etcd/ssl/ca.pem\"  # etcd.external.caFile in kubeadm.yaml\n",
        "cert_file = \"/etc/ssl/etcd/ssl/node-cp-1.pem\"  # etcd.external.certFile in kubeadm.yaml\n",
        "key_file = \"/etc/ssl/etcd/ssl/node-cp-1-key.pem\"  # etcd.external.keyFile in kubeadm.yaml\n",
    ] {
        assert!(found.profile.contains(line), "{line}\n{}", found.profile);
    }
    // What no profile takes is no value.
    for path in
        ["etc/ssl/ca.pem", "/etc/ssl/../ca.pem", "\"/etc/ssl/a\\u001b[1m.pem\"", "/etc/kubernetes/pki/etcd/ca.crt"]
    {
        let text = configuration([path, OTHERS[1], OTHERS[2]]);
        let found = imported(&[], &[("kubeadm.yaml", &text)]);
        assert!(!found.profile.contains("[etcd]"), "{path}\n{}", found.profile);
    }
}

/// Files where kubeadm's own description has them, and members that nobody has surveyed: it may be either.
#[test]
fn files_in_kubeadms_folder_leave_open_whose_etcd_it_is() {
    let found = imported(&[("a", &control_plane("cp-1", &flags(SERVERS, OWN)))], &[]);
    let said = "whose etcd it is: with members of yours, survey them, and bring the key of etcd's CA; with those of somebody else, \
                name the three files of the API server's --etcd-cafile, --etcd-certfile and --etcd-keyfile in [etcd], and the \
                profile has nothing else of it (`certferry help existing-clusters`)";
    assert!(lines(&found, Subject::Unknown).contains(&said), "{found:#?}");
    assert!(found.profile.contains("etcd = \"external\"") && !found.profile.contains("[etcd]"), "{}", found.profile);
}

#[test]
fn the_etcd_of_kubespray_is_kubesprays() {
    let node = followed().into_iter().find(|(name, _)| *name == "kubespray").unwrap().1;
    let survey = crate::common::succeed(crate::common::certferry().arg("survey").arg("--root").arg(node.path("")));
    let found = imported(&[("a", &survey)], &[]);
    for line in [
        "\nendpoints = [\"https://127.0.0.1:2379\"]  # ",
        "\nca_file = \"/etc/ssl/etcd/ssl/ca.crt\"  # ",
        "\ncert_file = \"/etc/ssl/etcd/ssl/node-cp-1.crt\"  # ",
        "\nkey_file = \"/etc/ssl/etcd/ssl/node-cp-1.key\"  # ",
    ] {
        assert!(found.profile.contains(line), "{line}\n{}", found.profile);
    }
    assert!(!found.profile.contains("[ca.etcd]"), "{}", found.profile);
}

/// A cluster whose members are somebody else's, and whose control planes say so.
fn fleet() -> Fleet {
    let text = changed_profile("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        profile["node"].as_array_mut().unwrap().retain(|node| node["role"].as_str() != Some("etcd"));
        profile["node"].as_array_mut().unwrap().truncate(4);
        profile["cluster"].as_table_mut().unwrap().remove("etcd_cert_sans");
        let etcd: toml::Table = toml::from_str(
            "endpoints = [\"https://10.0.1.11:2379\", \"https://10.0.1.12:2379\"]\nca_file = \"/etc/ssl/etcd/ssl/ca.pem\"\n\
             cert_file = \"/etc/ssl/etcd/ssl/node-cp-1.pem\"\nkey_file = \"/etc/ssl/etcd/ssl/node-cp-1-key.pem\"\n",
        )
        .unwrap();
        profile.insert("etcd".to_owned(), etcd.into());
    });
    let fleet = Fleet::of(&text);
    let others = Fleet::of(&changed_profile("single-node", use_fast_keys));
    let others = others.root(&others.profile.nodes[0].name).join("etc/kubernetes/pki");
    for node in fleet.profile.nodes.iter().filter(|node| node.role == Role::ControlPlane) {
        let manifest = "etc/kubernetes/manifests/kube-apiserver.yaml";
        std::fs::remove_file(fleet.root(&node.name).join("etc/kubernetes/manifests/etcd.yaml")).unwrap();
        for (from, to) in OWN.iter().zip(OTHERS) {
            fleet.replace(&node.name, manifest, from, to);
            let file = std::fs::read_to_string(others.join(from.strip_prefix("/etc/kubernetes/pki/").unwrap()));
            fleet.write(&node.name, to.trim_start_matches('/'), &file.unwrap());
        }
        fleet.replace(&node.name, manifest, "https://127.0.0.1:2379", SERVERS);
        let (mounts, volumes) = ("    volumeMounts:\n", "  volumes:\n");
        fleet.replace(
            &node.name,
            manifest,
            mounts,
            &format!("{mounts}    - {{mountPath: /etc/ssl/etcd, name: etcd}}\n"),
        );
        let volume = format!("{volumes}  - {{name: etcd, hostPath: {{path: /etc/ssl/etcd}}}}\n");
        fleet.replace(&node.name, manifest, volumes, &volume);
    }
    fleet
}

#[test]
fn somebody_elses_etcd_goes_all_the_way() {
    let fleet = fleet();
    let road = Road::begin(fleet.folder.path(), &[]);
    for heading in ["Power", "Contradictions", "Not known", "Otherwise"] {
        assert!(!road.said.contains(heading), "{}", road.said);
    }
    let parsed = profile::parse(road.profile().as_bytes()).ok().unwrap().profile;
    assert_eq!(parsed.foreign_etcd, fleet.profile.foreign_etcd);
    road.end(None);
    // The files of somebody else stay, and the plan counts them among what no bundle has.
    let plan = road.plan();
    for file in OTHERS {
        let row = ("stays".to_owned(), file.trim_start_matches('/').to_owned());
        assert!(plan.contains(&row), "{row:?} {plan:#?}");
    }
}

/// The other way: members are ours, with the CA that they have.
#[test]
fn members_under_the_ca_that_they_have_go_all_the_way() {
    let fleet = Fleet::of(&changed_profile("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
    }));
    // The key of etcd's CA is where its members are looked after.
    let vault = tempfile::tempdir().unwrap();
    let road = Road::begin(fleet.folder.path(), &[]);
    assert!(road.profile().contains("\nrole = \"etcd\"  # "), "{}", road.profile());
    let keeper = Fleet::of(&changed_profile("ha-external-etcd", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        profile["cluster"]["etcd"] = "stacked".into();
        profile["cluster"].as_table_mut().unwrap().remove("etcd_cert_sans");
        profile["node"].as_array_mut().unwrap().retain(|node| node["role"].as_str() != Some("etcd"));
        profile["node"].as_array_mut().unwrap().truncate(1);
    }));
    std::fs::create_dir(vault.path().join("etcd")).unwrap();
    let key = keeper.root("cp-1").join("etc/kubernetes/pki/etcd/ca.key");
    std::fs::copy(key, vault.path().join("etcd/ca.key")).unwrap();
    road.end(Some(vault.path()));
}
