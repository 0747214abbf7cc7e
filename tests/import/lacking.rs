//! What surveys do not have, and that the list says so.

use std::fs;

use certferry::import::Subject;
use certferry::profile;
use certferry::survey::Survey;

use super::{Fleet, imported, init_from, lines};
use crate::common::{certferry, changed_profile, fail, run, use_fast_keys};

fn survey_of(fleet: &Fleet, node: &str) -> String {
    String::from_utf8(run(certferry().arg("survey").arg("--root").arg(fleet.root(node))).stdout).unwrap()
}

/// A certificate that says nothing loses names in silence otherwise.
#[test]
fn a_serving_certificate_that_says_nothing_is_said() {
    let fleet = Fleet::of(&changed_profile("single-node", use_fast_keys));
    let node = fleet.profile.nodes[0].name.clone();
    let pki = "etc/kubernetes/pki";
    let whole = fs::read_to_string(fleet.root(&node).join(pki).join("apiserver.crt")).unwrap();
    let before = imported(&[("a", &survey_of(&fleet, &node))], &[]);
    assert!(lines(&before, Subject::Unknown).iter().all(|line| !line.contains(".crt")), "{before:#?}");

    const API: &str = "the names and addresses under which clients reach this API server; those beyond the automatic ones \
                       belong in `apiserver_cert_sans`, or in `dns_names` and `addresses` of its [[node]]";
    const ETCD: &str = "the names and addresses for which it is; those beyond the automatic ones belong in `etcd_cert_sans`, \
                        or in `dns_names` and `addresses` of its [[node]]";
    for (file, what, rest) in [
        ("apiserver.crt", "the API server's certificate", API),
        ("etcd/server.crt", "etcd's server certificate", ETCD),
        ("etcd/peer.crt", "etcd's peer certificate", ETCD),
    ] {
        let path = fleet.root(&node).join(pki).join(file);
        let whole = fs::read_to_string(&path).unwrap();
        for (content, why) in [
            ("", "holds no certificate and no key as PEM"),
            (&whole[..whole.len() / 2], "holds no certificate and no key as PEM"),
        ] {
            fs::write(&path, content).unwrap();
            let found = imported(&[("a", &survey_of(&fleet, &node))], &[]);
            let unknown = lines(&found, Subject::Unknown);
            let said = format!("{what} of {node}, {pki}/{file} ({why}): {rest}");
            assert!(unknown.contains(&said.as_str()), "{said}\n{unknown:#?}");
            let said = format!("{pki}/{file} of {node}: {why}");
            assert!(unknown.contains(&said.as_str()), "{said}\n{unknown:#?}");
        }
        fs::remove_file(&path).unwrap();
        let found = imported(&[("a", &survey_of(&fleet, &node))], &[]);
        let said = format!("{what} of {node}, {pki}/{file} (nothing is there): {rest}");
        assert!(lines(&found, Subject::Unknown).contains(&said.as_str()), "{said}\n{found:#?}");
        fs::write(&path, whole).unwrap();
    }
    // Other certificates that are broken stand in the list, too.
    for place in ["etc/kubernetes/pki/ca.crt", "var/lib/kubelet/pki/kubelet-client-current.pem"] {
        let path = fs::canonicalize(fleet.root(&node).join(place)).unwrap();
        fs::write(&path, whole.replace("MII", "!!!")).unwrap();
        let survey = survey_of(&fleet, &node);
        let target = Survey::parse(survey.as_bytes()).unwrap().leads_to(place).to_owned();
        let found = imported(&[("a", &survey)], &[]);
        let begin = format!("{target} of ");
        assert!(lines(&found, Subject::Unknown).iter().any(|line| line.starts_with(&begin)), "{begin}\n{found:#?}");
    }
}

