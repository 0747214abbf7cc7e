//! The files of whole clusters and of nodes' disks, sound and broken in every way that certferry knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use time::macros::datetime;
use walkdir::WalkDir;

use super::cases::{Case, Usage};
use crate::doctor::{Node, makers, planted};
use crate::planting::GENUINE;
use crate::planting::faults::{Judge, faults};

/// Every certificate with its key before every CA beside it, of the sound cluster and of each broken one.
pub fn cases() -> Vec<Case> {
    let [genuine, other] = &*GENUINE;
    let mut clusters = vec![("sound", genuine.clone())];
    for (_, fault) in faults(Judge::Verify) {
        let mut broken = genuine.clone();
        fault.plant(&mut broken, other);
        clusters.push((&*fault.id, broken));
    }
    let questions = clusters.iter().flat_map(|(fault, cluster)| {
        let trees = cluster.parts.values();
        let files = trees.map(|tree| tree.files.iter().map(|(path, (_, content))| (path.clone(), content.clone())));
        files.map(|files| (*fault, files.collect::<Files>())).collect::<Vec<_>>()
    });
    asked(questions)
}

/// Every certificate on the disks of nodes before every CA there: other makers' nodes, and those with a fault that doctor
/// tells.
pub fn disks() -> Vec<Case> {
    let planted = planted::nodes().map(|(flaw, node)| (flaw.rule, node));
    let lints = planted::lints().map(|(broken, _, node)| (&*broken.id, node));
    asked(makers::trees().into_iter().chain(planted).chain(lints).map(|(name, node)| (name, files(&node))))
}

/// Contents of a node's files by path.
type Files = BTreeMap<String, Vec<u8>>;

fn files(node: &Node) -> Files {
    let root = node.path("");
    let entries = WalkDir::new(&root).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let path = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| (path(entry.path()), std::fs::read(entry.path()).unwrap())).collect()
}

/// The questions about all these, each once.
fn asked(trees: impl Iterator<Item = (&'static str, Files)>) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    for (fault, files) in trees {
        for question in questions(&files) {
            if seen.insert(question.clone()) {
                let (chain, roots, key, is_server) = question;
                cases.push(Case {
                    number: u64::try_from(cases.len()).unwrap(),
                    faults: vec![fault],
                    chain,
                    roots,
                    key,
                    at: datetime!(2027-01-01 0:00 UTC),
                    usage: if is_server { Usage::Server } else { Usage::Client },
                    host: is_server.then(|| "kubernetes.default.svc".to_owned()),
                });
            }
        }
    }
    cases
}

/// A chain, trust anchors, a key, and whether it is a server's.
type Question = (String, String, String, bool);

/// Of each file with a certificate before each file with a CA: one whose name is `ca`, or ends in it.
fn questions(files: &Files) -> Vec<Question> {
    let text = |path: &str| files.get(path).map(|content| String::from_utf8_lossy(content).into_owned());
    let is_authority = |path: &&String| path.ends_with("ca.crt");
    let roots: Vec<_> = files.keys().filter(is_authority).filter_map(|path| text(path)).collect();
    let mut questions = Vec::new();
    for path in files.keys().filter(|path| path.ends_with(".crt") || path.ends_with(".pem")) {
        let chain = text(path).unwrap();
        let key = text(&path.replace(".crt", ".key")).unwrap_or_default();
        for roots in &roots {
            for is_server in [false, true] {
                questions.push((chain.clone(), roots.clone(), key.clone(), is_server));
            }
        }
    }
    questions
}
