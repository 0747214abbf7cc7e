//! From files to a profile that plans the same files: names, groups, usages, servers; only dates, keys and serials differ.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use certferry::kubernetes::Role;
use certferry::profile;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::compare::assert_same;
use super::{Fleet, init_from, written};
use crate::common::desk::Desk;
use crate::common::{build, certferry, changed_profile, succeed, tool, use_fast_keys};
use crate::kube::programs;

/// Every shape of cluster that certferry makes.
#[test]
fn a_cluster_of_certferrys_becomes_its_own_profile_again() {
    for (name, change) in [
        ("single-node", None),
        (
            "ha-stacked-etcd",
            Some("apiserver_cert_sans = [\"*.apps.lab\", \"10.9.9.9\"]\netcd_cert_sans = [\"etcd.lab\"]"),
        ),
        ("ha-external-etcd", None),
        ("ha-external-etcd", Some("certificates_dir = \"/etc/kubernetes/ssl\"")),
        ("dual-stack", None),
        ("external-ca", None),
        ("closed-network-1.24", None),
    ] {
        let text = changed_profile(name, |profile| {
            use_fast_keys(profile);
            profile["keys"]["service_account"] = "rsa-2048".into();
            for (key, value) in change.map(|change| change.parse::<toml::Table>().unwrap()).unwrap_or_default() {
                profile["cluster"].as_table_mut().unwrap().insert(key, value);
            }
            profile["node"].as_array_mut().unwrap().truncate(8);
        });
        let fleet = Fleet::of(&text);
        let (folder, name, said) = init_from(&[fleet.folder.path()], &[]);
        let text = written(&folder, &name);
        let parsed = profile::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}\n{said}"));
        assert_eq!(parsed.profile.nodes.len(), fleet.profile.nodes.len(), "{text}");
        assert_eq!(parsed.profile.kubelet.serving, fleet.profile.kubelet.serving);
        assert_eq!(parsed.profile.ship_ca_keys, fleet.profile.ship_ca_keys);
        assert_eq!(parsed.profile.leaf_algorithm, fleet.profile.leaf_algorithm);
        assert_eq!(parsed.profile.cluster.certificates_dir, fleet.profile.cluster.certificates_dir, "{text}");
        for node in &fleet.profile.nodes {
            assert_same(&parsed.profile, &node.name, &fleet.root(&node.name), node.role != Role::Etcd);
        }
        for heading in ["Power", "Contradictions", "Not known", "Otherwise"] {
            assert!(!said.contains(heading), "{name}: {said}");
        }
    }
}

