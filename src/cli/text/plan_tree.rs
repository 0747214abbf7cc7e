//! The plan as a tree: which CA signs what, for whom, until when, and where it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::cli::text::adoption;
use crate::cli::text::changes::Detail;
use crate::cli::text::node_names;
use crate::kubernetes::KeyId;
use crate::plan::{Plan, PlannedCertificate, PlannedContent, PlannedFile, Recipient};

/// The most nodes in a row with the same certificates that are listed one by one.
const ALONE: usize = 3;

/// Returns the tree below a head line. Of each CA, what people and the cluster get comes before the nodes.
/// [`Detail::Full`] adds alternative names and lists every node.
pub(crate) fn render(plan: &Plan<'_>, detail: Detail) -> String {
    let verbose = detail == Detail::Full;
    let nodes = plan.recipients.iter().filter(|recipient| matches!(recipient, Recipient::Node(_))).count();
    let mut text = format!(
        "{}, generation {}, Kubernetes {}: {} certificates, {} keys, {nodes} {}\n",
        plan.cluster,
        plan.generation,
        plan.kubernetes,
        plan.certificates.len(),
        plan.keys.len(),
        if nodes == 1 { "node" } else { "nodes" },
    );
    let files = Files::of(plan);
    let mut issued: BTreeMap<&KeyId, Vec<&PlannedCertificate>> = BTreeMap::new();
    for leaf in plan.certificates.iter().filter(|certificate| !certificate.is_ca) {
        issued.entry(&leaf.issuer).or_default().push(leaf);
    }
    for leaves in issued.values_mut() {
        leaves.sort_by_key(|leaf| (matches!(leaf.key, KeyId::Node { .. }), !leaf.is_break_glass()));
    }
    for authority in plan.certificates.iter().filter(|certificate| certificate.is_ca) {
        // Writing to a String cannot fail.
        let below =
            if authority.issuer == authority.key { String::new() } else { format!("  below {}", authority.issuer) };
        let (line, mark) = (line(authority, &[], verbose), adoption::mark(plan, authority));
        let _ = writeln!(text, "\n{}  {line}{below}{mark}", authority.key);
        let groups = groups(issued.get(&authority.key).map(Vec::as_slice).unwrap_or_default(), verbose);
        for (place, group) in groups.iter().enumerate() {
            let last = place + 1 == groups.len();
            text += &branch(group, last, &files, verbose);
        }
    }
    let certified: BTreeSet<_> = plan.certificates.iter().map(|certificate| &certificate.key).collect();
    text.push('\n');
    for key in plan.keys.iter().filter(|key| !certified.contains(&key.id)) {
        let adopted = if key.adopted.is_some() { ", adopted" } else { "" };
        let _ = writeln!(text, "{}  {}, no certificate{adopted}", key.id, key.algorithm.name());
    }
    text
}

/// The owner of some leaves: one node, one user, or several nodes that get the same.
struct Group<'a> {
    title: String,
    leaves: Vec<&'a PlannedCertificate>,
}

fn groups<'a>(leaves: &[&'a PlannedCertificate], verbose: bool) -> Vec<Group<'a>> {
    let owners: Vec<_> = leaves.chunk_by(|left, right| owner(&left.key) == owner(&right.key)).collect();
    let mut groups = Vec::new();
    for run in owners.chunk_by(|left, right| same(left, right)) {
        match run {
            [first, ..] if run.len() > ALONE && !verbose => {
                let names = node_names::ranges(run.iter().filter_map(|leaves| node(leaves)));
                let title = format!("node/{} ({} nodes)", names.join(", "), run.len());
                groups.push(Group { title, leaves: first.to_vec() });
            }
            _ => groups.extend(run.iter().map(|leaves| Group { title: title(leaves), leaves: leaves.to_vec() })),
        }
    }
    groups
}

/// Returns whether two nodes get the same from a CA, apart from their names.
fn same(left: &[&PlannedCertificate], right: &[&PlannedCertificate]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| match (&left.key, &right.key) {
            (KeyId::Node { base_name: left_name, .. }, KeyId::Node { base_name: right_name, .. }) => {
                left_name == right_name && left.validity == right.validity
            }
            _ => false,
        })
}

