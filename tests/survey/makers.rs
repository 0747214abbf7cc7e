//! What a survey says of the nodes of other makers than kubeadm.

use certferry::survey::{Program, ProgramKind, Survey};

use super::{rancher, survey};
use crate::doctor::Node;
use crate::doctor::makers::{followed, trees};

fn of(name: &str) -> (Node, Survey) {
    let node = followed().into_iter().chain(trees()).find(|(known, _)| *known == name).unwrap().1;
    let survey = survey(&node);
    (node, survey)
}

fn value<'a>(program: &'a Program, name: &str) -> &'a str {
    &program.setting(name).unwrap_or_else(|| panic!("{name}: {program:#?}")).value
}

#[test]
fn of_kubespray_the_link_and_the_environment_of_etcd() {
    let (_, survey) = of("kubespray");
    let etcd = survey.program("etcd").unwrap();
    assert_eq!((etcd.kind, etcd.path.as_str()), (ProgramKind::Environment, "etc/etcd.env"));
    assert_eq!(value(etcd, "cert-file"), "/etc/ssl/etcd/ssl/server.crt");
    let api_server = survey.program("kube-apiserver").unwrap();
    assert_eq!(value(api_server, "etcd-certfile"), "/etc/ssl/etcd/ssl/node-cp-1.crt");
    // Each file stands once, under the path without links.
    assert_eq!(survey.leads_to("etc/kubernetes/pki/ca.crt"), "etc/kubernetes/ssl/ca.crt");
    assert!(survey.files.iter().all(|file| !file.path.starts_with("etc/kubernetes/pki")));
    assert_eq!(survey.file("etc/kubernetes/pki/ca.crt").unwrap().certificates.len(), 1);
    assert_eq!(survey.file("etc/ssl/etcd/ssl/ca.key").unwrap().private_keys.len(), 1);
}

#[test]
fn of_kubeasz_the_services_with_their_environment() {
    let (_, survey) = of("kubeasz");
    let api_server = survey.program("kube-apiserver").unwrap();
    assert_eq!(api_server.kind, ProgramKind::Service);
    assert_eq!(api_server.path, "etc/systemd/system/kube-apiserver.service");
    assert_eq!(value(api_server, "tls-private-key-file"), "/etc/kubernetes/ssl/apiserver.key");
    assert_eq!(value(api_server, "etcd-servers"), "https://127.0.0.1:2379");
    assert_eq!(survey.node.role.as_deref(), Some("control-plane"));
    assert!(survey.node.kubernetes.is_none(), "no file says it");
}

#[test]
fn of_k3s_and_rke2_their_own_folders_and_the_name_of_what_runs() {
    for name in ["k3s", "rke2"] {
        let survey = survey(&rancher(name));
        let program = survey.program(name).unwrap();
        assert_eq!((program.kind, program.settings.len(), program.withheld.len()), (ProgramKind::Service, 0, 0));
        let folder = format!("var/lib/rancher/{name}");
        assert_eq!(survey.file(&format!("{folder}/server/tls/server-ca.key")).unwrap().private_keys.len(), 1);
        assert_eq!(survey.file(&format!("{folder}/agent/serving-kubelet.crt")).unwrap().certificates.len(), 1);
        assert!(survey.file(&format!("{folder}/agent/containerd/x.crt")).is_none(), "images are not the node's");
        for kubeconfig in
            [format!("etc/rancher/{name}/{name}.yaml"), format!("{folder}/server/cred/scheduler.kubeconfig")]
        {
            assert_eq!(survey.kubeconfig(&kubeconfig).unwrap().users[0].private_keys.len(), 1);
        }
        assert_eq!(survey.program("kube-scheduler").is_some(), name == "rke2");
    }
}

#[test]
fn of_kind_and_eks_the_kubelet_as_its_unit_starts_it() {
    let (_, kind) = of("kind");
    let kubelet = kind.program("kubelet").unwrap();
    assert_eq!(kubelet.path, "etc/systemd/system/kubelet.service.d/10-kubeadm.conf");
    assert_eq!(value(kubelet, "bootstrap-kubeconfig"), "/etc/kubernetes/bootstrap-kubelet.conf");
    assert_eq!(value(kubelet, "node-ip"), "192.168.10.5");
    assert_eq!(kubelet.withheld, ["node-labels", "provider-id", "runtime-cgroups"]);
    assert_eq!(kind.configurations[0].kind, "ClusterConfiguration");

    let (_, eks) = of("EKS");
    assert_eq!((eks.node.host_name.as_deref(), eks.node.role.as_deref()), (Some("cp-1"), Some("worker")));
    let [configuration] = eks.configurations.as_slice() else { panic!("{:#?}", eks.configurations) };
    assert_eq!(configuration.path, "etc/kubernetes/kubelet/kubelet-config.json");
    let field = |name: &str| &configuration.settings.iter().find(|setting| setting.name == name).unwrap().value;
    assert_eq!((field("serverTLSBootstrap").as_str(), field("authorization.mode").as_str()), ("true", "Webhook"));
    let user = &eks.kubeconfig("var/lib/kubelet/kubeconfig").unwrap().users[0];
    assert_eq!(user.withheld, ["exec"]);
    assert_eq!(
        eks.leads_to("var/lib/kubelet/pki/kubelet-server-current.pem"),
        "var/lib/kubelet/pki/kubelet-server-2026-11-01-00-00-00.pem"
    );
}

#[test]
fn of_talos_what_lies_there_and_that_it_is_a_control_plane_is_not_known() {
    let (_, survey) = of("Talos");
    assert_eq!(
        survey.file("system/secrets/kubernetes/kube-apiserver/service-account.key").unwrap().private_keys.len(),
        1
    );
    assert!(survey.programs.is_empty(), "{:#?}", survey.programs);
    assert_eq!(survey.node.role.as_deref(), None);
}

#[test]
fn an_intermediate_stands_behind_the_leaf() {
    let (_, survey) = of("two tiers");
    assert_eq!(survey.file("etc/kubernetes/pki/apiserver.crt").unwrap().certificates.len(), 2);
}
