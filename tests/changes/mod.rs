//! A change of the profile changes exactly what it should: `plan` says before which files that will be and why, `build`
//! says the same, and every other file of the bundle stays byte for byte.

mod addons;
mod restarts;

use crate::common;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::LazyLock;

use crate::common::desk::Desk;
use certferry::bundle::Sha256;
use certferry::lock::Lock;
use serde_json::Value as Json;
use toml::{Table, Value};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";

/// What stands at a place on the disk: mode, and the content of a file or the target of a link.
type Entry = (u32, Vec<u8>);
/// Part, path below its tree, entry.
type Trees = BTreeMap<(String, String), Entry>;

/// A bundle, unpacked, with its lock.
struct Built {
    lock: String,
    archive: Vec<u8>,
    public_key: Vec<u8>,
    trees: Trees,
    /// Records by part.
    records: BTreeMap<String, String>,
}

/// The profile that all cases begin with: three control planes, three workers, a user and an etcd client.
fn profile(version: &str) -> Table {
    let text = common::changed_profile("ha-stacked-etcd", |profile| {
        common::use_fast_keys(profile);
        profile["keys"]["ca"] = "ecdsa-p256".into();
        profile["cluster"]["kubernetes"] = version.into();
        // kubeadm before 1.26 may join with no other.
        if version < "1.26" {
            profile["keys"]["service_account"] = "rsa-2048".into();
        }
    });
    text.parse().unwrap()
}

const VERSION: &str = "1.33.11";
static BASE: LazyLock<Built> = LazyLock::new(|| first_build(&profile(VERSION)));

fn first_build(profile: &Table) -> Built {
    let desk = Desk::new();
    desk.write("lab.toml", profile.to_string());
    desk.succeed(BUILD);
    read(&desk, 1)
}

