//! Clients that ask all the time, and what was promised to them.
//!
//! A client of phase N holds what was handed out in phase N: whom it trusts, its certificate, its token. It is understood
//! wherever the phase is N or next to it, and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;

use super::cluster::{CLIENTS, Cluster, nodes, servers};
use super::story::{Span, Story};
use crate::common::write;
use crate::kube::wait::wait_for;

/// A client and its question.
pub(super) struct Probe {
    pub(super) name: String,
    /// The phase of what it holds.
    phase: u32,
    /// The nodes of which one alone is enough for it to fail.
    nodes: Vec<&'static str>,
    /// Whether it knows one server alone, and so cannot ask another when that one fails.
    knows_one: bool,
}

/// A question and how it went; the times are nanoseconds since 1970.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    probe: String,
    error: String,
    begin: u64,
    end: u64,
}

/// What is asked of an API server, which nodes beside take part, and what the answer holds.
struct Question {
    name: &'static str,
    nodes: &'static [&'static str],
    method: &'static str,
    path: &'static str,
    body: &'static str,
    status: u16,
    contains: &'static str,
}

const OBJECT: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"any","labels":{"asked":"yes"}}}"#;
const QUESTIONS: [Question; 5] = [
    Question {
        name: "get",
        nodes: &[],
        method: "GET",
        path: "/api/v1/namespaces/default",
        body: "",
        status: 200,
        contains: "\"default\"",
    },
    // The kubelet's log files: the way of `kubectl logs`, with which no container has to run.
    Question {
        name: "logs",
        nodes: &["worker-1"],
        method: "GET",
        path: "/api/v1/nodes/worker-1/proxy/logs/",
        body: "",
        status: 200,
        contains: "kubelet.log",
    },
    // Of a pod whose container waits, the kubelet says so.
    Question {
        name: "pod-logs",
        nodes: &["worker-1"],
        method: "GET",
        path: "/api/v1/namespaces/default/pods/waits/log",
        body: "",
        status: 400,
        contains: "is waiting to start",
    },
    Question {
        name: "aggregated",
        nodes: &[],
        method: "GET",
        path: "/apis/probe.corp.internal/v1",
        body: "",
        status: 200,
        contains: "\"askedBy\":\"",
    },
    Question {
        name: "webhook",
        nodes: &[],
        method: "POST",
        path: "/api/v1/namespaces/default/configmaps?dryRun=All",
        body: OBJECT,
        status: 400,
        contains: "the webhook was asked",
    },
];
const RANGE: &str = r#"{"key":"L3JlZ2lzdHJ5L25hbWVzcGFjZXMvZGVmYXVsdA=="}"#;

/// The clients.
#[derive(Default)]
pub(super) struct Probes {
    all: Vec<Probe>,
}

impl Probes {
    /// Starts the clients that have certificates.
    pub(super) fn start(cluster: &Cluster) -> Self {
        fs::create_dir(cluster.clients.path().join("probes")).unwrap();
        let desk = cluster.desk();
        desk.serve("probe", &["ask", &format!("{CLIENTS}/probes"), "/var/log/answers"].map(str::to_owned));
        let mut probes = Self::default();
        for phase in 0..4 {
            let held = json!({
                "Authority": format!("{CLIENTS}/{phase}/ca.crt"),
                "Certificate": format!("{CLIENTS}/{phase}/client.crt"),
                "Key": format!("{CLIENTS}/{phase}/client.key"),
            });
            // Those that live through three phases see every way; the others whether they are understood.
            let questions = if [1, 2].contains(&phase) { &QUESTIONS[..] } else { &QUESTIONS[..1] };
            for question in questions {
                probes.add_to_api(cluster, phase, question, question.name, &held);
            }
            let folder = format!("{CLIENTS}/{phase}/etcd");
            let file = |name: &str| format!("{folder}/{name}");
            let held =
                json!({ "Authority": file("ca.crt"), "Certificate": file("client.crt"), "Key": file("client.key") });
            let members = nodes("etcd");
            let question = json!({
                "Method": "POST", "Path": "/v3/kv/range", "Body": RANGE, "Status": 200, "Contains": "\"count\":\"1\"",
            });
            probes.add_each(cluster, phase, "etcd", (&members, "etcd", &[]), &[held, question]);
        }
        probes
    }

    /// Adds clients with a token that was issued in a phase.
    pub(super) fn add_token(&mut self, cluster: &Cluster, phase: u32, token: &str) {
        let held = json!({ "Authority": format!("{CLIENTS}/{phase}/ca.crt"), "Token": token });
        self.add_to_api(cluster, phase, &QUESTIONS[0], "token", &held);
    }

    fn add_to_api(&mut self, cluster: &Cluster, phase: u32, question: &Question, name: &str, held: &serde_json::Value) {
        let asked = json!({
            "Method": question.method, "Path": question.path, "Body": question.body, "Status": question.status,
            "Contains": question.contains,
        });
        let servers = nodes("control-plane");
        self.add_each(cluster, phase, name, (&servers, "control-plane", question.nodes), &[held.clone(), asked]);
    }

