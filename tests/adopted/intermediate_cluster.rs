//! A cluster of 1.20.2 whose CAs a corporate root has signed: everything works, and nobody gets in by a sibling.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::intermediate::authorities;
use super::{openssl, tables};
use crate::common::desk::Desk;
use crate::common::{build, run, succeed, tool};
use crate::kube::cluster::{
    ADDRESSES, ADMIN, CA, HOSTS, NODES, SERVER, apply, carry, create, kubectl, restart_kubelet, start,
};
use crate::kube::machine::Machine;
use crate::kube::programs;
use crate::kube::wait::wait_for;

const PROFILE: &str = r#"
format = 1

[cluster]
name = "inter-1"
kubernetes = "1.20.2"
issued_at = 2024-01-01
control_plane_endpoint = "k8s.corp.internal:6443"
kubeconfig_cluster_name = "kubernetes"

[validity]
leaf = "50y"

[[user]]
name = "alice"
break_glass = true
"#;
const CHAIN: &str = "/etc/kubernetes/pki/ca-chain.crt";

/// A client's pair of a sibling, with the sibling behind it, in `/root` of the machine.
fn eve(desk: &Desk, machine: &Machine) {
    let mut request = openssl(desk);
    request.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
    succeed(request.args(["/O=system:masters/CN=eve", "-keyout", "eve.key", "-out", "eve.csr"]));
    desk.write("ext", "extendedKeyUsage=clientAuth\n");
    let mut sign = openssl(desk);
    sign.args(["x509", "-req", "-days", "900", "-extfile", "ext", "-CAcreateserial", "-in", "eve.csr"]);
    succeed(sign.args(["-CA", "adopted/sibling.crt", "-CAkey", "adopted/sibling.key", "-out", "eve.crt"]));
    let root = machine.path("/root");
    fs::write(root.join("eve.crt"), desk.text("eve.crt") + &desk.text("adopted/sibling.crt")).unwrap();
    fs::copy(desk.path("eve.key"), root.join("eve.key")).unwrap();
}

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_cluster_below_a_corporate_root_lives_and_lets_no_sibling_in() {
    let programs = programs();
    let machine = Machine::start(&programs, &ADDRESSES, HOSTS);
    let worker = Machine::beside(&machine, &programs, HOSTS);
    machine.rename("cp-1");
    worker.rename("worker-1");
    let desk = authorities();
    desk.write("inter-1.toml", format!("{PROFILE}{NODES}{}", tables(false)));
    let bundle = build(&desk.path("inter-1.toml"));
    for (machine, node) in [(&machine, "cp-1"), (&worker, "worker-1")] {
        carry(machine, &bundle);
        succeed(&mut apply(machine, &bundle, node));
    }
    let mut unpack = crate::common::certferry();
    unpack.arg("unpack").arg(&bundle.archive).arg("--key").arg(&bundle.public_key).args(["--with-cluster", "--root"]);
    succeed(unpack.arg(desk.path("cluster")));

    // kubeadm takes all that is there, with the configuration of the bundle.
    let init = desk.text("cluster/kubeadm/init.yaml");
    // With another runtime named, kubeadm does not ask docker about its cgroups.
    let init = init.replace("  name: cp-1\n", "  name: cp-1\n  criSocket: /run/containerd/containerd.sock\n");
    fs::write(machine.path("/root/init.yaml"), init).unwrap();
    for phase in ["certs all", "kubeconfig all", "etcd local", "control-plane all"] {
        let mut kubeadm = machine.command("kubeadm");
        kubeadm.args(["init", "phase"]).args(phase.split(' ')).args(["--config", "/root/init.yaml"]);
        let said = succeed(&mut kubeadm);
        assert!(!said.contains("Generating"), "{said}");
    }
    let manifest = fs::read_to_string(machine.path("/etc/kubernetes/manifests/kube-controller-manager.yaml")).unwrap();
    assert!(manifest.contains(&format!("--root-ca-file={CHAIN}")), "{manifest}");
    start(&machine);
    restart_kubelet(&machine, &worker, ADMIN);
    assert_eq!(kubectl(&machine, ADMIN, "get --raw /healthz").unwrap(), "ok");

    // What pods verify API servers by.
    let chain = fs::read_to_string(machine.path(CHAIN)).unwrap();
    wait_for("kube-root-ca.crt", || {
        let text = kubectl(&machine, ADMIN, "get configmap kube-root-ca.crt --output json")?;
        let map: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let held = map["data"]["ca.crt"].as_str().unwrap_or_default();
        if held.trim() == chain.trim() { Ok(()) } else { Err(text) }
    });
    let program = "import ssl, sys, urllib.request\n\
                   context = ssl.create_default_context(cafile=sys.argv[1])\n\
                   print(urllib.request.urlopen(sys.argv[2], context=context).status)";
    let python = |ca: &str| {
        let mut python = machine.command("/usr/bin/python3");
        run(python.args(["-c", program, ca, &format!("{SERVER}/healthz")]))
    };
    assert_eq!(String::from_utf8(python(CHAIN).stdout).unwrap(), "200\n");
    assert!(!python(CA).status.success());
    let mut probe = machine.command("openssl");
    probe.args(["s_client", "-connect", "k8s.corp.internal:6443", "-verify_hostname", "k8s.corp.internal"]);
    succeed(probe.args(["-verify_return_error", "-brief", "-CAfile", CHAIN]));
    // A person's kubeconfig.
    fs::copy(desk.path("cluster/users/alice.conf"), machine.path("/root/alice.conf")).unwrap();
    assert!(kubectl(&machine, "/root/alice.conf", "get nodes").unwrap().contains("worker-1"));

    // Nobody of a sibling, neither at the API server nor at etcd nor at a kubelet.
    eve(&desk, &machine);
    let pair = "--client-certificate /root/eve.crt --client-key /root/eve.key";
    let as_eve = format!("--server {SERVER} --certificate-authority {CHAIN} {pair} get nodes");
    let said = kubectl(&machine, "/dev/null", &as_eve).unwrap_err();
    assert!(said.contains("must be logged in"), "{said}");
    let etcd = |certificate: &str, key: &str| {
        let mut etcdctl = machine.command("etcdctl");
        etcdctl.env("ETCDCTL_API", "3").args(["--endpoints", "https://127.0.0.1:2379", "endpoint", "health"]);
        etcdctl.args(["--command-timeout", "5s", "--cacert", "/etc/kubernetes/pki/etcd/ca.crt"]);
        run(etcdctl.args(["--cert", certificate, "--key", key])).status.success()
    };
    let own = "/etc/kubernetes/pki/etcd/healthcheck-client";
    assert!(etcd(&format!("{own}.crt"), &format!("{own}.key")));
    assert!(!etcd("/root/eve.crt", "/root/eve.key"));
    let kubelet = |certificate: &str, key: &str| {
        let mut curl = machine.command("curl");
        curl.args(["--silent", "--insecure", "--cert", certificate, "--key", key, "--write-out", "%{http_code}"]);
        let said = run(curl.args(["--output", "/dev/null", "https://192.168.1.21:10250/pods"]));
        String::from_utf8(said.stdout).unwrap()
    };
    let own = "/etc/kubernetes/pki/apiserver-kubelet-client";
    assert_eq!(kubelet(&format!("{own}.crt"), &format!("{own}.key")), "200");
    assert_eq!(kubelet("/root/eve.crt", "/root/eve.key"), "401");

    // Requests are signed by the CA.
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": "bob" },
        "spec": { "request": bob(&desk), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"] },
    });
    let made = create(&machine, "/apis/certificates.k8s.io/v1/certificatesigningrequests", &object).unwrap();
    assert_ne!(made["kind"], "Status", "{made}");
    kubectl(&machine, ADMIN, "certificate approve bob").unwrap();
    let certificate = wait_for("signed request", || {
        let text = kubectl(&machine, ADMIN, "get certificatesigningrequest bob --output json")?;
        let request: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let data = request["status"]["certificate"].as_str().ok_or(text)?;
        STANDARD.decode(data).map_err(|error| error.to_string())
    });
    desk.write("bob.crt", certificate);
    fs::copy(machine.path(CA), desk.path("alone.crt")).unwrap();
    let mut verify = tool("openssl");
    verify.current_dir(desk.path("")).args(["verify", "-partial_chain", "-CAfile", "alone.crt", "bob.crt"]);
    succeed(&mut verify);
}

/// A request that the signer takes: nobody may ask for `system:masters`.
fn bob(desk: &Desk) -> String {
    let mut request = openssl(desk);
    request.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
    succeed(request.args(["/CN=bob", "-keyout", "bob.key", "-out", "bob.csr"]));
    STANDARD.encode(desk.text("bob.csr"))
}
