//! Sources that contradict each other, and what the list says of that; names that only some nodes have; the rest of the
//! list.

use std::fs;

use certferry::import::Subject;
use certferry::profile;

use super::{Fleet, imported, init_from, lines, written};
use crate::common::{changed_profile, succeed, tool, use_fast_keys};

fn control_plane(name: &str, version: &str, settings: &str) -> String {
    format!(
        "survey = 1\n[node]\nnode_name = \"{name}\"\nrole = \"control-plane\"\n[[program]]\nname = \"kube-apiserver\"\n\
         kind = \"static-pod\"\npath = \"etc/kubernetes/manifests/kube-apiserver.yaml\"\nversion = \"{version}\"\nsettings = [{settings}]\n"
    )
}

fn setting(name: &str, value: &str) -> String {
    format!("{{ name = \"{name}\", value = \"{value}\" }},")
}

#[test]
fn what_runs_counts_more_and_the_other_is_said() {
    let server = "[[kubeconfig]]\npath = \"etc/kubernetes/admin.conf\"\nmode = \"0600\"\nowner = 0\ngroup = 0\n\
                  [[kubeconfig.cluster]]\nname = \"kubernetes\"\nserver = \"https://k8s.lab:6443\"\n";
    let settings = setting("advertise-address", "192.168.10.5") + &setting("service-cluster-ip-range", "10.96.0.0/12");
    let one = control_plane("cp-1", "1.24.15", &settings) + server;
    let settings = setting("advertise-address", "192.168.10.6") + &setting("service-cluster-ip-range", "10.97.0.0/16");
    let two = control_plane("cp-2", "1.23.9", &settings) + &server.replace("k8s.lab", "old.lab");
    let kubeadm = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.22.0\n\
                   controlPlaneEndpoint: older.lab\n---\napiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n\
                   localAPIEndpoint: {advertiseAddress: 192.168.10.55, bindPort: 6443}\nnodeRegistration: {name: cp-1}\n";
    let nodes =
        "kind: Node\nmetadata: {name: cp-2}\nstatus: {addresses: [{type: InternalIP, address: 192.168.10.6}]}\n";
    let imported = imported(&[("a", &one), ("b", &two)], &[("kubeadm.yaml", kubeadm), ("nodes.yaml", nodes)]);
    assert_eq!(
        lines(&imported, Subject::Contradiction),
        [
            "advertise address of cp-1: 192.168.10.5 (--advertise-address of kube-apiserver in \
             etc/kubernetes/manifests/kube-apiserver.yaml of cp-1) was taken, but localAPIEndpoint in kubeadm.yaml says 192.168.10.55",
            "role of cp-2: control-plane (role in the survey of cp-2) was taken, but the labels of cp-2 in nodes.yaml says worker",
            "kubernetes: 1.24.15 (the image in etc/kubernetes/manifests/kube-apiserver.yaml of cp-1) was taken, but the image in \
             etc/kubernetes/manifests/kube-apiserver.yaml of cp-2 says 1.23.9",
            "kubernetes: 1.24.15 (the image in etc/kubernetes/manifests/kube-apiserver.yaml of cp-1) was taken, but kubernetesVersion \
             in kubeadm.yaml says 1.22.0",
            "control_plane_endpoint: k8s.lab:6443 (the server in etc/kubernetes/admin.conf of cp-1) was taken, but the server in \
             etc/kubernetes/admin.conf of cp-2 says old.lab:6443",
            "control_plane_endpoint: k8s.lab:6443 (the server in etc/kubernetes/admin.conf of cp-1) was taken, but \
             controlPlaneEndpoint in kubeadm.yaml says older.lab:6443",
            "service_subnets: 10.96.0.0/12 (--service-cluster-ip-range of kube-apiserver in \
             etc/kubernetes/manifests/kube-apiserver.yaml of cp-1) was taken, but --service-cluster-ip-range of kube-apiserver in \
             etc/kubernetes/manifests/kube-apiserver.yaml of cp-2 says 10.97.0.0/16",
        ]
    );
}

#[test]
fn versions_that_no_profile_can_have_are_said() {
    for (version, said) in [
        (
            "1.19.3",
            "the version of Kubernetes: the image in etc/kubernetes/manifests/kube-apiserver.yaml of cp-1 says 1.19.3, and this version of certferry knows 1.20 to 1.37",
        ),
        (
            "1.24",
            "the version of Kubernetes: the image in etc/kubernetes/manifests/kube-apiserver.yaml of cp-1 says \"1.24\", which is no full version such as 1.24.15",
        ),
    ] {
        let imported = imported(&[("a", &control_plane("cp-1", version, ""))], &[]);
        let unknown = lines(&imported, Subject::Unknown);
        assert!(unknown.contains(&said), "{unknown:#?}");
        assert!(unknown.contains(&"`kubernetes` in [cluster]: no source says a version that can be taken; `plan` refuses a profile without it"));
        assert!(unknown.contains(&"cp-1: the address at which others reach it; its [[node]] is a comment until then"));
        assert!(imported.profile.contains("\n# kubernetes = \"\"  # not known\n"));
        assert!(imported.profile.contains("\n# [[node]]\n# name = \"cp-1\""), "{}", imported.profile);
    }
}