    /// Adds a client for each server, and one that knows all of them.
    fn add_each(
        &mut self,
        cluster: &Cluster,
        phase: u32,
        name: &str,
        (names, role, beside): (&[&'static str], &str, &[&'static str]),
        parts: &[serde_json::Value],
    ) {
        let urls = servers(role);
        let alone = names.iter().zip(&urls).map(|(node, url)| ((*node).to_owned(), vec![*node], vec![url.clone()]));
        for (server, own, urls) in alone.chain([("all".to_owned(), Vec::new(), urls.clone())]) {
            let name = format!("{name}-{phase}-{server}");
            let mut object = json!({ "Name": name, "Servers": urls });
            for part in parts {
                object.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            }
            // It is read when it is whole.
            let folder = cluster.clients.path().join("probes");
            let draft = write(&folder, "draft", &object.to_string(), 0o600);
            fs::rename(draft, folder.join(format!("{name}.json"))).unwrap();
            let knows_one = !own.is_empty();
            let nodes = own.into_iter().chain(beside.iter().copied()).collect();
            self.all.push(Probe { name, phase, nodes, knows_one });
        }
    }

    /// What all clients have said so far.
    pub(super) fn answers(cluster: &Cluster) -> BTreeMap<String, Vec<Answer>> {
        let text = fs::read_to_string(cluster.desk().path("/var/log/answers")).unwrap_or_default();
        let mut answers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        // The last line may be half a line.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let answer: Answer = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            answers.entry(answer.probe.clone()).or_default().push(answer);
        }
        answers
    }

    /// Waits until every client that is to be understood between these phases was, by a question asked from now on; and
    /// until all others have asked.
    pub(super) fn wait_until_understood(&self, cluster: &Cluster, phases: (u32, u32)) {
        let now = now();
        wait_for("answers for every client", || {
            let answers = Self::answers(cluster);
            for probe in &self.all {
                let mut of_probe = answers.get(&probe.name).into_iter().flatten().rev();
                let new = of_probe.by_ref().take_while(|answer| answer.begin > now);
                let mut new = new.peekable();
                let last = new.peek().map(|answer| answer.error.clone());
                let is_met = if probe.is_promised(phases) { new.any(|it| it.error.is_empty()) } else { last.is_some() };
                if !is_met {
                    return Err(format!("{}: {last:?}\n{}", probe.name, cluster.desk().log("probe")));
                }
            }
            Ok(())
        });
    }

    /// Judges all that was asked against what happened meanwhile.
    pub(super) fn judge(&self, cluster: &Cluster, story: &Story) {
        let answers = Self::answers(cluster);
        let mut wrong = Vec::new();
        let mut counts = (0, 0, 0);
        for probe in &self.all {
            let mut seen = BTreeMap::new();
            for answer in answers[&probe.name].iter().filter(|answer| answer.begin > story.begin()) {
                let spans: Vec<&Span> = story.between(answer.begin, answer.end).collect();
                let low = spans.iter().map(|span| span.phases.0).min().unwrap();
                let high = spans.iter().map(|span| span.phases.1).max().unwrap();
                let is_understood = answer.error.is_empty();
                let is_wrong = if probe.is_promised((low, high)) {
                    !is_understood && !probe.is_excused(answer, &spans)
                } else {
                    // A client of two phases before or after is a stranger once all nodes are there.
                    is_understood && low == high && spans.iter().all(|span| span.is_settled)
                };
                if is_wrong {
                    wrong.push(format!("{} at {low} to {high}: {answer:?}", probe.name));
                }
                if spans.len() == 1 && spans[0].is_settled {
                    *seen.entry((low, is_understood)).or_insert(0) += 1;
                }
                let count = if is_understood {
                    &mut counts.0
                } else if probe.is_excused(answer, &spans) {
                    &mut counts.1
                } else {
                    &mut counts.2
                };
                *count += 1;
            }
            // Each was asked in each phase, and what is said of it above was seen.
            for phase in story.settled() {
                let is_promised = probe.is_promised((phase, phase));
                if answers[&probe.name].first().is_some_and(|first| story.began_before(first.begin, phase))
                    && !seen.contains_key(&(phase, is_promised))
                {
                    wrong.push(format!(
                        "{} in phase {phase}: never {}",
                        probe.name,
                        if is_promised { "understood" } else { "refused" }
                    ));
                }
            }
        }
        println!(
            "{} questions were answered, {} failed at a node that restarted, {} were refused",
            counts.0, counts.1, counts.2
        );
        assert!(wrong.is_empty(), "{} promises were broken:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
    }
}

impl Probe {
    /// Whether it is understood while the nodes are in these phases and in those between.
    fn is_promised(&self, (low, high): (u32, u32)) -> bool {
        self.phase.abs_diff(low) <= 1 && self.phase.abs_diff(high) <= 1
    }

    /// Whether it may have failed meanwhile: a node restarts without which it gets no answer, or, where it has no other server
    /// to ask, a member of etcd, which may have been the leader.
    fn is_excused(&self, answer: &Answer, spans: &[&Span]) -> bool {
        let mut restarting = spans.iter().filter_map(|span| span.node);
        restarting.any(|node| {
            let is_leader = self.knows_one && nodes("etcd").contains(&node) && answer.error.contains(LEADER);
            self.nodes.contains(&node) || is_leader
        })
    }
}

/// What an API server answers to who asked while etcd chose another leader: it does not ask etcd again (etcd 3.4,
/// Kubernetes 1.20.2).
const LEADER: &str = "etcdserver: leader changed";

/// The time as answers have it.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}
