//! Whether a cluster serves in a phase, beside what its clients see: its leaders and kubelets work, it signs, and its ports
//! are open to whom they should be.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cluster::{CLIENTS, Cluster, NODES, address, nodes};
use super::program::put;
use crate::common::{run, succeed, tool, write};
use crate::kube::wait::wait_for;

/// The leases that are renewed every second or so by those who work.
const LEADERS: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];

/// Waits until leaders and kubelets say again that they live.
pub(super) fn everybody_works(cluster: &Cluster, phase: u32) {
    let of_nodes = NODES.iter().filter(|row| row.1 != "etcd").map(|row| ("kube-node-lease", row.0));
    for (namespace, name) in LEADERS.map(|name| ("kube-system", name)).into_iter().chain(of_nodes) {
        let renewed = || {
            let lease = cluster.get(phase, &format!("--namespace {namespace} lease {name}"))?;
            Ok::<_, String>(lease["spec"]["renewTime"].as_str().unwrap_or_default().to_owned())
        };
        let before = wait_for("lease", renewed);
        wait_for("renewed lease", || match renewed()? {
            same if same == before => {
                let node = if namespace == "kube-system" { "cp-1" } else { name };
                let program = if namespace == "kube-system" { name } else { "kubelet" };
                Err(format!("{name}: {before}\n{}", cluster.log(node, program)))
            }
            _ => Ok(()),
        });
    }
    wait_for("ready nodes", || {
        let found = cluster.get(phase, "nodes")?;
        let ready = found["items"].as_array().unwrap().iter().filter(|node| {
            let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
        });
        if ready.count() == 3 { Ok(()) } else { Err(found.to_string()) }
    });
}

/// The cluster signs a request, with the CA of this certificate.
pub(super) fn signs(cluster: &Cluster, phase: u32, name: &str, issuer: &Path) {
    let own = tempfile::tempdir().unwrap();
    let mut openssl = tool("openssl");
    openssl.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=somebody"]);
    let request = succeed(openssl.arg("-keyout").arg(own.path().join("key")));
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": name },
        "spec": {
            "request": STANDARD.encode(request), "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth", "digital signature"],
        },
    });
    put(cluster, phase, &object);
    cluster.kubectl(phase, &format!("certificate approve {name}")).unwrap();
    let certificate = wait_for("signed certificate", || {
        let found: Value = cluster.get(phase, &format!("certificatesigningrequest {name}"))?;
        let certificate = found["status"]["certificate"].as_str().ok_or_else(|| {
            let logs = nodes("control-plane").into_iter().map(|node| cluster.log(node, "kube-controller-manager"));
            format!("{found}\n{}", logs.collect::<Vec<_>>().join("\n"))
        })?;
        STANDARD.decode(certificate).map_err(|error| error.to_string())
    });
    let certificate = write(own.path(), "crt", &String::from_utf8(certificate).unwrap(), 0o600);
    let mut openssl = tool("openssl");
    succeed(
        openssl.args(["verify", "-partial_chain", "-purpose", "sslclient", "-CAfile"]).arg(issuer).arg(certificate),
    );
}

/// What a port makes of an administrator's certificate of a phase: the HTTP status.
fn status(cluster: &Cluster, node: &str, port: u16, phase: u32) -> String {
    let host = if port == 10250 { address(node) } else { "127.0.0.1" };
    let mut curl = cluster.machines[node].command("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--insecure", "--http1.1"]);
    curl.args(["--cert", &format!("{CLIENTS}/{phase}/client.crt"), "--key", &format!("{CLIENTS}/{phase}/client.key")]);
    String::from_utf8(run(curl.arg(format!("https://{host}:{port}/metrics"))).stdout).unwrap()
}

/// The ports of controller managers, schedulers and kubelets take who holds a certificate of the CA that is trusted, and
/// refuse all others. What the cluster publishes of CAs it does not forget by itself, so that `forgets` says whether a
/// scheduler is to refuse anybody.
pub(super) fn ports_know_whom_to_take(cluster: &Cluster, phase: u32, forgets: bool) {
    for (node, role, _) in NODES.iter().filter(|row| row.1 != "etcd") {
        let own: &[u16] = if *role == "control-plane" { &[10257, 10259, 10250] } else { &[10250] };
        for port in own {
            for client in [1_u32, 2] {
                let expected = if client.abs_diff(phase) <= 1 { "200" } else { "401" };
                if expected == "401" && *port != 10250 && !forgets {
                    continue;
                }
                wait_for(&format!("status {expected} of {node}:{port} for phase {client} in phase {phase}"), || {
                    let found = status(cluster, node, *port, client);
                    if found == expected { Ok(()) } else { Err(found) }
                });
            }
        }
    }
}

/// Programs that are not of Go trust what they should: OpenSSL's, and Python.
pub(super) fn others_trust(cluster: &Cluster, phase: u32) {
    let server = "https://k8s.corp.internal:6443/readyz";
    let python = "import ssl, sys, urllib.request\n\
                  context = ssl.create_default_context(cafile=sys.argv[1])\n\
                  print(urllib.request.urlopen(sys.argv[2], context=context).status)";
    for client in 0..4 {
        let ca = format!("{CLIENTS}/{client}/ca.crt");
        let mut curl = cluster.desk().command("curl");
        curl.args(["--silent", "--show-error", "--fail", "--cacert", &ca, server]);
        let mut asks = cluster.desk().command("/usr/bin/python3");
        asks.args(["-c", python, &ca, server]);
        for mut command in [curl, asks] {
            let output = run(&mut command);
            // The trust of both CAs is good in every phase, with whichever certificate.
            let is_trusted = [1, 2].contains(&client) || (client < 2) == (phase < 2);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.success(), is_trusted, "{command:?} in phase {phase}: {said}");
            let words = ["unable to get local issuer certificate", "certificate signature failure"];
            assert!(is_trusted || words.iter().any(|word| said.contains(word)), "{said}");
        }
    }
}
