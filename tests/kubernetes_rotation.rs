//! The scripts of a rotation's phases in a real cluster, Kubernetes 1.20.2 with etcd: phase by phase to a new CA of the
//! cluster and of the front proxy and to a new service-account key, and back to the old ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use certferry::layout::scripts::{ROTATION, ROTATION_VALUES};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::shells::{SHELLS, find};
use crate::common::{Bundle, Ended, build_text, end, run, succeed, tool, write};
use crate::kube::cluster::{ADMIN, HOSTS, SERVER, kubectl};
use crate::kube::machine::{Machine, feed};
use crate::kube::wait::wait_for;
use crate::kube::{complete, programs};

const ONLY: &str = "/only";

fn generation(number: u32) -> Bundle {
    let rotating = |table: &str| format!("[{table}]\ngeneration = {number}\n");
    let tables: String = ["ca.kubernetes", "ca.front-proxy", "service_account"].map(rotating).concat();
    build_text(&format!(
        "format = 1\n[cluster]\nname = \"kubernetes-test\"\nkubernetes = \"1.20.2\"\nissued_at = 2020-01-01\n\
         generation = {number}\ncontrol_plane_endpoint = \"k8s.corp.internal:6443\"\n[keys]\nca = \"ecdsa-p256\"\n\
         leaf = \"ecdsa-p256\"\nservice_account = \"ecdsa-p256\"\n{tables}\
         [[node]]\nname = \"cp-1\"\nrole = \"control-plane\"\naddresses = [\"192.168.1.11\"]\n"
    ))
}

/// The files of the old and of the new generation.
struct Sides<'a> {
    old: &'a Path,
    new: &'a Path,
}

impl Sides<'_> {
    fn read(side: &Path, place: &str) -> String {
        fs::read_to_string(side.join("etc/kubernetes").join(place)).unwrap()
    }

    /// What is trusted in a phase: a file of the side that signs, then that of the other.
    fn trusted(&self, phase: u32, place: &str) -> String {
        let [old, new] = [self.old, self.new].map(|side| Self::read(side, place));
        match phase {
            0 => old,
            1 => old + &new,
            2 => new + &old,
            _ => new,
        }
    }

    /// Gives the machine the files of a phase, as a bundle of that phase has them, and restarts what reads them.
    fn give(&self, machine: &Machine, phase: u32) {
        for program in ["kube-controller-manager", "kube-apiserver"] {
            machine.stop(program);
        }
        let side = if phase < 2 { self.old } else { self.new };
        machine.install(side);
        for place in ["pki/ca.crt", "pki/front-proxy-ca.crt", "pki/sa.pub"] {
            fs::write(machine.path(&format!("/etc/kubernetes/{place}")), self.trusted(phase, place)).unwrap();
        }
        fs::write(machine.path("/etc/kubernetes/pki/ca-signing.crt"), Self::read(side, "pki/ca.crt")).unwrap();
        let data = STANDARD.encode(self.trusted(phase, "pki/ca.crt"));
        for file in ["admin.conf", "controller-manager.conf"] {
            let text = Self::read(side, file);
            let (before, rest) = text.split_once("certificate-authority-data: ").unwrap();
            let (_, after) = rest.split_once('\n').unwrap();
            let text = format!("{before}certificate-authority-data: {data}\n{after}");
            fs::write(machine.path(&format!("/etc/kubernetes/{file}")), text).unwrap();
        }
        machine.serve_pod("kube-apiserver", &[]);
        machine
            .serve_pod("kube-controller-manager", &["--cluster-signing-cert-file=/etc/kubernetes/pki/ca-signing.crt"]);
        wait_for("ready API server", || {
            kubectl(machine, ADMIN, "get --raw /readyz")
                .map_err(|error| format!("{error}\n{}", machine.log("kube-apiserver")))
        });
    }

    /// How tokens begin that a side's key signed, as another program reckons it.
    fn token(side: &Path) -> String {
        let public = side.join("etc/kubernetes/pki/sa.pub");
        let der = run(tool("openssl").args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(public));
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(der.stdout));
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"{name}"}}"#))
    }

    fn place_scripts(&self, machine: &Machine) {
        let ca = |side: &Path, name: &str| Self::read(side, name).trim_end().to_owned();
        for phase in ["1", "2", "3"] {
            let values = [
                ("phase", phase.to_owned()),
                ("cluster", "kubernetes-test".to_owned()),
                ("rotation", "0123456789abcdef".to_owned()),
                ("nodes", "cp-1".to_owned()),
                ("old_ca", ca(self.old, "pki/ca.crt")),
                ("new_ca", ca(self.new, "pki/ca.crt")),
                ("old_front_proxy_ca", ca(self.old, "pki/front-proxy-ca.crt")),
                ("new_front_proxy_ca", ca(self.new, "pki/front-proxy-ca.crt")),
                ("old_token", Self::token(self.old)),
                ("new_token", Self::token(self.new)),
            ];
            let head = values.iter().fold(ROTATION_VALUES.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            });
            write(&machine.path("root"), &format!("phase-{phase}.sh"), &format!("{head}{ROTATION}"), 0o644);
        }
        fs::create_dir(machine.path(ONLY)).unwrap();
        for program in ["kubectl", "sleep"] {
            symlink(find(program), machine.path(ONLY).join(program)).unwrap();
        }
    }
}