/// Builds the imported profile with the CAs of a node, whose certificates lie in this folder, and asserts that names, groups,
/// usages, servers and modes are those of the node: `plan --against` and the files themselves say so.
fn built_again(out: &TempDir, name: &str, root: &Path, node: &str, folder: &str, has_kubelet: bool) {
    let out = out.path().join("out");
    for key in ["ca", "etcd/ca", "front-proxy-ca", "sa"] {
        let from = root.join(folder).join(format!("{key}.key"));
        succeed(tool("install").args(["-m", "600"]).arg(from).arg(out.join(format!("adopted/{key}.key"))));
    }
    let profile = out.join(format!("{name}.toml"));
    let bundle = build(&profile);
    let said = succeed(certferry().arg("plan").arg(&profile).arg("--against").arg(root).arg("-v"));
    let rows: Vec<_> = said.lines().filter(|line| line.contains("  etc/kubernetes/")).collect();
    assert!(rows.len() > 20 && rows.iter().any(|row| row.contains(&format!("  {folder}/apiserver.crt"))), "{said}");
    for row in rows.into_iter().filter(|row| has_kubelet || !row.contains("/kubelet.conf")) {
        let word = row.trim_start().split("  ").next().unwrap();
        let is_new = word == "new" && row.contains("super-admin.conf");
        assert!(["same", "renewed", "other key"].contains(&word) || is_new, "{row}\n{said}");
    }
    let new = bundle.unpack(node);
    let mut compared = 0;
    for entry in WalkDir::new(new.join("etc/kubernetes")).into_iter().map(Result::unwrap) {
        let place = entry.path().strip_prefix(&new).unwrap();
        if entry.file_type().is_file() && (has_kubelet || !place.ends_with("kubelet.conf")) {
            let mode = |path: &Path| fs::metadata(path).unwrap().mode();
            assert_eq!(mode(entry.path()), mode(&root.join(place)), "{}", place.display());
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

/// kubespray's folder, with its link and without: survey, import, build, and the same again.
#[test]
fn what_lies_in_kubesprays_folder_is_made_again_in_it() {
    for (name, has_link) in [("ssl", false), ("ssl", true), ("certs.1", false)] {
        in_another_folder(name, has_link);
    }
}

fn in_another_folder(folder: &str, has_link: bool) {
    let text = changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        profile["node"][0]["name"] = "cp-1".into();
        let cluster = profile["cluster"].as_table_mut().unwrap();
        cluster.insert("certificates_dir".to_owned(), format!("/etc/kubernetes/{folder}").into());
        cluster.insert("kubeconfig_cluster_name".to_owned(), "corp".into());
    });
    let fleet = Fleet::of(&text);
    let root = fleet.root("cp-1");
    if has_link {
        symlink(format!("/etc/kubernetes/{folder}"), root.join("etc/kubernetes/pki")).unwrap();
    }
    let (out, name, said) = init_from(&[&root], &[]);
    let text = written(&out, &name);
    let line = format!("\ncertificates_dir = \"/etc/kubernetes/{folder}\"  # the files of the API server of cp-1\n");
    assert!(text.contains(&line), "{text}");
    let command =
        format!("tar -C /etc/kubernetes/{folder} -cf adopted.tar ca.key etcd/ca.key front-proxy-ca.key sa.key");
    assert!(said.contains(&command), "{said}");
    built_again(&out, &name, &root, "cp-1", &format!("etc/kubernetes/{folder}"), true);
}

const KUBEADM: &str = "apiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: ADDRESS, bindPort: 6443}\n\
    nodeRegistration: {name: NODE}\n---\napiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\nkubernetesVersion: v1.20.2\n";

/// Real kubeadm makes the tree; it takes a root of its own.
pub fn kubeadm(root: &Path, node: &str, address: &str, cluster: &str, phases: &[&str]) {
    let config = KUBEADM.replace("NODE", node).replace("ADDRESS", address) + cluster;
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("kubeadm.yaml"), config).unwrap();
    fs::write(root.join("etc/hostname"), format!("{node}\n")).unwrap();
    for phase in phases {
        let mut command = tool(programs().join("kubeadm"));
        command.args(["init", "phase"]).args(phase.split(' ')).arg("--rootfs").arg(root);
        succeed(command.args(["--config", "/kubeadm.yaml"]));
    }
}

/// Copies what `kubeadm init` on cp-1 and `join` share.
pub fn share(roots: &Path, to: &Path) {
    for file in ["ca", "front-proxy-ca", "etcd/ca", "sa"] {
        for end in ["crt", "key", "pub"] {
            let place = format!("etc/kubernetes/pki/{file}.{end}");
            fs::create_dir_all(to.join(&place).parent().unwrap()).unwrap();
            let _ = fs::copy(roots.join("cp-1").join(&place), to.join(&place));
        }
    }
}

