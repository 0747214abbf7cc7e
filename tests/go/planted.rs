//! The files of whole clusters, sound and broken in every way that certferry knows.

use std::collections::{BTreeMap, BTreeSet};

use time::macros::datetime;

use super::cases::{Case, Usage};
use crate::planting::faults::{Judge, faults};
use crate::planting::{Cluster, GENUINE, PKI};

/// Every certificate with its key before every CA beside it, of the sound cluster and of each broken one.
pub fn cases() -> Vec<Case> {
    let [genuine, other] = &*GENUINE;
    let mut clusters = vec![("sound", genuine.clone())];
    for (_, fault) in faults(Judge::Verify) {
        let mut broken = genuine.clone();
        fault.plant(&mut broken, other);
        clusters.push((&*fault.id, broken));
    }
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    for (fault, cluster) in &clusters {
        for question in questions(cluster) {
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

fn questions(cluster: &Cluster) -> Vec<Question> {
    let mut questions = Vec::new();
    for tree in cluster.parts.values() {
        let files: BTreeMap<&str, &[u8]> =
            tree.files.iter().map(|(path, (_, content))| (path.as_str(), content.as_slice())).collect();
        let text = |path: &str| files.get(path).map(|content| String::from_utf8_lossy(content).into_owned());
        let roots: Vec<_> =
            ["ca", "front-proxy-ca", "etcd/ca"].iter().filter_map(|ca| text(&format!("{PKI}/{ca}.crt"))).collect();
        for path in files.keys().filter(|path| path.ends_with(".crt") || path.ends_with(".pem")) {
            let chain = text(path).unwrap();
            let key = text(&path.replace(".crt", ".key")).unwrap_or_default();
            for roots in &roots {
                for is_server in [false, true] {
                    questions.push((chain.clone(), roots.clone(), key.clone(), is_server));
                }
            }
        }
    }
    questions
}