/// Returns the owner of a key, such as `node/cp-1` or `user/alice`.
fn owner(id: &KeyId) -> String {
    match id {
        KeyId::Node { node, .. } => format!("node/{node}"),
        other => other.to_string(),
    }
}

fn title(leaves: &[&PlannedCertificate]) -> String {
    leaves.first().map_or_else(String::new, |leaf| owner(&leaf.key))
}

fn node<'a>(leaves: &[&'a PlannedCertificate]) -> Option<&'a str> {
    match &leaves.first()?.key {
        KeyId::Node { node, .. } => Some(node),
        _ => None,
    }
}

fn branch(group: &Group<'_>, last: bool, files: &Files<'_>, verbose: bool) -> String {
    let (fork, stem) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
    if let [leaf] = group.leaves.as_slice()
        && !matches!(leaf.key, KeyId::Node { .. })
    {
        let mark = if leaf.is_break_glass() { "  BREAK-GLASS: may do everything" } else { "" };
        return format!("{fork}{}  {}{mark}\n", group.title, line(leaf, &files.with(&leaf.key), verbose));
    }
    let mut text = format!("{fork}{}\n", group.title);
    for (place, leaf) in group.leaves.iter().enumerate() {
        let fork = if place + 1 == group.leaves.len() { "└── " } else { "├── " };
        let name = match &leaf.key {
            KeyId::Node { base_name, .. } => base_name,
            _ => "",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{stem}{fork}{name:<24} {}", line(leaf, &files.with(&leaf.key), verbose));
    }
    text
}

/// Returns a line such as `CN=kube-apiserver  rsa-2048  until 2225-11-22  etc/kubernetes/pki/apiserver.crt`.
fn line(certificate: &PlannedCertificate, files: &[String], verbose: bool) -> String {
    let mut text = format!(
        "{}  {}  until {}",
        certificate.subject,
        certificate.algorithm.name(),
        certificate.validity.not_after.date()
    );
    if !files.is_empty() {
        text += &format!("  {}", files.join(" "));
    }
    if verbose && !certificate.alt_names.is_empty() {
        let names: Vec<_> = certificate.alt_names.iter().map(ToString::to_string).collect();
        text += &format!("  [{}]", names.join(", "));
    }
    text
}

/// The files of a plan.
struct Files<'a> {
    plan: &'a Plan<'a>,
    nodes: BTreeMap<&'a str, Recipient<'a>>,
    /// The cluster's files are many and are looked through for every user.
    cluster: BTreeMap<KeyId, Vec<String>>,
}

impl<'a> Files<'a> {
    fn of(plan: &'a Plan<'a>) -> Self {
        let nodes = plan.recipients.iter().filter_map(|recipient| match recipient {
            Recipient::Node(node) => Some((node.name.as_str(), *recipient)),
            Recipient::Cluster => None,
        });
        let mut cluster: BTreeMap<KeyId, Vec<String>> = BTreeMap::new();
        for file in plan.files(Recipient::Cluster) {
            if let Some(id) = certified(&file) {
                cluster.entry(id.clone()).or_default().push(file.path);
            }
        }
        Self { plan, nodes: nodes.collect(), cluster }
    }

    /// Returns the paths of the files that hold the certificate of a key.
    fn with(&self, id: &KeyId) -> Vec<String> {
        let KeyId::Node { node, .. } = id else { return self.cluster.get(id).cloned().unwrap_or_default() };
        let files = self.nodes.get(&**node).map(|recipient| self.plan.files(*recipient)).unwrap_or_default();
        files.into_iter().filter(|file| certified(file) == Some(id)).map(|file| file.path).collect()
    }
}

/// Returns the id of the key whose certificate is in a file.
fn certified(file: &PlannedFile) -> Option<&KeyId> {
    match &file.content {
        PlannedContent::Certificate(id) | PlannedContent::CertificateAndKey(id) => Some(id),
        PlannedContent::Chain(chain) => chain.certificates.first(),
        PlannedContent::Kubeconfig(kubeconfig) => kubeconfig.embedded(),
        _ => None,
    }
}