pub const ALL: &[&str] = &["certs all", "kubeconfig all", "etcd local", "control-plane all"];

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_trees_of_kubeadm_become_profiles_that_plan_them() {
    for (shape, cluster, nodes, phases) in [
        ("single", "", &[("cp-1", "192.168.10.5")][..], ALL),
        (
            "a name and further names",
            "clusterName: lab\ncontrolPlaneEndpoint: \"k8s.lab:8443\"\napiServer: {certSANs: [10.0.0.100, \"*.apps.lab\", k8s-2.lab]}\n\
             etcd: {local: {serverCertSANs: [etcd.lab], peerCertSANs: [etcd.lab]}}\n\
             networking: {serviceSubnet: 10.100.0.0/16, dnsDomain: corp.internal}\n",
            &[("cp-1", "192.168.10.5")],
            ALL,
        ),
        (
            "another folder and another name",
            "clusterName: lab\ncertificatesDir: /etc/kubernetes/ssl\n",
            &[("cp-1", "192.168.10.5")],
            ALL,
        ),
        (
            "three control planes behind a virtual address",
            "controlPlaneEndpoint: \"192.168.10.100:6443\"\n",
            &[("cp-1", "192.168.10.5"), ("cp-2", "192.168.10.6"), ("cp-3", "192.168.10.7")],
            ALL,
        ),
        (
            "dual stack",
            "featureGates: {IPv6DualStack: true}\nnetworking: {serviceSubnet: \"10.96.0.0/12,fd00:10:96::/112\", podSubnet: \"10.244.0.0/16,fd00:10:244::/56\"}\n",
            &[("cp-1", "192.168.10.5")],
            ALL,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for (node, address) in nodes {
            let root = folder.path().join(node);
            if *node != "cp-1" {
                share(folder.path(), &root);
            }
            kubeadm(&root, node, address, cluster, phases);
        }
        let (out, name, said) = init_from(&[folder.path()], &[]);
        assert_eq!(name == "lab", cluster.contains("clusterName"), "{said}");
        let text = written(&out, &name);
        let parsed =
            profile::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{shape}: {text}\n{problems:#?}"));
        for (node, _) in nodes {
            assert_same(&parsed.profile, node, &folder.path().join(node), false);
        }
        for heading in ["Power", "Contradictions", "Otherwise"] {
            assert!(!said.contains(heading), "{shape}: {said}");
        }
        if cluster.contains("certificatesDir") {
            assert!(text.contains("\ncertificates_dir = \"/etc/kubernetes/ssl\""), "{text}");
            built_again(&out, &name, &folder.path().join("cp-1"), "cp-1", "etc/kubernetes/ssl", false);
        }
    }
}

/// The lines of the chapter, as a person would type them who has collected surveys.
#[test]
fn the_lines_of_the_chapter_work_as_printed() {
    let fleet = Fleet::of(&changed_profile("single-node", use_fast_keys));
    let desk = Desk::new();
    let node = &fleet.profile.nodes[0];
    fs::create_dir(desk.path("surveys")).unwrap();
    let survey = succeed(certferry().arg("survey").arg("--root").arg(fleet.root(&node.name)));
    desk.write("surveys/cp.toml", survey);
    let listed =
        "kind: Node\nmetadata: {name: w-1}\nstatus: {addresses: [{type: InternalIP, address: 192.168.10.77}]}\n";
    desk.write("nodes.yaml", listed);
    let endpoint = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.34.1\n";
    desk.write("kubeadm-config.yaml", endpoint);
    let chapter = desk.succeed("help import --markdown");
    let lines: Vec<_> = chapter.lines().filter_map(|line| line.strip_prefix("    certferry ")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    desk.succeed(lines[0]);
    assert_eq!(desk.text("prod-1/prod-1.toml").matches("\n[[node]]\n").count(), 2);
    // The key decides the kind of sa.key, so that it is brought before.
    desk.write("prod-1/adopted/sa.key", fs::read(fleet.root(&node.name).join("etc/kubernetes/pki/sa.key")).unwrap());
    desk.set_mode("prod-1/adopted/sa.key", 0o600);
    let said = desk.succeed(lines[1]);
    assert!(said.starts_with(&format!("{} against what is there: ", node.name)), "{said}");
    assert!(said.ends_with("\nnot compared, because nothing was given of them: w-1\n"), "{said}");
}