/// etcd knows its members, whoever was surveyed.
#[test]
fn members_of_etcd_without_a_survey_are_said() {
    let manifest = "etc/kubernetes/manifests/etcd.yaml";
    let survey = format!(
        "survey = 1\n[node]\nnode_name = \"cp-3\"\nrole = \"control-plane\"\naddresses = [\"192.168.10.13\"]\n\
         [[program]]\nname = \"kube-apiserver\"\nkind = \"static-pod\"\npath = \"etc/kubernetes/manifests/kube-apiserver.yaml\"\n\
         settings = [{{ name = \"etcd-servers\", value = \"https://127.0.0.1:2379\" }}]\n\
         [[program]]\nname = \"etcd\"\nkind = \"static-pod\"\npath = \"{manifest}\"\nsettings = [{{ name = \"initial-cluster\", \
         value = \"cp-1=https://192.168.10.11:2380,cp-2=https://192.168.10.12:2380,cp-3=https://192.168.10.13:2380\" }}]\n"
    );
    let found = imported(&[("a", &survey)], &[]);
    let unknown = lines(&found, Subject::Unknown);
    for (name, address) in [("cp-1", "192.168.10.11"), ("cp-2", "192.168.10.12")] {
        let said = format!(
            "the member of etcd {name} at {address}:2380 (--initial-cluster of etcd in {manifest} of cp-3): no survey and no \
             list of nodes has it; a survey of it says the rest, and its [[node]] is a comment until then"
        );
        assert!(unknown.contains(&said.as_str()), "{said}\n{unknown:#?}");
        let node =
            format!("# [[node]]\n# name = \"{name}\"\n# role = \"control-plane\"\n# addresses = [\"{address}\"]\n");
        assert!(found.profile.contains(&node), "{}", found.profile);
    }
    assert!(!unknown.iter().any(|line| line.starts_with("the member of etcd cp-3")), "{unknown:#?}");
    let nodes =
        "kind: NodeList\nitems:\n- kind: Node\n  metadata: {name: cp-1}\n- kind: Node\n  metadata: {name: cp-2}\n";
    let found = imported(&[("a", &survey)], &[("nodes.yaml", nodes)]);
    assert!(!lines(&found, Subject::Unknown).iter().any(|line| line.starts_with("the member of etcd")), "{found:#?}");
}

/// A name that one of etcd's two certificates has is not said to be in both.
#[test]
fn server_and_peer_of_etcd_may_have_other_names() {
    let fleet = Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["cluster"].as_table_mut().unwrap().insert("etcd_cert_sans".to_owned(), vec!["etcd.lab"].into());
    }));
    let node = fleet.profile.nodes[0].name.clone();
    let plain = Fleet::of(&changed_profile("single-node", use_fast_keys));
    let peer = "etc/kubernetes/pki/etcd/peer.crt";
    fs::copy(plain.root(&node).join(peer), fleet.root(&node).join(peer)).unwrap();
    let found = imported(&[("a", &survey_of(&fleet, &node))], &[]);
    let line = format!("etcd_cert_sans = [\n  \"etcd.lab\",  # etcd's server certificate of {node}\n]\n");
    assert!(found.profile.contains(&line), "{}", found.profile);
    let said = format!(
        "etcd's server certificate of {node} alone is for DNS:etcd.lab: a bundle gives server and peer the same names, so that \
         etcd's peer certificate gets them, too"
    );
    assert!(lines(&found, Subject::Otherwise).contains(&said.as_str()), "{found:#?}");
    let parsed = profile::parse(found.profile.as_bytes()).ok().unwrap().profile;
    assert_eq!(parsed.cluster.etcd_cert_sans.len(), 1);
}

/// The list says that a CA has ended, and a build whose files are not there leads to the list.
#[test]
fn a_ca_that_has_ended_is_said_and_a_file_that_is_not_there_leads_to_the_list() {
    let fleet = Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["cluster"]["issued_at"] = toml::Value::Datetime("2020-01-01".parse().unwrap());
        let validity: toml::Table = toml::from_str("ca = \"3y\"\nleaf = \"2y\"").unwrap();
        profile.insert("validity".to_owned(), validity.into());
    }));
    let node = fleet.profile.nodes[0].name.clone();
    let (folder, name, said) = init_from(&[&fleet.root(&node)], &["--name", "old"]);
    for table in ["kubernetes", "etcd", "front-proxy"] {
        let line = format!(
            "- the CA of [ca.{table}] ended 2023-01-01T00:00:00Z: nobody believes it or what it signed; a bundle renews it, over \
             the same key (`certferry help expired`)\n"
        );
        assert!(said.contains(&line), "{line}\n{said}");
    }
    let profile = folder.path().join("out").join(format!("{name}.toml"));
    let place = folder.path().join("out/adopted/ca.crt");
    fs::remove_file(&place).unwrap();
    let first = format!(
        "error: cannot read the certificate {}: no such file or directory\nhint: the path in the profile is relative to the profile\n",
        place.display()
    );
    let list = profile.with_extension("list.txt");
    let hint = format!("hint: {} says under \"Bring\" from where to bring it\n", list.display());
    assert_eq!(fail(certferry().arg("plan").arg(&profile), 2), format!("{first}{hint}"));
    fs::remove_file(&list).unwrap();
    assert_eq!(fail(certferry().arg("plan").arg(&profile), 2), first);
}