/// A script of a phase, with kubectl and sleep as the only programs.
fn script(machine: &Machine, phase: u32, arguments: &str) -> Ended {
    let shell = SHELLS[phase as usize % SHELLS.len()];
    let mut command = machine.command("env");
    command.arg(format!("PATH={ONLY}")).arg(find(shell[0])).args(&shell[1..]).arg(format!("/root/phase-{phase}.sh"));
    end(command.args(["--kubeconfig", ADMIN]).args(arguments.split_whitespace()))
}

fn done(ended: &Ended, lines: &[&str]) {
    for line in lines {
        assert!(ended.stdout.contains(&format!("{line}\n")), "{line}\n{}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

fn refused(ended: &Ended, lines: &[&str]) {
    for line in lines {
        assert!(ended.stdout.contains(&format!("first: {line}\n")), "{line}\n{}{}", ended.stdout, ended.stderr);
    }
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
}

fn get(machine: &Machine, what: &str) -> Value {
    serde_json::from_str(&kubectl(machine, ADMIN, &format!("get --output json {what}")).unwrap()).unwrap()
}

fn create(machine: &Machine, object: &Value) {
    let mut command = machine.command("kubectl");
    let output = feed(command.args(["--kubeconfig", ADMIN, "create", "--filename", "-"]), &object.to_string());
    assert!(output.status.success(), "{output:?}");
}

/// The token in the Secret of the service account `default`.
fn token(machine: &Machine) -> String {
    let secrets = get(machine, "--namespace default secrets --field-selector type=kubernetes.io/service-account-token");
    String::from_utf8(STANDARD.decode(secrets["items"][0]["data"]["token"].as_str().unwrap()).unwrap()).unwrap()
}

fn takes(machine: &Machine, token: &str) -> bool {
    let ca = "--certificate-authority /etc/kubernetes/pki/ca.crt";
    let answer = kubectl(machine, "/dev/null", &format!("--server {SERVER} {ca} --token {token} get --raw /api"));
    match answer {
        Ok(_) => true,
        Err(error) => {
            assert!(error.contains("Unauthorized"), "{error}");
            false
        }
    }
}

/// What a node that joins would trust, and whether the signature of the token is of that.
fn cluster_info(machine: &Machine) -> (String, String) {
    let info = get(machine, "--namespace kube-public configmap cluster-info");
    let kubeconfig = info["data"]["kubeconfig"].as_str().unwrap().to_owned();
    let data = kubeconfig.split_once("certificate-authority-data: ").unwrap().1.lines().next().unwrap().to_owned();
    let signatures = info["data"].as_object().unwrap().iter().filter(|(key, _)| key.starts_with("jws-kubeconfig-"));
    let signature = signatures.map(|(_, value)| value.as_str().unwrap().to_owned()).next().unwrap();
    (String::from_utf8(STANDARD.decode(data).unwrap()).unwrap(), signature)
}

fn plant(machine: &Machine, old_ca: &str) {
    // As `kubeadm init` does it, with a token that signs.
    succeed(machine.command("kubeadm").args(["init", "phase", "bootstrap-token", "--config", "/root/kubeadm.yaml"]));
    let bundle = STANDARD.encode(old_ca);
    let service = json!({ "name": "guard", "namespace": "default" });
    create(
        machine,
        &json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "guard" },
            "webhooks": [{
                "name": "guard.guard.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": { "service": service, "caBundle": bundle },
            }],
        }),
    );
    create(machine, &json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "cp-1" } }));
    create(
        machine,
        &json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "kubeadm-certs", "namespace": "kube-system" },
        }),
    );
    wait_for("token", || kubectl(machine, ADMIN, "--namespace default get serviceaccount default"));
    create(
        machine,
        &json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "bare", "namespace": "default" },
            "spec": { "containers": [{ "name": "c", "image": "none" }] },
        }),
    );
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_the_scripts_take_a_cluster_through_every_phase_and_back() {
    let [first, second] = [1, 2].map(generation);
    let [old, new] = [&first, &second].map(|bundle| bundle.unpack("cp-1"));
    let sides = Sides { old: &old, new: &new };
    let machine = &Machine::start(&programs(), &["192.168.1.11/24"], HOSTS);
    machine.install(&old);
    complete(machine, "k8s.corp.internal:6443", "192.168.1.11");
    machine.serve_pod("etcd", &[]);
    sides.give(machine, 0);
    sides.place_scripts(machine);
    let [old_ca, new_ca] = [sides.trusted(0, "pki/ca.crt"), sides.trusted(3, "pki/ca.crt")];
    plant(machine, &old_ca);
    let old_token = token(machine);

    // Phase 1. Without the nodes' files it changes nothing.
    let early = script(machine, 1, "--wait 0");
    let lags = "kube-root-ca.crt does not hold both CAs in default kube-node-lease kube-public kube-system: give every \
                control plane its files, and restart kube-controller-manager";
    refused(&early, &[lags]);
    assert_eq!(cluster_info(machine).0, old_ca);
    sides.give(machine, 1);
    let (_, signature) = cluster_info(machine);
    let ended = script(machine, 1, "");
    refused(&ended, &["restart these pods: run this with --restart-pods, or in an order of your own"]);
    assert!(ended.stdout.contains("  default/bare, of -: it has the token Secret default-token-"), "{}", ended.stdout);
    let (ca, signed) = cluster_info(machine);
    assert_eq!(ca, format!("{old_ca}{new_ca}"));
    assert_ne!(signed, signature);
    kubectl(machine, ADMIN, "--namespace default delete pod bare --grace-period 0 --force").unwrap();
    done(
        &script(machine, 1, ""),
        &["kube-root-ca.crt: 4 namespaces hold both CAs", "phase 1 is complete in the cluster"],
    );
    let webhook = get(machine, "validatingwebhookconfiguration guard");
    let bundle = webhook["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap();
    assert_eq!(STANDARD.decode(bundle).unwrap(), format!("{old_ca}{new_ca}").into_bytes());

    // Phase 2.
    create(machine, &json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "stranger" } }));
    refused(&script(machine, 2, "--before"), &["nodes: not in the profile: stranger"]);
    kubectl(machine, ADMIN, "delete node stranger").unwrap();
    done(&script(machine, 2, "--before"), &["phase 2 may begin on the nodes"]);
    sides.give(machine, 2);
    done(&script(machine, 2, ""), &["cluster-info: signed anew", "phase 2 is complete in the cluster"]);
    assert!(takes(machine, &old_token));
    refused(
        &script(machine, 3, "--before"),
        &[
            "caBundles hold the old CA still:\n  caBundle of validating/guard guard.guard.example\n  once their servers have certificates of the new CA, run this with --servers-renewed",
        ],
    );
    done(&script(machine, 2, "--renew-tokens"), &[]);
    let new_token = token(machine);
    assert!(takes(machine, &new_token));
    // The API server remembers for ten seconds whom it has let in.
    wait_for("end of the old token", || if takes(machine, &old_token) { Err(String::new()) } else { Ok(()) });
    done(&script(machine, 3, "--before --servers-renewed"), &["phase 3 may begin on the nodes"]);

    // Phase 3.
    sides.give(machine, 3);
    let ended = script(machine, 3, "--servers-renewed");
    done(
        &ended,
        &[
            "kube-root-ca.crt: 4 namespaces hold the new CA alone",
            "extension-apiserver-authentication: made anew without the old CA",
            "phase 3 is complete in the cluster",
        ],
    );
    let clients = get(machine, "--namespace kube-system configmap extension-apiserver-authentication");
    assert_eq!(clients["data"]["client-ca-file"], new_ca.as_str());
    let front_proxy = sides.trusted(3, "pki/front-proxy-ca.crt");
    assert_eq!(clients["data"]["requestheader-client-ca-file"], front_proxy.as_str());
    assert_eq!(cluster_info(machine).0, new_ca);
    assert!(takes(machine, &new_token));
    assert!(kubectl(machine, ADMIN, "--namespace kube-system get secret kubeadm-certs").is_err());

    // And back, phase by phase.
    sides.give(machine, 2);
    done(&script(machine, 2, ""), &["phase 2 is complete in the cluster"]);
    sides.give(machine, 1);
    done(&script(machine, 1, ""), &["phase 1 is complete in the cluster"]);
    assert!(takes(machine, &new_token));
    sides.give(machine, 0);
    done(&script(machine, 1, "--back --renew-tokens"), &["the way back from phase 1 is complete in the cluster"]);
    assert_eq!(cluster_info(machine).0, old_ca);
    assert!(!takes(machine, &new_token) && takes(machine, &token(machine)));
}
