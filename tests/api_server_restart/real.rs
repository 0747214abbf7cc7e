//! A real API server ends by the script's signal, and the script waits until the next one is ready.

use std::fs;
use std::process::Stdio;

use super::script::{POD, UPTIME, add_process};
use super::{BASE, asked_for};
use crate::common::{build_text, changed_profile, run, use_fast_keys, write};
use crate::kube::machine::Machine;
use crate::kube::wait::wait_for;
use crate::kube::{complete, programs};

const ADDRESS: &str = "192.168.10.5";
const HOSTS: &str = "192.168.10.5 cp-1 k8s.corp.internal\n";

#[test]
#[ignore = "needs KUBE_BIN_DIR"]
fn kube_a_real_api_server_ends_by_the_signal_and_is_waited_for() {
    let programs = programs();
    let bundle = build_text(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        asked_for(profile);
        profile["keys"]["service_account"] = "rsa-2048".into();
        let cluster = profile["cluster"].as_table_mut().unwrap();
        cluster.insert("kubernetes".to_owned(), "1.20.2".into());
        cluster.insert("issued_at".to_owned(), toml::Value::Datetime("2020-01-01".parse().unwrap()));
        cluster.insert("control_plane_endpoint".to_owned(), "k8s.corp.internal:6443".into());
        profile["node"][0]["name"] = "cp-1".into();
        profile["node"][0]["addresses"] = vec![ADDRESS].into();
    }));
    let machine = Machine::start(&programs, &["192.168.10.5/24"], HOSTS);
    machine.install(&bundle.unpack("cp-1"));
    complete(&machine, "k8s.corp.internal:6443", ADDRESS);
    machine.serve_pod("etcd", &[]);
    machine.serve_pod("kube-apiserver", &[]);
    wait_for("ready API server", || {
        let mut kubectl = machine.command("kubectl");
        kubectl.args(["--kubeconfig", "/etc/kubernetes/admin.conf", "get", "--raw", "/readyz"]);
        let is_ready = run(&mut kubectl).status.success();
        if is_ready { Ok(()) } else { Err(machine.log("kube-apiserver")) }
    });
    // An age of months, and a kubelet, are all that stands in.
    let root = machine.path("root");
    let old = machine.processes("kube-apiserver");
    let [old] = old.as_slice() else { panic!("{old:?}") };
    fs::create_dir(root.join("proc")).unwrap();
    fs::write(root.join("proc/uptime"), format!("{UPTIME}.00 1.00\n")).unwrap();
    add_process(&root, old.parse().unwrap(), "kube-apiserver", 200, POD);
    add_process(&root, 4_000_002, "kubelet", 200, "0::/system.slice/kubelet.service\n");
    let text = fs::read_to_string(machine.path(&format!("{BASE}.sh"))).unwrap();
    assert!(text.contains("PROC=/proc\n"));
    write(&root, "script.sh", &text.replace("PROC=/proc\n", "PROC=/root/proc\n"), 0o600);
    let script = machine.command("sh").arg("/root/script.sh").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    wait_for("end of the API server", || {
        let left = machine.processes("kube-apiserver");
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    machine.serve_pod("kube-apiserver", &[]);
    fs::remove_dir_all(root.join("proc").join(old)).unwrap();
    let output = script.unwrap().wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(said, ["kube-apiserver is 200 days old: restarting it\nkube-apiserver is ready again\n", ""]);
    assert!(output.status.success());
}