#[test]
fn several_addresses_of_a_host_are_candidates() {
    let worker =
        "survey = 1\n[node]\nnode_name = \"w-1\"\nrole = \"worker\"\naddresses = [\"10.0.0.1\", \"172.17.0.1\"]\n";
    let several = imported(&[("a", worker)], &[]);
    let said =
        "w-1: the address at which others reach it: one of 10.0.0.1, 172.17.0.1; its [[node]] is a comment until then";
    assert!(lines(&several, Subject::Unknown).contains(&said));
    assert!(
        several
            .profile
            .contains("# addresses = [\"10.0.0.1\", \"172.17.0.1\"]  # not known; these are of its interfaces\n")
    );
    let one = imported(&[("a", &worker.replace(", \"172.17.0.1\"", ""))], &[]);
    assert!(
        one.profile.contains(
            "\naddresses = [\"10.0.0.1\"]  # the only address of the host's interfaces, in the survey of w-1\n"
        )
    );
    // The list of nodes knows which.
    let nodes = "kind: Node\nmetadata: {name: w-1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n";
    let listed = imported(&[("a", worker)], &[("nodes.yaml", nodes)]);
    assert!(
        listed.profile.contains("\naddresses = [\"10.0.0.1\"]  # InternalIP of w-1 in nodes.yaml\n"),
        "{}",
        listed.profile
    );
}

fn fleet() -> Fleet {
    Fleet::of(&changed_profile("ha-stacked-etcd", |profile| {
        use_fast_keys(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        profile["node"].as_array_mut().unwrap().truncate(4);
        profile["node"][0].as_table_mut().unwrap().insert("dns_names".to_owned(), vec!["only.lab"].into());
    }))
}

/// Names of one node, other CAs, other people, other groups, and what lies outside the PKI.
#[test]
fn the_list_has_what_a_person_must_decide() {
    let fleet = fleet();
    let names: Vec<_> = fleet.profile.nodes.iter().map(|node| node.name.clone()).collect();
    let first = &names[0];
    let pki = fleet.root(first).join("etc/kubernetes/pki");
    let openssl = |words: &str| {
        let place =
            |word: &str| word.strip_prefix('@').map_or_else(|| word.into(), |file| pki.join(file).into_os_string());
        succeed(tool("openssl").args(words.split(' ').map(place)));
    };
    // Another CA that is believed, a member of system:masters beside kubeadm's, and a client of etcd.
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @other.tmp -out @other.pem -days 99 -subj /CN=corporate",
    );
    let both = fs::read_to_string(pki.join("ca.crt")).unwrap() + &fs::read_to_string(pki.join("other.pem")).unwrap();
    fs::write(pki.join("ca.crt"), both).unwrap();
    fs::write(pki.join("client"), "extendedKeyUsage=clientAuth\n").unwrap();
    for (name, subject, ca) in [
        ("mallory", "/O=system:masters/CN=mallory", "ca"),
        ("dev", "/O=dev/CN=dev", "ca"),
        ("backup", "/CN=backup", "etcd/ca"),
    ] {
        openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @{name}.tmp -out @{name}.csr -subj {subject}"
        ));
        openssl(&format!(
            "x509 -req -in @{name}.csr -CA @{ca}.crt -CAkey @{ca}.key -set_serial 7 -days 99 -extfile @client -out @{name}.crt"
        ));
    }
    let fresh = "etc/kubernetes/manifests/kube-apiserver.yaml";
    fleet.replace(
        first,
        fresh,
        "    - --secure-port",
        "    - --encryption-provider-config=/etc/kubernetes/enc.yaml\n    - --secure-port",
    );
    fleet.write(first, "etc/kubernetes/enc.yaml", "kind: EncryptionConfiguration\n");

    let (folder, name, said) = init_from(&[fleet.folder.path()], &["--name", "prod-7"]);
    let text = written(&folder, &name);
    assert_eq!(name, "prod-7");
    let parsed = profile::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}")).profile;
    assert_eq!(parsed.nodes[0].dns_names, ["only.lab"]);
    assert_eq!(parsed.nodes[1].dns_names, ["cp-2.corp.internal"]);
    assert!(parsed.users.is_empty() && parsed.etcd_clients.is_empty());
    let power = said.split("\n\n").find(|part| part.starts_with("Power")).unwrap();
    for line in [
        format!(
            "- a further CA beside that of [ca.kubernetes], in etc/kubernetes/pki/ca.crt of {first}: CN=corporate, SHA-256 "
        ),
        format!("- etc/kubernetes/pki/backup.crt of {first}: \"backup\" may read and write all of etcd until "),
        format!("- etc/kubernetes/pki/mallory.crt of {first}: \"mallory\" may do everything until "),
    ] {
        assert!(power.lines().any(|found| found.starts_with(&line)), "{line}\n{power}");
    }
    assert_eq!(power.lines().count(), 4, "{power}");
    assert!(
        said.contains(&format!(
            "- etc/kubernetes/pki/dev.crt of {first}: the user \"dev\" with the groups [dev], until "
        )),
        "{said}"
    );
    let keep = format!(
        "- --encryption-provider-config=/etc/kubernetes/enc.yaml of kube-apiserver in {fresh} of {first}: without its keys, what etcd has encrypted is lost\n"
    );
    assert!(said.contains(&keep), "{said}");
    for comment in [
        "\n# [[user]]\n# name = \"mallory\"\n# groups = []\n# break_glass = true  # ",
        "\n# [[user]]\n# name = \"dev\"\n# groups = [\"dev\"]\n",
        "\n# [[etcd_client]]\n# name = \"backup\"\n",
    ] {
        assert!(text.contains(comment), "{comment}\n{text}");
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("out/prod-7.list.txt")).unwrap().lines().next(),
        power.lines().next()
    );
    // The CA alone: whoever else is believed is not adopted.
    let adopted = fs::read_to_string(folder.path().join("out/adopted/ca.crt")).unwrap();
    assert_eq!(adopted.matches("BEGIN CERTIFICATE").count(), 1);
}