fn read(desk: &Desk, generation: u32) -> Built {
    let name = format!("out/prod-1-g{generation}.tar.gz");
    let archive = desk.path(&name);
    let folder = tempfile::tempdir().unwrap();
    common::succeed(common::tool("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()));
    let top = folder.path().join(format!("prod-1-g{generation}"));
    let lock = desk.text("lab.lock.toml");
    let (mut trees, mut records) = (Trees::new(), BTreeMap::new());
    for part in Lock::parse(lock.as_bytes()).unwrap().parts {
        let name = part.part.to_string();
        let tree = name.replacen("node/", "nodes/", 1);
        for path in common::files(&top.join(&tree)) {
            let entry = entry(&top.join(&tree).join(&path));
            trees.insert((name.clone(), path), entry);
        }
        records.insert(name, fs::read_to_string(top.join(format!("{tree}.json"))).unwrap());
    }
    // Nothing lies in the bundle but the index, and for each part a record, its signature and a tree.
    assert_eq!(common::files(&top).len(), 2 + 2 * records.len() + trees.len());
    Built { lock, archive: desk.read(&name), public_key: desk.read("out/prod-1.pub"), trees, records }
}

fn entry(path: &Path) -> Entry {
    let metadata = fs::symlink_metadata(path).unwrap();
    let content = match metadata.is_symlink() {
        true => fs::read_link(path).unwrap().into_os_string().into_encoded_bytes(),
        false => fs::read(path).unwrap(),
    };
    (metadata.mode(), content)
}

/// A change and what must come of it.
struct Case<'a> {
    before: &'a Built,
    after: Table,
    /// Words for the build, where it would be refused otherwise.
    words: &'a str,
    /// Of each record's head: text before and after. The generation is always among it.
    heads: Vec<(String, String)>,
}

/// What was seen.
struct Seen {
    /// Under the heading `since the lock`, of plan and build alike.
    said: String,
    /// `node/cp-1 etc/kubernetes/admin.conf` for each file that is new or other.
    files: BTreeSet<String>,
    /// Likewise those that are gone.
    gone: BTreeSet<String>,
    /// The ids of certificates that are new or other.
    certificates: BTreeSet<String>,
}

/// The change, in the next generation of the base.
fn change(change: impl FnOnce(&mut Table)) -> Seen {
    change_of(&BASE, profile(VERSION), "", change)
}

/// The change of a profile that was built before.
fn change_of(before: &Built, profile: Table, words: &str, change: impl FnOnce(&mut Table)) -> Seen {
    let mut after = profile;
    change(&mut after);
    Case { before, after, words, heads: vec![] }.see()
}

/// The move from one version to another.
fn upgrade(from: &str, to: &str, words: &str) -> Seen {
    let head = |version: &str| format!("\"kubernetes\": \"{version}\"");
    let before = first_build(&profile(from));
    Case { before: &before, after: profile(to), words, heads: vec![(head(from), head(to))] }.see()
}

impl Case<'_> {
    /// Plans, builds, and holds what was predicted against what came.
    fn see(mut self) -> Seen {
        self.after["cluster"].as_table_mut().unwrap().insert("generation".to_owned(), 2.into());
        self.heads.push(("\"generation\": 1".to_owned(), "\"generation\": 2".to_owned()));
        let desk = Desk::new();
        desk.write("lab.toml", self.after.to_string());
        desk.write("lab.lock.toml", &self.before.lock);
        let before = desk.state();
        let plan: Json = serde_json::from_str(&desk.succeed("plan lab.toml -o json")).unwrap();
        let planned = desk.succeed("plan lab.toml");
        assert!(desk.state() == before, "a plan writes nothing");
        let built = desk.succeed(&format!("{BUILD}{}", self.words));
        let after = read(&desk, 2);

        let (files, gone) = differing(&self.before.trees, &after.trees);
        let predicted = |list: &str| effects(&plan, |effect| effect[list].as_array().unwrap());
        assert_eq!(predicted("files"), files, "files that plan names, and those that came");
        assert_eq!(predicted("removed"), gone, "files that plan says will go, and those that went");
        let certificates = self.check_ids(&plan, &after);
        self.check_diff(&desk, &plan, (&files, &gone));
        self.check_records(&after, files.union(&gone).map(|file| file.split_once(' ').unwrap().0).collect());

        let since = |text: &str| {
            let said = text.split_once("\nsince the lock:\n").unwrap().1;
            said.split("\na build would be refused:\n").next().unwrap().to_owned()
        };
        assert_eq!(planned.contains("a build would be refused:"), !self.words.is_empty(), "{planned}");
        assert_eq!(since(&planned), since(&built), "plan and build say the same");
        check_words(&plan, &since(&planned));
        Seen { said: since(&planned), files, gone, certificates }
    }

    /// The ids under `changes` are exactly those whose rows in the locks differ; returns those of certificates.
    fn check_ids(&self, plan: &Json, after: &Built) -> BTreeSet<String> {
        let locks = [&self.before.lock, &after.lock].map(|text| Lock::parse(text.as_bytes()).unwrap());
        let keys = locks
            .each_ref()
            .map(|lock| lock.keys.iter().map(|row| (row.id.to_string(), row.spki_sha256)).collect::<BTreeMap<_, _>>());
        let certificates = locks.each_ref().map(|lock| {
            lock.certificates.iter().map(|row| (row.id.to_string(), row.certificate_sha256)).collect::<BTreeMap<_, _>>()
        });
        let others = |[before, after]: &[BTreeMap<String, Sha256>; 2]| -> BTreeSet<String> {
            before.keys().chain(after.keys()).filter(|id| before.get(*id) != after.get(*id)).cloned().collect()
        };
        let (keys, certificates) = (others(&keys), others(&certificates));
        let ids: BTreeSet<_> = plan["changes"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect();
        let of_files =
            |id: &&String| locks.iter().flat_map(|lock| &lock.parts).any(|part| is_below(id, &part.part.to_string()));
        let (files, ids): (Vec<_>, Vec<_>) = ids.iter().partition(of_files);
        assert_eq!(ids.into_iter().cloned().collect::<BTreeSet<_>>(), keys.union(&certificates).cloned().collect());
        let all = effects(plan, |effect| effect["files"].as_array().unwrap());
        let all: BTreeSet<_> =
            all.union(&effects(plan, |effect| effect["removed"].as_array().unwrap())).cloned().collect();
        for id in files {
            assert!(all.iter().any(|file| file.replace(' ', "/") == *id), "{id} changes, and is no file");
        }
        certificates
    }

    /// `diff` of both bundles, which knows neither profile nor lock, finds the same.
    fn check_diff(&self, desk: &Desk, plan: &Json, (files, gone): (&BTreeSet<String>, &BTreeSet<String>)) {
        desk.write("before.tar.gz", &self.before.archive);
        desk.write("before.pub", &self.before.public_key);
        let line = "diff before.tar.gz out/prod-1-g2.tar.gz --key before.pub --key out/prod-1.pub -o json";
        let ended = desk.run(line);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let diff: Json = serde_json::from_str(&ended.stdout).unwrap();
        let is_link = |file: &&String| file.ends_with("kubelet-client-current.pem");
        for (list, expected) in [("files", files), ("removed", gone)] {
            let found = effects(&diff, |effect| effect[list].as_array().unwrap());
            assert_eq!(found, expected.iter().filter(|file| !is_link(file)).cloned().collect(), "{list}");
        }
        let restarts = |document: &Json| {
            let rows = document["effects"].as_array().unwrap().iter();
            let rows = rows.map(|row| (text(&row["part"]), row["restarts"].clone(), row["reloads"].clone()));
            rows.filter(|(_, restarts, reloads)| restarts != &Json::Array(vec![]) || reloads != &Json::Array(vec![]))
                .map(|row| format!("{row:?}"))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(restarts(&diff), restarts(plan));
        for key in ["new_bindings", "cuts_off_cert_manager"] {
            assert_eq!(diff.get(key), plan.get(key), "{key}");
        }
        // Where nothing but the version is another in it, both say so.
        let of_version = |document: &Json| {
            let mut rows = document["changes"].as_array().unwrap().iter();
            let row = rows.find(|row| row["id"] == "cluster/kubeadm/init.yaml");
            row.filter(|row| row["reasons"][0].as_str().is_some_and(|reason| reason.starts_with("Kubernetes ")))
                .cloned()
        };
        assert_eq!(of_version(&diff), of_version(plan));
        // What MetalLB, webhooks and cert-manager get stands in manifests, of which a bundle does not say whose they are.
        let ids = |document: &Json| {
            let rows = document["changes"].as_array().unwrap().iter();
            let ids = rows.map(|row| (text(&row["id"]), text(&row["change"])));
            let kinds = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "sa", "node/", "user/", "etcd-client/"];
            let is_key = |id: &str| !["/etc/", "/var/"].iter().any(|folder| id.contains(folder));
            ids.filter(|(id, _)| is_key(id) && kinds.iter().any(|kind| id.starts_with(kind))).collect::<BTreeSet<_>>()
        };
        assert_eq!(ids(&diff), ids(plan));
    }

    /// Records of other parts differ in their heads alone.
    fn check_records(&self, after: &Built, touched: BTreeSet<&str>) {
        for (part, record) in &self.before.records {
            if touched.contains(part.as_str()) {
                continue;
            }
            let expected = self.heads.iter().fold(record.clone(), |record, (before, after)| {
                assert_eq!(record.matches(before.as_str()).count(), 1, "{before}");
                record.replace(before, after)
            });
            assert_eq!(after.records.get(part), Some(&expected), "{part}");
        }
    }
}

/// Each reason and each restart of the JSON stands in the text once, and nothing else does.
fn check_words(plan: &Json, said: &str) {
    let mut told: Vec<_> = said.lines().flat_map(unfolded).collect();
    let joined = |list: &Json, by| list.as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(by);
    for row in plan["changes"].as_array().unwrap() {
        let sign = match row["change"].as_str().unwrap() {
            "added" => '+',
            "changed" => '~',
            "removed" => '-',
            other => panic!("{other}"),
        };
        let line = format!("  {sign} {}  {}", text(&row["id"]), joined(&row["reasons"], "; "));
        let place = told.iter().position(|said| *said == line.trim_end());
        told.remove(place.unwrap_or_else(|| panic!("{line} is not in\n{said}")));
    }
    let is_of_head = |line: &String| {
        line.contains(", in every record") || line.contains("in the part cluster") || line.contains("is needed now")
    };
    told.retain(|line| ["  + ", "  ~ ", "  - "].iter().any(|sign| line.starts_with(sign)) && !is_of_head(line));
    assert!(told.is_empty(), "{told:?}");
    for effect in plan["effects"].as_array().unwrap() {
        let (part, restarts) = (text(&effect["part"]), joined(&effect["restarts"], ", "));
        let node = part.trim_start_matches("node/");
        let nodes = said.lines().find_map(|line| line.strip_prefix(&format!("  {restarts}  on ")));
        let is_told = nodes.is_some_and(|nodes| nodes.split(", ").flat_map(unfolded).any(|told| told == node));
        assert_eq!(is_told, !restarts.is_empty(), "{part}: {restarts}\n{said}");
    }
}

/// A line for each node of a row: `cp-[1..3]` stands for `cp-1`, `cp-2` and `cp-3`.
fn unfolded(line: &str) -> Vec<String> {
    let row = line.split_once('[').and_then(|(before, rest)| {
        let (row, after) = rest.split_once(']')?;
        let (first, last) = row.split_once("..")?;
        Some((before, first.parse::<u32>().ok()?, last.parse::<u32>().ok()?, after))
    });
    match row {
        Some((before, first, last, after)) => (first..=last).map(|number| format!("{before}{number}{after}")).collect(),
        None => vec![line.to_owned()],
    }
}

/// Whether an id is that of a change of a file: no key id begins with the folders of a tree.
fn is_below(id: &str, part: &str) -> bool {
    let path = id.strip_prefix(part).and_then(|rest| rest.strip_prefix('/'));
    path.is_some_and(|path| part == "cluster" || path.starts_with("etc/") || path.starts_with("var/"))
}

fn text(value: &Json) -> String {
    value.as_str().unwrap().to_owned()
}

fn effects<'a>(plan: &'a Json, list: impl Fn(&'a Json) -> &'a Vec<Json>) -> BTreeSet<String> {
    let of_part =
        |effect: &'a Json| list(effect).iter().map(|path| format!("{} {}", text(&effect["part"]), text(path)));
    plan["effects"].as_array().unwrap().iter().flat_map(of_part).collect()
}

/// What is new or other, and what is gone.
fn differing(before: &Trees, after: &Trees) -> (BTreeSet<String>, BTreeSet<String>) {
    let name = |(part, path): &(String, String)| format!("{part} {path}");
    let new = after.iter().filter(|(place, entry)| before.get(*place) != Some(*entry));
    let gone = before.keys().filter(|place| !after.contains_key(*place));
    (new.map(|(place, _)| name(place)).collect(), gone.map(name).collect())
}

/// These files of each of these parts, as [`Seen`] has them; the profile, which always changes, among them.
fn expected(rows: &[(&[&str], &[&str])]) -> BTreeSet<String> {
    let of_row = |(parts, paths): &(&[&str], &[&str])| {
        let files = |part: &&str| paths.iter().map(|path| format!("{part} {path}")).collect::<Vec<_>>();
        parts.iter().flat_map(files).collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).chain(["cluster profile.toml".to_owned()]).collect()
}

const CONTROL_PLANES: &[&str] = &["node/cp-1", "node/cp-2", "node/cp-3"];
const WORKERS: &[&str] = &["node/worker-1", "node/worker-2", "node/worker-3"];
/// What kubeadm is told of the cluster.
const INIT: &str = "kubeadm/init.yaml";
const STORE: &str = "var/lib/kubelet/pki/kubelet-client-2020-01-01-00-00-00.pem";

impl Seen {
    /// Exactly these files are new or other, none is gone, and exactly this was said before and after.
    #[track_caller]
    fn assert(&self, files: &[(&[&str], &[&str])], said: &str) {
        assert_eq!(self.files, expected(files));
        assert_eq!(self.gone, BTreeSet::new());
        self.assert_said(said);
    }

    /// After the two lines that each case has.
    #[track_caller]
    fn assert_said(&self, said: &str) {
        let head = "  ~ generation 1 -> 2, in every record\n  ~ the profile, in the part cluster\n";
        assert_eq!(self.said.strip_prefix(head), Some(said), "{}", self.said);
    }

    #[track_caller]
    fn assert_certificates(&self, ids: &[&str]) {
        assert_eq!(self.certificates.iter().map(String::as_str).collect::<Vec<_>>(), ids);
    }
}

/// Sets a value in a table of the profile, which may be missing: `bundle.signer_generation`, `node.0.generation`.
fn set(profile: &mut Table, place: &str, value: impl Into<Value>) {
    let (tables, key) = place.rsplit_once('.').unwrap();
    let mut tables = tables.split('.');
    let first = profile.entry(tables.next().unwrap()).or_insert_with(|| Table::new().into());
    let table = tables.fold(first, |value, name| match value {
        Value::Array(rows) => &mut rows[name.parse::<usize>().unwrap()],
        Value::Table(table) => table.entry(name).or_insert_with(|| Table::new().into()),
        other => panic!("{place}: {other}"),
    });
    table.as_table_mut().unwrap().insert(key.to_owned(), value.into());
}

fn table(text: &str) -> Value {
    Value::Table(text.parse().unwrap())
}

const NOTHING: &str = "  no key, no certificate and no kubeconfig changes\n";

#[test]
fn the_same_profile_in_another_form_changes_itself_alone() {
    let seen = change(|_| ());
    seen.assert(&[], NOTHING);
    seen.assert_certificates(&[]);
}

#[test]
fn a_node_more_changes_no_other() {
    let seen = change(|profile| {
        let node = table("name = 'worker-4'\nrole = 'worker'\naddresses = ['192.168.1.24']");
        profile["node"].as_array_mut().unwrap().push(node);
    });
    let link = "var/lib/kubelet/pki/kubelet-client-current.pem";
    let pki = ["var/lib/kubelet/pki/kubelet.crt", "var/lib/kubelet/pki/kubelet.key", STORE, link];
    let files = [&["etc/kubernetes/kubelet.conf", "etc/kubernetes/pki/ca.crt"][..], &pki].concat();
    seen.assert(&[(&["node/worker-4"], &files)], "  + node/worker-4/kubelet\n  + node/worker-4/kubelet-client\n");
    seen.assert_certificates(&["node/worker-4/kubelet", "node/worker-4/kubelet-client"]);
}

#[test]
fn a_node_less_changes_no_other() {
    let seen = change(|profile| drop(profile["node"].as_array_mut().unwrap().remove(4)));
    seen.assert_said("  - node/worker-2/kubelet\n  - node/worker-2/kubelet-client\n");
    assert_eq!(seen.files, expected(&[]));
    let of_node = BASE.trees.keys().filter(|(part, _)| part == "node/worker-2");
    assert_eq!(seen.gone, of_node.map(|(part, path)| format!("{part} {path}")).collect());
}

#[test]
fn a_name_of_the_api_server_changes_its_certificates() {
    let seen = change(|profile| {
        profile["cluster"]["apiserver_cert_sans"].as_array_mut().unwrap().push("vip.corp.internal".into());
    });
    seen.assert(
        &[(CONTROL_PLANES, &["etc/kubernetes/pki/apiserver.crt"]), (&["cluster"], &[INIT])],
        "\
\x20 ~ cluster/kubeadm/init.yaml  content SANs 192.168.1.100,k8s.corp.example -> SANs \
         192.168.1.100,k8s.corp.example,vip.corp.internal
  ~ node/cp-[1..3]/apiserver  alternative names +DNS:vip.corp.internal

to restart when it is installed:
  nothing  on cp-[1..3]: kube-apiserver reads the two files again within a minute; after install.sh, restart it

to hand out from the part cluster:
  kubeadm/init.yaml
",
    );
    seen.assert_certificates(&["node/cp-1/apiserver", "node/cp-2/apiserver", "node/cp-3/apiserver"]);
}

#[test]
fn a_name_of_a_control_plane_changes_what_it_serves_with() {
    let seen =
        change(|profile| profile["node"][0]["dns_names"].as_array_mut().unwrap().push("one.corp.internal".into()));
    let pki = ["apiserver.crt", "etcd/peer.crt", "etcd/server.crt"].map(|name| format!("etc/kubernetes/pki/{name}"));
    seen.assert(
        &[(&["node/cp-1"], &[&pki[0], &pki[1], &pki[2], "var/lib/kubelet/pki/kubelet.crt"])],
        "\
\x20 ~ node/cp-1/apiserver  alternative names +DNS:one.corp.internal
  ~ node/cp-1/etcd/peer  alternative names +DNS:one.corp.internal
  ~ node/cp-1/etcd/server  alternative names +DNS:one.corp.internal
  ~ node/cp-1/kubelet  alternative names +DNS:one.corp.internal

to restart when it is installed:
  etcd, kube-apiserver, kubelet  on cp-1
",
    );
}

#[test]
fn a_name_or_address_of_a_worker_changes_what_its_kubelet_serves_with() {
    let restart = "\nto restart when it is installed:\n  kubelet  on worker-1\n";
    let seen = change(|profile| set(profile, "node.3.dns_names", vec!["w1.corp.internal"]));
    let files: &[(&[&str], &[&str])] = &[(&["node/worker-1"], &["var/lib/kubelet/pki/kubelet.crt"])];
    seen.assert(files, &format!("  ~ node/worker-1/kubelet  alternative names +DNS:w1.corp.internal\n{restart}"));
    seen.assert_certificates(&["node/worker-1/kubelet"]);
    let seen = change(|profile| set(profile, "node.3.addresses", vec!["192.168.1.99"]));
    let names = "alternative names +IP:192.168.1.99 -IP:192.168.1.21";
    seen.assert(files, &format!("  ~ node/worker-1/kubelet  {names}\n{restart}"));
}

#[test]
fn a_worker_in_the_next_generation_gets_its_own_keys_anew() {
    let seen = change(|profile| set(profile, "node.3.generation", 2));
    seen.assert(
        &[(&["node/worker-1"], &["var/lib/kubelet/pki/kubelet.crt", "var/lib/kubelet/pki/kubelet.key", STORE])],
        "\
\x20 ~ node/worker-1/kubelet  generation 1 -> 2
  ~ node/worker-1/kubelet-client  generation 1 -> 2

to restart when it is installed:
  kubelet  on worker-1
",
    );
}

#[test]
fn a_control_plane_in_the_next_generation_gets_its_own_keys_anew() {
    let seen = change(|profile| set(profile, "node.1.generation", 2));
    // What it shares with others stays: CAs, the service-account pair, and the kubeconfig that names a file.
    let shared = |path: &str| {
        let name = path.rsplit('/').next().unwrap();
        ["ca", "sa", "front-proxy-ca"].contains(&name.split('.').next().unwrap()) || name == "kubelet.conf"
    };
    let is_link = |path: &str| path.ends_with("kubelet-client-current.pem");
    let own = BASE.trees.keys().filter(|(part, path)| part == "node/cp-2" && !shared(path) && !is_link(path));
    let own: Vec<_> = own.map(|(_, path)| path.as_str()).collect();
    assert_eq!(own.len(), 20);
    let ids: Vec<_> = lock_ids(&BASE, |row| row.id.to_string().starts_with("node/cp-2/"));
    assert_eq!(ids.len(), 12);
    let lines: String = ids.iter().map(|id| format!("  ~ {id}  generation 1 -> 2\n")).collect();
    let all = "etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet";
    seen.assert(&[(&["node/cp-2"], &own)], &format!("{lines}\nto restart when it is installed:\n  {all}  on cp-2\n"));
    assert_eq!(seen.certificates, ids.into_iter().collect());
}

/// The ids of certificates in a lock, in order.
fn lock_ids(built: &Built, is_wanted: impl Fn(&certferry::lock::LockedCertificate) -> bool) -> Vec<String> {
    let certificates = Lock::parse(built.lock.as_bytes()).unwrap().certificates;
    certificates.into_iter().filter(|row| is_wanted(row)).map(|row| row.id.to_string()).collect()
}

/// A new CA: itself, what it issued with the same keys, and every file that holds its certificate.
fn authority(name: &str, subject: &str, leaves: &[&str], restarts: &str, files: &[(&[&str], &[&str])]) {
    let seen = change(|profile| set(profile, &format!("ca.{name}.generation"), 2));
    let id = format!("ca/{name}");
    let issued = lock_ids(&BASE, |row| &*row.issuer == subject && row.id.to_string() != id);
    let lines: String = leaves.iter().map(|leaf| format!("  ~ {leaf}  the key of {id} is another\n")).collect();
    seen.assert(files, &format!("  ~ {id}  generation 1 -> 2\n{lines}{restarts}"));
    assert_eq!(seen.certificates, issued.into_iter().chain([id]).collect());
}

#[test]
fn the_next_generation_of_the_kubernetes_ca_reaches_every_node() {
    let pki = |name: &str| format!("etc/kubernetes/pki/{name}");
    let shared = ["etc/kubernetes/kubelet.conf", &pki("ca.crt"), STORE, "var/lib/kubelet/pki/kubelet.crt"];
    let (leaf, client, key) = (pki("apiserver.crt"), pki("apiserver-kubelet-client.crt"), pki("ca.key"));
    let confs = ["admin", "controller-manager", "scheduler"].map(|name| format!("etc/kubernetes/{name}.conf"));
    authority(
        "kubernetes",
        "CN=kubernetes",
        &[
            "user/alice",
            "node/cp-[1..3]/admin.conf",
            "node/cp-[1..3]/apiserver",
            "node/cp-[1..3]/apiserver-kubelet-client",
            "node/cp-[1..3]/controller-manager.conf",
            "node/cp-[1..3]/kubelet",
            "node/worker-[1..3]/kubelet",
            "node/cp-[1..3]/kubelet-client",
            "node/worker-[1..3]/kubelet-client",
            "node/cp-[1..3]/scheduler.conf",
            "node/cp-1/super-admin.conf",
        ],
        "
to restart when it is installed:
  kube-apiserver, kube-controller-manager, kube-scheduler, kubelet  on cp-[1..3]
  kubelet  on worker-[1..3]

to hand out from the part cluster:
  users/alice.conf
",
        &[
            (WORKERS, &shared),
            (CONTROL_PLANES, &shared),
            (CONTROL_PLANES, &[&leaf, &client, &key, &confs[0], &confs[1], &confs[2]]),
            (&["node/cp-1"], &["etc/kubernetes/super-admin.conf"]),
            (&["cluster"], &["users/alice.conf"]),
        ],
    );
}

#[test]
fn the_next_generation_of_the_etcd_ca_stays_on_control_planes() {
    let names = ["ca.crt", "ca.key", "healthcheck-client.crt", "peer.crt", "server.crt"];
    let etcd = names.map(|name| format!("etc/kubernetes/pki/etcd/{name}"));
    authority(
        "etcd",
        "CN=etcd-ca",
        &[
            "etcd-client/backup",
            "node/cp-[1..3]/apiserver-etcd-client",
            "node/cp-[1..3]/etcd/healthcheck-client",
            "node/cp-[1..3]/etcd/peer",
            "node/cp-[1..3]/etcd/server",
        ],
        "
to restart when it is installed:
  etcd, kube-apiserver  on cp-[1..3]

to hand out from the part cluster:
  etcd-clients/backup/ca.crt, etcd-clients/backup/client.crt
",
        &[
            (CONTROL_PLANES, &etcd.each_ref().map(String::as_str)),
            (CONTROL_PLANES, &["etc/kubernetes/pki/apiserver-etcd-client.crt"]),
            (&["cluster"], &["etcd-clients/backup/ca.crt", "etcd-clients/backup/client.crt"]),
        ],
    );
}

#[test]
fn the_next_generation_of_the_front_proxy_ca_stays_on_control_planes() {
    let names = ["ca.crt", "ca.key", "client.crt"].map(|name| format!("etc/kubernetes/pki/front-proxy-{name}"));
    authority(
        "front-proxy",
        "CN=front-proxy-ca",
        &["node/cp-[1..3]/front-proxy-client"],
        "\nto restart when it is installed:\n  kube-apiserver, kube-controller-manager  on cp-[1..3]\n",
        &[(CONTROL_PLANES, &names.each_ref().map(String::as_str))],
    );
}

#[test]
fn the_next_generation_of_the_service_account_key_changes_no_certificate() {
    let seen = change(|profile| set(profile, "service_account.generation", 2));
    seen.assert(
        &[(CONTROL_PLANES, &["etc/kubernetes/pki/sa.key", "etc/kubernetes/pki/sa.pub"])],
        "\
\x20 ~ sa  generation 1 -> 2

to restart when it is installed:
  kube-apiserver, kube-controller-manager  on cp-[1..3]
",
    );
    seen.assert_certificates(&[]);
}

#[test]
fn the_next_signer_changes_no_file() {
    let seen = change(|profile| set(profile, "bundle.signer_generation", 2));
    seen.assert(&[], "  ~ bundle-signer  generation 1 -> 2\n");
}

#[test]
fn the_next_generation_of_a_client_changes_the_cluster_part_alone() {
    let hand_out = |lines: &str, files: &str| format!("{lines}\nto hand out from the part cluster:\n  {files}\n");
    let seen = change(|profile| set(profile, "user.0.generation", 2));
    let said = hand_out("  ~ user/alice  generation 1 -> 2\n", "users/alice.conf");
    seen.assert(&[(&["cluster"], &["users/alice.conf"])], &said);
    let pair = ["etcd-clients/backup/client.crt", "etcd-clients/backup/client.key"];
    let seen = change(|profile| set(profile, "etcd_client.0.generation", 2));
    let said = hand_out("  ~ etcd-client/backup  generation 1 -> 2\n", &pair.join(", "));
    seen.assert(&[(&["cluster"], &pair)], &said);
    // Another date: another certificate for the same key.
    let date = || Value::Datetime("2021-01-01".parse().unwrap());
    let seen = change(|profile| set(profile, "etcd_client.0.issued_at", date()));
    let said = hand_out(
        "  ~ etcd-client/backup  issued_at 2020-01-01 -> 2021-01-01; start of validity 2019-12-31T00:00:00Z -> \
         2020-12-31T00:00:00Z; end of validity 2170-01-01T00:00:00Z -> 2171-01-01T00:00:00Z\n",
        pair[0],
    );
    seen.assert(&[(&["cluster"], &pair[..1])], &said);
}

#[test]
fn another_date_of_a_node_renames_the_kubelets_store() {
    let seen = change(|profile| set(profile, "node.3.issued_at", Value::Datetime("2021-01-01".parse().unwrap())));
    let names = ["client-2021-01-01-00-00-00.pem", "client-current.pem"];
    let store = names.map(|name| format!("var/lib/kubelet/pki/kubelet-{name}"));
    let files: &[(&[&str], &[&str])] =
        &[(&["node/worker-1"], &[&store[0], &store[1], "var/lib/kubelet/pki/kubelet.crt"])];
    assert_eq!(seen.files, expected(files));
    assert_eq!(seen.gone, [format!("node/worker-1 {STORE}")].into());
    let ending = format!(
        "
to restart when it is installed:
  kubelet  on worker-1

no longer in the bundle, to be deleted where it was installed:
  {STORE}  on worker-1
"
    );
    assert!(seen.said.ends_with(&ending), "{}", seen.said);
    seen.assert_certificates(&["node/worker-1/kubelet", "node/worker-1/kubelet-client"]);
}

/// Kubernetes 1.33.12 asks for another client certificate than 1.33.11: a patch level moves certificates.
#[test]
fn a_patch_level_changes_what_it_asks_for() {
    let seen = upgrade("1.33.11", "1.33.12", "");
    let files: &[(&[&str], &[&str])] = &[
        (CONTROL_PLANES, &["etc/kubernetes/pki/apiserver-kubelet-client.crt"]),
        (&["cluster"], &["manifests/kubeadm-rbac.yaml", INIT]),
    ];
    assert_eq!(seen.files, expected(files));
    assert_eq!(
        seen.said,
        "\
\x20 ~ generation 1 -> 2, in every record
  ~ Kubernetes 1.33.11 -> 1.33.12, in every record
  ~ the profile, in the part cluster
  + the ClusterRoleBinding kubeadm:apiserver-kubelet-client is needed now: create it before the new files are installed
  ~ cluster/kubeadm/init.yaml  Kubernetes 1.33.11 -> 1.33.12
  ~ cluster/manifests/kubeadm-rbac.yaml  content kubeadm:cluster-admins: ClusterRole cluster-admin for Group \
         kubeadm:cluster-admins -> kubeadm:cluster-admins: ClusterRole cluster-admin for Group kubeadm:cluster-admins; \
         kubeadm:apiserver-kubelet-client: ClusterRole system:kubelet-api-admin for User \
         kube-apiserver-kubelet-client; Kubernetes 1.33.11 -> 1.33.12
  ~ node/cp-[1..3]/apiserver-kubelet-client  subject O=kubeadm:cluster-admins, CN=kube-apiserver-kubelet-client -> \
         CN=kube-apiserver-kubelet-client; Kubernetes 1.33.11 -> 1.33.12

to restart when it is installed:
  kube-apiserver  on cp-[1..3]

to hand out from the part cluster:
  manifests/kubeadm-rbac.yaml
"
    );
}

#[test]
fn a_version_that_asks_for_nothing_else_changes_records_alone() {
    let seen = upgrade("1.33.11", "1.34.0", "");
    assert_eq!(seen.files, expected(&[(&["cluster"], &[INIT])]));
    let said = "\
\x20 ~ generation 1 -> 2, in every record
  ~ Kubernetes 1.33.11 -> 1.34.0, in every record
  ~ the profile, in the part cluster
  ~ cluster/kubeadm/init.yaml  Kubernetes 1.33.11 -> 1.34.0
";
    assert_eq!(seen.said, said);
}

/// From 1.33 on, the kubelet of a control plane talks to its own API server: no certificate tells that.
#[test]
fn a_minor_that_moves_a_kubeconfig_says_so() {
    let seen = upgrade("1.32.13", "1.33.0", "");
    assert_eq!(seen.files, expected(&[(CONTROL_PLANES, &["etc/kubernetes/kubelet.conf"]), (&["cluster"], &[INIT])]));
    let line = "  ~ node/cp-2/etc/kubernetes/kubelet.conf  server https://k8s.corp.internal:6443 -> \
                https://192.168.1.12:6443; Kubernetes 1.32.13 -> 1.33.0\n";
    assert!(seen.said.contains(line), "{}", seen.said);
    let end = "installed:\n  kubelet  on cp-[1..3]\n";
    assert!(seen.said.ends_with(end), "{}", seen.said);
}

#[test]
fn a_minor_with_another_admin_brings_the_super_admin() {
    let seen = upgrade("1.28.0", "1.29.0", "");
    let names = ["apiserver-etcd-client.crt", "apiserver-kubelet-client.crt", "etcd/healthcheck-client.crt"];
    let pki = names.map(|name| format!("etc/kubernetes/pki/{name}"));
    let files: &[(&[&str], &[&str])] = &[
        (CONTROL_PLANES, &["etc/kubernetes/admin.conf", &pki[0], &pki[1], &pki[2]]),
        (&["node/cp-1"], &["etc/kubernetes/super-admin.conf"]),
        (&["cluster"], &["manifests/kubeadm-rbac.yaml", INIT]),
    ];
    assert_eq!(seen.files, expected(files));
    assert!(seen.said.contains("  + node/cp-1/super-admin.conf  Kubernetes 1.28.0 -> 1.29.0\n"), "{}", seen.said);
}

#[test]
fn a_minor_with_other_cas_needs_a_word_and_keeps_their_leaves() {
    let seen = upgrade("1.20.0", "1.24.0", " --replace-ca");
    seen.assert_certificates(&["ca/etcd", "ca/front-proxy", "ca/kubernetes"]);
    let authorities = ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt"].map(|name| format!("etc/kubernetes/pki/{name}"));
    let confs = ["admin", "controller-manager", "scheduler"].map(|name| format!("etc/kubernetes/{name}.conf"));
    let shared = ["etc/kubernetes/kubelet.conf", &authorities[0]];
    let files: &[(&[&str], &[&str])] = &[
        (WORKERS, &shared),
        (CONTROL_PLANES, &shared),
        (CONTROL_PLANES, &[&authorities[1], &authorities[2], &confs[0], &confs[1], &confs[2]]),
        (&["cluster"], &["users/alice.conf", "etcd-clients/backup/ca.crt"]),
        // Another version of kubeadm's configuration, and another default of its kubelets.
        (&["cluster"], &[INIT, "kubeadm/join-worker.yaml", "kubeadm/kubelet.yaml"]),
        (&["cluster"], &["kubeadm/join/cp-1.yaml", "kubeadm/join/cp-2.yaml", "kubeadm/join/cp-3.yaml"]),
    ];
    assert_eq!(seen.files, expected(files));
    let line = "  ~ ca/etcd  alternative names +DNS:etcd-ca; Kubernetes 1.20.0 -> 1.24.0\n";
    assert!(seen.said.contains(line), "{}", seen.said);
}

#[test]
fn another_endpoint_or_port_is_told_for_each_kubeconfig() {
    let seen = change(|profile| set(profile, "cluster.control_plane_endpoint", "api.corp.internal:6443"));
    let moved = "server https://k8s.corp.internal:6443 -> https://api.corp.internal:6443";
    let names = "alternative names +DNS:api.corp.internal -DNS:k8s.corp.internal";
    let moved = |path: &str| format!("  ~ {path}  {moved}\n");
    let kubeconfigs = ["cp-[1..3]/etc/kubernetes/admin.conf", "cp-1/etc/kubernetes/super-admin.conf"];
    let kubeconfigs = kubeconfigs.into_iter().chain(["worker-[1..3]/etc/kubernetes/kubelet.conf"]);
    let kubeconfigs: String = kubeconfigs.map(|path| moved(&format!("node/{path}"))).collect();
    let user = moved("cluster/users/alice.conf");
    let kubeadm =
        "  ~ cluster/kubeadm/init.yaml  content endpoint k8s.corp.internal:6443 -> endpoint api.corp.internal:6443\n";
    seen.assert(
        &[
            (CONTROL_PLANES, &["etc/kubernetes/admin.conf", "etc/kubernetes/pki/apiserver.crt"]),
            (&["node/cp-1"], &["etc/kubernetes/super-admin.conf"]),
            (WORKERS, &["etc/kubernetes/kubelet.conf"]),
            (&["cluster"], &["users/alice.conf", INIT]),
        ],
        &format!(
            "{kubeadm}{user}  ~ node/cp-[1..3]/apiserver  {names}\n{kubeconfigs}
to restart when it is installed:
  kube-apiserver  on cp-[1..3]
  kubelet  on worker-[1..3]

to hand out from the part cluster:
  kubeadm/init.yaml, users/alice.conf
"
        ),
    );
    let seen = change(|profile| set(profile, "cluster.api_server_port", 7443));
    let confs = ["controller-manager", "kubelet", "scheduler"].map(|name| format!("etc/kubernetes/{name}.conf"));
    let joins = ["cp-1", "cp-2", "cp-3"].map(|name| format!("kubeadm/join/{name}.yaml"));
    let of_kubeadm = [INIT, &joins[0], &joins[1], &joins[2]];
    assert_eq!(
        seen.files,
        expected(&[(CONTROL_PLANES, &confs.each_ref().map(String::as_str)), (&["cluster"], &of_kubeadm)])
    );
    seen.assert_certificates(&[]);
}

#[test]
fn ca_keys_that_are_no_longer_shipped_are_told() {
    let seen = change(|profile| set(profile, "ca_keys.ship_to", "none"));
    let keys = ["ca.key", "etcd/ca.key", "front-proxy-ca.key"].map(|key| format!("etc/kubernetes/pki/{key}"));
    let lines = keys.each_ref().map(|key| format!("  - node/cp-[1..3]/{key}\n")).concat();
    let deleted = "no longer in the bundle, to be deleted where it was installed";
    let said = format!("{lines}\n{deleted}:\n  {}  on cp-[1..3]\n", keys.join(", "));
    seen.assert_said(&said);
    assert_eq!(seen.files, expected(&[]));
    assert_eq!(seen.gone.len(), 9);
}

/// Files come and go on a node that stays: whatever they are, plan named each.
#[test]
fn other_roles_and_other_kubelets_are_foreseen() {
    let seen = change(|profile| {
        set(profile, "node.3.role", "control-plane");
        set(profile, "node.4.role", "control-plane");
    });
    assert!(seen.said.contains("\n  + node/worker-1/etc/kubernetes/pki/etcd/ca.key\n"), "{}", seen.said);
    let joins = ["join-worker", "join/cp-1", "join/cp-2", "join/cp-3"].map(|name| format!("kubeadm/{name}.yaml"));
    let joins = joins.each_ref().map(String::as_str);
    for (kind, files) in [("client", &joins[..]), ("serving", &[])] {
        let seen = change(|profile| set(profile, &format!("kubelet.{kind}"), false));
        assert_eq!((seen.files, seen.gone.is_empty()), (expected(&[(&["cluster"], files)]), false), "{}", seen.said);
    }
}
