//! CAs whose keys are on no node: who has them builds, and who does not is told what has no signer.

use std::fs;
use std::path::Path;

use certferry::profile::{self, ShipCaKeys};

use super::Fleet;
use super::road::Road;
use crate::common::{changed_profile, use_fast_keys};

/// A cluster without a key of a CA, and the folder of a control plane that has the keys.
fn fleets() -> (Fleet, Fleet) {
    let of = |ship_to: &str| {
        Fleet::of(&changed_profile("external-ca", |profile| {
            use_fast_keys(profile);
            profile["keys"]["service_account"] = "rsa-2048".into();
            profile["ca_keys"]["ship_to"] = ship_to.into();
            profile.remove("user");
            // One of each.
            let is_first = |node: &toml::Value| node["name"].as_str().unwrap().ends_with("-1");
            profile["node"].as_array_mut().unwrap().retain(is_first);
        }))
    };
    (of("none"), of("control-plane"))
}

#[test]
fn an_external_ca_goes_all_the_way_where_its_key_is_kept() {
    let (fleet, keeper) = fleets();
    let road = Road::begin(fleet.folder.path(), &[]);
    let said = "- where the key of [ca.kubernetes], [ca.etcd], [ca.front-proxy] is kept: there a bundle is built, and no node gets \
                it. When nobody has it any more, nothing new can be signed below that CA, and a new one takes its place: `certferry \
                help rotation`\n";
    assert!(road.said.contains(said), "{}", road.said);
    let parsed = profile::parse(road.profile().as_bytes()).ok().unwrap().profile;
    assert_eq!(parsed.ship_ca_keys, ShipCaKeys::None);
    let first = &fleet.profile.nodes[0].name;
    road.end(Some(&keeper.root(first).join("etc/kubernetes/pki")));
    assert!(!road.desk.exists(&format!("new/{first}/etc/kubernetes/pki/ca.key")));
}

#[test]
fn without_the_key_a_person_is_told_what_has_no_signer() {
    let (fleet, _) = fleets();
    let road = Road::begin(fleet.folder.path(), &[]);
    let file = format!("out/{}.toml", road.name);
    let key = road.desk.path("out/adopted/ca.key");
    // A plan needs no key of a CA, but that which signs tokens.
    let first = fleet.profile.nodes[0].name.clone();
    let sa = fs::read(road.root(&first).join("etc/kubernetes/pki/sa.key")).unwrap();
    road.desk.write("out/adopted/sa.key", sa);
    road.desk.set_mode("out/adopted/sa.key", 0o600);
    assert!(road.plan().iter().all(|(word, _)| word != "not known"), "{:?}", road.plan());
    let error = format!(
        "error: cannot read the key {}: no such file or directory\nhint: the path in the profile is relative to the profile\n\
         hint: out/{}.list.txt says under \"Bring\" from where to bring it\n",
        relative(&key, &road.desk.path("")),
        road.name
    );
    road.desk.refuse(&format!("build {file} --seed lab.seed --out built"), 2, &error);

    // The certificates alone.
    let text: String = road
        .profile()
        .lines()
        .filter(|line| {
            (line.contains("sa.key") || !line.starts_with("key = \"adopted/")) && !line.starts_with("renew = ")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    road.desk.write(&file, text.replace("leaf = \"199y\"", "leaf = \"20y\""));
    let ended = road.desk.run(&format!("build {file} --seed lab.seed --out built"));
    let stderr = ended.stderr.as_str();
    assert_eq!(ended.code, Some(1), "{stderr}");
    assert_eq!(stderr, NO_SIGNER);
    assert!(!road.desk.exists("built"));
}

const NO_SIGNER: &str = "\
error: ca/kubernetes cannot sign: its certificate has another key than the one that the seed gives, and no `key` is named
below it are planned: node/vault-cp-1/apiserver, node/vault-cp-1/apiserver-kubelet-client, node/vault-cp-1/admin.conf, \
node/vault-cp-1/super-admin.conf, node/vault-cp-1/controller-manager.conf, node/vault-cp-1/scheduler.conf, \
node/vault-cp-1/kubelet-client, node/vault-cp-1/kubelet, node/vault-worker-1/kubelet-client, node/vault-worker-1/kubelet
hint: name the CA's key in `key` of [ca.kubernetes]
hint: or let whoever has the root sign a request for the key that this seed gives: `certferry csr PROFILE --ca kubernetes \
--seed FILE --out FILE`, and name what comes back in `certificate`
hint: that is a new CA, as is one that certferry makes without `certificate`: see `certferry help rotation`
";

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap().display().to_string()
}