/// With the keys that the list names, `plan` takes what was written, and a bundle is built of it.
#[test]
fn the_keys_that_the_list_names_are_those_that_a_build_needs() {
    let fleet = fleet();
    let (folder, name, said) = init_from(&[fleet.folder.path()], &[]);
    let out = folder.path().join("out");
    let profile = out.join(format!("{name}.toml"));
    let brought = said.lines().filter_map(|line| {
        let (to, rest) = line.strip_prefix("- adopted/")?.split_once(": the key ")?;
        let (_, place) = rest.split_once(", /")?;
        let (path, node) = place.split_once(" of ")?;
        Some((to, fleet.root(node).join(path)))
    });
    let mut count = 0;
    for (to, from) in brought {
        succeed(tool("install").args(["-m", "600"]).arg(from).arg(out.join("adopted").join(to)));
        count += 1;
    }
    assert_eq!(count, 4, "{said}");
    succeed(crate::common::certferry().arg("plan").arg(&profile));
    let seed = crate::common::write(folder.path(), "x.seed", crate::common::SEED, 0o600);
    let mut build = crate::common::certferry();
    build.arg("build").arg(&profile).arg("--seed").arg(seed).arg("--out").arg(folder.path().join("bundle"));
    succeed(build.arg("--allow-weak-seed"));
}

/// One line for a flag that several control planes have alike, with its value where it may be shown.
#[test]
fn what_several_nodes_have_alike_is_one_line() {
    let settings =
        setting("oidc-issuer-url", "https://id.lab") + &setting("audit-policy-file", "/etc/kubernetes/audit.yaml");
    let surveys = ["cp-1", "cp-2", "cp-3"].map(|name| control_plane(name, "1.24.15", &settings));
    let kubeadm = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nimageRepository: registry.lab/k8s\n\
                   networking: {podSubnet: 10.244.0.0/16}\n\
                   apiServer: {extraArgs: {oidc-issuer-url: \"https://u:hunter2@id.lab\", oidc-client-id: hunter3}}\n";
    let surveys = [("a", surveys[0].as_str()), ("b", &surveys[1]), ("c", &surveys[2])];
    let imported = imported(&surveys, &[("kubeadm.yaml", kubeadm)]);
    let lacks = "no profile says it, so kubeadm's configuration in a bundle lacks it; who runs `kubeadm init` with that adds it";
    let manifest = "etc/kubernetes/manifests/kube-apiserver.yaml";
    assert_eq!(
        lines(&imported, Subject::Keep),
        [
            format!("--audit-policy-file=/etc/kubernetes/audit.yaml of kube-apiserver in {manifest} of cp-1, cp-2, cp-3: audit"),
            format!("--oidc-issuer-url=https://id.lab of kube-apiserver in {manifest} of cp-1, cp-2, cp-3: people log in by it"),
            "--oidc-issuer-url=https://id.lab of kube-apiserver, extraArgs in kubeadm.yaml: people log in by it".to_owned(),
            "--oidc-client-id (its value is not shown) of kube-apiserver, extraArgs in kubeadm.yaml: people log in by it".to_owned(),
            format!("networking.podSubnet: 10.244.0.0/16 in kubeadm.yaml: {lacks}"),
            format!("imageRepository: registry.lab/k8s in kubeadm.yaml: {lacks}"),
        ]
    );
}
