//! Rotation in phases: a cluster that runs gets other CAs and another key of service accounts, and nobody who holds what
//! the phase promises notices.

mod cluster;
mod phases;
mod probes;
mod program;
mod serves;
mod stand_ins;
mod story;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use cluster::{Cluster, NODES, address};
use phases::Phases;
use probes::Probes;
use story::Story;

/// The phases, one after the other, and back from each.
const WALK: [u32; 6] = [1, 2, 3, 2, 1, 0];

struct Rotation {
    cluster: Cluster,
    phases: Phases,
    probes: Probes,
    story: Story,
    /// Whether there is a client with a token of the new key.
    has_new_token: bool,
    begin: Instant,
}

impl Rotation {
    fn start() -> Self {
        let begin = Instant::now();
        let phases = Phases::make();
        let cluster = Cluster::new();
        for (node, ..) in NODES {
            phases.install_first(&cluster, node);
        }
        phases::hand_out(&phases, &cluster);
        cluster.start(&phases.top());
        let mut rotation =
            Self { probes: Probes::default(), story: Story::default(), has_new_token: false, cluster, phases, begin };
        rotation.note("the cluster runs");
        program::start(&rotation.cluster, &rotation.ca(0), &rotation.issuer(0));
        rotation.probes = Probes::start(&rotation.cluster);
        let token = program::token(&rotation.cluster, 0, &cluster::servers("control-plane")[0]);
        rotation.probes.add_token(&rotation.cluster, 1, &token);
        rotation.probes.wait_until_understood(&rotation.cluster, (0, 0));
        rotation.settle(0);
        rotation
    }

    fn note(&self, what: &str) {
        println!("{:6.1} s  {what}", self.begin.elapsed().as_secs_f32());
    }

    /// What trusts in a phase.
    fn ca(&self, phase: u32) -> String {
        fs::read_to_string(self.phases.path(phase, "worker-1").join("etc/kubernetes/pki/ca.crt")).unwrap()
    }

    /// The files of the CA that issues in a phase; its certificate is the first.
    fn issuer(&self, phase: u32) -> [PathBuf; 2] {
        let pki = self.phases.path(if phase < 2 { 0 } else { 3 }, "cp-1").join("etc/kubernetes/pki");
        ["ca.crt", "ca.key"].map(|file| pki.join(file))
    }

    /// Brings every node to the next phase, one after the other.
    fn roll(&mut self, from: u32, to: u32, order: &[&'static str]) {
        let phases = (from.min(to), from.max(to));
        for node in order {
            self.story.tell(phases, Some(node), false);
            self.phases.install(&self.cluster, node, (from, to));
            self.probes.wait_until_understood(&self.cluster, phases);
            self.story.tell(phases, None, false);
            self.note(&format!("{node} is in phase {to}"));
            if to == 2 && !self.has_new_token && node.starts_with("cp-") {
                // While the other API server still signs with the old key.
                let token = program::token(&self.cluster, 2, &format!("https://{}:6443", address(node)));
                self.probes.add_token(&self.cluster, 2, &token);
                self.has_new_token = true;
                self.probes.wait_until_understood(&self.cluster, phases);
            }
        }
        self.settle(to);
    }

    /// Does in the cluster what follows from a phase, and looks whether all of it works.
    fn settle(&mut self, phase: u32) {
        let cluster = &self.cluster;
        self.story.tell((phase, phase), None, false);
        program::trust(cluster, phase, &self.ca(phase));
        program::renew(cluster, &self.issuer(phase));
        program::refresh(cluster, phase, &self.ca(phase));
        if phase == 3 {
            cluster.kubectl(3, "--namespace kube-system delete configmap extension-apiserver-authentication").unwrap();
        }
        serves::everybody_works(cluster, phase);
        serves::signs(cluster, phase, &format!("after-{}", self.story.len()), &self.issuer(phase)[0]);
        serves::ports_know_whom_to_take(cluster, phase, phase == 3);
        serves::others_trust(cluster, phase);
        self.story.tell((phase, phase), None, true);
        self.probes.wait_until_understood(cluster, (phase, phase));
        self.note(&format!("all are in phase {phase}"));
    }
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_cluster_rotates_without_an_outage() {
    let mut rotation = Rotation::start();
    let mut phase = 0;
    let mut order: Vec<_> = NODES.iter().map(|row| row.0).collect();
    for next in WALK {
        rotation.roll(phase, next, &order);
        phase = next;
        // Any order is as good as another.
        order.reverse();
    }
    rotation.probes.judge(&rotation.cluster, &rotation.story);
    rotation.note("judged");
}
