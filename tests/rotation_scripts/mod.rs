//! `rotation/phase-N.sh` with kubectl and sleep alone: what it finds in a cluster, what it does in each phase, what it
//! refuses, and the way back.
//!
//! `tests/kubernetes_rotation.rs` has it work on a real API server.

mod stand;

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certferry::layout::scripts::{ROTATION, ROTATION_VALUES};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::script::Joined;
use crate::common::shells::SHELLS;
use crate::common::{desk, end, run, tool};
use crate::rotation_scripts::stand::{
    AUTHORITIES, Authorities, COPIES, Desk, HINT, HINTS, START, both, bundles, cluster_info, held, kubeconfig, object,
    pod, root_ca, said, started, trust, with_token,
};

/// What a build writes into the scripts is what it writes into the nodes' files; how tokens begin, openssl says.
#[test]
fn a_bundle_of_each_phase_has_its_script() {
    let desk = desk::Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out --lock lab.lock");
    let profile = desk.text("lab.toml").replacen("issued_at", "generation = 2\nissued_at", 1);
    let rotating = |table: &str| format!("[{table}]\ngeneration = 2\nprevious = {{ generation = 1 }}\n");
    desk.write("lab.toml", profile + &rotating("ca.kubernetes") + &rotating("service_account"));
    desk.succeed("build lab.toml --seed lab.seed --out out --lock lab.lock");
    let scripts = [1, 2, 3].map(|phase| {
        let archive = format!("out/lab-g2-p{phase}.tar.gz --key out/lab.pub");
        for whose in [format!("--with-cluster --root part-{phase}"), format!("--node cp-1 --root node-{phase}")] {
            assert_eq!(desk.run(&format!("unpack {archive} {whose}")).code, Some(0));
        }
        desk.text(&format!("part-{phase}/rotation/phase-{phase}.sh"))
    });
    let pki = |phase: u32, file: &str| desk.text(&format!("node-{phase}/etc/kubernetes/pki/{file}"));
    let new_ca = pki(3, "ca.crt");
    let old_ca = pki(1, "ca.crt").strip_suffix(&new_ca).unwrap().to_owned();
    let token = |phase: u32| {
        let file = desk.path(&format!("node-{phase}/etc/kubernetes/pki/sa.pub"));
        let der = run(tool("openssl").args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(file)).stdout;
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(der));
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"{name}"}}"#))
    };
    // The first key of phase 1 is the old one.
    let (old_token, new_token) = (token(1), token(3));
    assert_ne!(old_token, new_token);
    for (number, script) in scripts.iter().enumerate() {
        for line in [
            format!("\nPHASE='{}'\n", number + 1),
            "\nCLUSTER='lab'\n".to_owned(),
            "\nNODES='cp-1'\n".to_owned(),
            format!("\nOLD_CA='{}'\n", old_ca.trim_end()),
            format!("\nNEW_CA='{}'\n", new_ca.trim_end()),
            "\nOLD_FRONT_PROXY_CA=''\n".to_owned(),
            format!("\nOLD_TOKEN='{old_token}'\n"),
            format!("\nNEW_TOKEN='{new_token}'\n"),
        ] {
            assert!(script.contains(&line), "{line}");
        }
        let name = script.split_once("\nROTATION='").unwrap().1.split('\'').next().unwrap();
        assert!(name.len() == 16 && scripts.iter().all(|other| other.contains(&format!("\nROTATION='{name}'\n"))));
        assert!(script.ends_with(ROTATION));
    }
}

#[test]
fn every_part_is_plain_shell() {
    let script = Box::leak(format!("{ROTATION_VALUES}{ROTATION}").into_boxed_str());
    let joined = Joined { script, folder: "templates/rotation" };
    joined.has_every_part();
    joined.is_plain_shell();
}

#[test]
fn every_phase_does_its_work_once() {
    let shell = &["dash"][..];
    let (api, desk) = (started(&both()), Desk::new());
    let Authorities { old, new, other } = &*AUTHORITIES;
    // Phase 1.
    let trusted = "kube-root-ca.crt: 2 namespaces hold both CAs\ntoken Secrets: ca.crt of 1 is both CAs\n";
    let pods = "pods: 1 come from manifests on nodes, and are left to `certferry apply`\n\
                    pods: from before, and still with what they read when they began:\n  \
                    default/web-1-a, of Deployment/web: it has the CA of kube-root-ca.crt\n";
    let would = format!(
        "{START}{trusted}cluster-info: would be written, it held the old CA alone\n{}{COPIES}\
             kubeadm-certs: would be deleted, it holds CAs from before\n{pods}Deployment/web in default: would be restarted\n\
             phase 1: nothing was changed\n",
        held("would be written, it held the old CA alone"),
    );
    said(&desk.run_in(shell, &api, 1, &["--dry-run", "--restart-pods"]), 0, &would, "");
    assert_eq!(api.changes(), Vec::<String>::new());
    let done = format!(
        "{START}{trusted}cluster-info: written, it held the old CA alone\ncluster-info: signed anew\n{}{COPIES}\
             kubeadm-certs: deleted, it holds CAs from before\n{pods}\
             first: restart these pods: run this with --restart-pods, or in an order of your own\n",
        held("written, it held the old CA alone"),
    );
    let error = format!("error: phase 1: 1 thing must be done first\n{HINT}");
    said(&desk.run_in(shell, &api, 1, &[]), 1, &done, &error);
    assert_eq!(cluster_info(&api), kubeconfig(&both()));
    assert_eq!(bundles(&api)[0], both());
    assert_eq!(bundles(&api)[1], *other);
    // What else stood there stays.
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with("--")).collect::<String>();
    assert_eq!(lines(&bundles(&api)[2]), lines(&both()) + &lines(other));
    assert_eq!(bundles(&api)[3], both());
    let unchanged = format!(
        "{START}{trusted}cluster-info: unchanged, it holds both CAs\n{}{COPIES}",
        held("unchanged, it holds both CAs"),
    );
    let restarted =
        format!("{unchanged}{pods}Deployment/web in default: restarted\nphase 1 is complete in the cluster\n");
    said(&desk.run_in(shell, &api, 1, &["--restart-pods"]), 0, &restarted, "");
    let none = "pods: 1 come from manifests on nodes, and are left to `certferry apply`\npods: none is from before\n";
    let before = api.changes().len();
    said(
        &desk.run_in(shell, &api, 2, &["--before"]),
        0,
        &format!("{unchanged}{none}phase 2 may begin on the nodes\n"),
        "",
    );
    said(&desk.run_in(shell, &api, 1, &[]), 0, &format!("{unchanged}{none}phase 1 is complete in the cluster\n"), "");
    assert_eq!(api.changes().len(), before, "{shell:?}");

    // Phase 2.
    let stale = "token Secrets: the token is signed with the other key in default/robot; with --renew-tokens they are made \
                     anew, and programs that hold a copy need the new one\n";
    let second = format!(
        "{START}{trusted}{stale}cluster-info: written, it held both CAs in the other order\ncluster-info: signed anew\n\
             {}{COPIES}{none}phase 2 is complete in the cluster\n",
        held("unchanged, it holds both CAs"),
    );
    said(&desk.run_in(shell, &api, 2, &[]), 0, &second, "");
    assert_eq!(cluster_info(&api), kubeconfig(&format!("{new}{old}")));
    let gate = desk.run_in(shell, &api, 3, &["--before"]);
    let lists = "\n  caBundle of validating/guard a.guard\n  caBundle of validating/guard c.guard\n  \
                     caBundle of api-service/v1.extra.example\n  once their servers have certificates of the new CA, run this \
                     with --servers-renewed\n";
    for line in [format!("\nfirst: {stale}"), format!("\nfirst: caBundles hold the old CA still:{lists}")] {
        assert!(gate.stdout.contains(&line), "{}", gate.stdout);
    }
    assert_eq!((gate.code, gate.stderr), (Some(1), format!("error: phase 3: 2 things must be done first\n{HINTS}")));
    let renewed = desk.run_in(shell, &api, 2, &["--renew-tokens"]);
    assert!(renewed.stdout.contains("\ntoken Secret default/robot: made anew\n"), "{}", renewed.stdout);
    assert_eq!((renewed.code, renewed.stderr.as_str()), (Some(0), ""));
    let gate = desk.run_in(shell, &api, 3, &["--before", "--servers-renewed"]);
    let tokens = "tokens: every pod is from after phase 2\n\
                      tokens: those that programs asked for by themselves are not known here; they are valid as long as the API \
                      server lets them, whose flags are not seen here, and refused from phase 3 on\n\
                      tokens: those of pods say that they are valid for a year; the kubelet replaces them all the same\n\
                      phase 3 may begin on the nodes\n";
    assert!(gate.stdout.ends_with(tokens), "{}", gate.stdout);
    assert_eq!((gate.code, gate.stderr.as_str()), (Some(0), ""));

    // Phase 3.
    trust(&api, new);
    let last = desk.run_in(shell, &api, 3, &["--servers-renewed"]);
    let third = format!(
        "{START}kube-root-ca.crt: 2 namespaces hold the new CA alone\ntoken Secrets: ca.crt of 1 is the new CA alone\n\
             cluster-info: written, it held both CAs\ncluster-info: signed anew\n{}{}\
             extension-apiserver-authentication: deleted, the old CA was in it\n\
             extension-apiserver-authentication: made anew without the old CA\nphase 3 is complete in the cluster\n",
        held("written, it held both CAs"),
        COPIES.replace("should hold both CAs", "should hold the new CA alone"),
    );
    said(&last, 0, &third, "");
    assert_eq!((cluster_info(&api), bundles(&api)[0].clone()), (kubeconfig(new), new.clone()));
    let changes = api.changes().len();
    assert_eq!(desk.run_in(shell, &api, 3, &["--servers-renewed"]).code, Some(0));
    assert_eq!(api.changes().len(), changes, "{shell:?}");
}

/// Each shell says the same of each phase.
#[test]
fn every_shell_does_the_same() {
    let runs = |shell: &[&str]| {
        let (api, desk) = (started(&both()), Desk::new());
        let mut said: Vec<String> = Vec::new();
        for (phase, arguments) in [(1, &["--restart-pods"][..]), (2, &["--renew-tokens"]), (3, &["--servers-renewed"])]
        {
            if phase == 3 {
                trust(&api, &AUTHORITIES.new);
            }
            let ended = desk.run_in(shell, &api, phase, arguments);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell:?}");
            said.push(ended.stdout);
        }
        assert_eq!(bundles(&api)[0], AUTHORITIES.new);
        (said, cluster_info(&api))
    };
    let [first, rest @ ..] = SHELLS;
    let expected = runs(first);
    for shell in rest {
        assert_eq!(runs(shell), expected, "{shell:?}");
    }
}

/// One phase back is the script of the phase before.
#[test]
fn back_is_the_phase_before_and_then_the_old_alone() {
    let (api, desk) = (started(&both()), Desk::new());
    let Authorities { old, .. } = &*AUTHORITIES;
    assert_eq!(desk.run(&api, 1, &["--restart-pods"]).code, Some(0));
    assert_eq!(desk.run(&api, 2, &["--renew-tokens"]).code, Some(0));
    let back = desk.run(&api, 1, &[]);
    assert!(back.stdout.contains("\ncluster-info: written, it held both CAs in the other order\n"), "{}", back.stdout);
    assert_eq!((back.code, back.stderr.as_str()), (Some(0), ""));
    assert_eq!(cluster_info(&api), kubeconfig(&both()));

    let early = desk.run(&api, 1, &["--back"]);
    let lags = "first: kube-root-ca.crt does not hold the old CA alone in default kube-system: give every control plane its \
                files, and restart kube-controller-manager\n";
    said(&early, 1, lags, &format!("error: the way back from phase 1: 1 thing must be done first\n{HINT}"));
    trust(&api, old);
    api.change(|objects| {
        let clients = ("configmaps".to_owned(), "kube-system/extension-apiserver-authentication".to_owned());
        objects.get_mut(&clients).unwrap()["data"]["client-ca-file"] = AUTHORITIES.old.clone().into();
    });
    let ended = desk.run(&api, 1, &["--back"]);
    let stale = "first: token Secrets: the token is signed with the other key in default/robot; with --renew-tokens they are \
                 made anew, and programs that hold a copy need the new one\n";
    let all = format!(
        "kube-root-ca.crt: 2 namespaces hold the old CA alone\ntoken Secrets: ca.crt of 1 is the old CA alone\n{stale}\
         cluster-info: written, it held both CAs\ncluster-info: signed anew\n{}\
         Secrets that may hold a kubeconfig, not read, because there are keys in it; look at their CA: default/flux\n\
         extension-apiserver-authentication: unchanged, the new CA is not in it\n",
        held("written, it held both CAs"),
    );
    said(&ended, 1, &all, &format!("error: the way back from phase 1: 1 thing must be done first\n{HINT}"));
    assert_eq!((cluster_info(&api), bundles(&api)[0].clone()), (kubeconfig(old), old.clone()));
}

#[test]
fn what_is_outside_the_profile_stops_phase_2_before_anything_is_written() {
    let (api, desk) = (started(&both()), Desk::new());
    assert_eq!(desk.run(&api, 1, &["--restart-pods"]).code, Some(0));
    api.put(&object("Node", "stranger", json!({})));
    let request = |name: &str, signer: &str, status: Value| {
        let spec = json!({ "username": "bob", "signerName": signer });
        object("CertificateSigningRequest", name, json!({ "spec": spec, "status": status }))
    };
    api.put(&request("open", "kubernetes.io/kube-apiserver-client", json!({})));
    let issued = json!({ "certificate": "eA==", "conditions": [{ "type": "Approved" }] });
    api.put(&request("issued", "kubernetes.io/kube-apiserver-client", issued.clone()));
    api.put(&request("serving", "kubernetes.io/kubelet-serving", issued));
    api.put(&request("denied", "kubernetes.io/kubelet-serving", json!({ "conditions": [{ "type": "Denied" }] })));
    let said_of = |first: &str| {
        format!(
            "{first}nodes: not in the profile: stranger\n{first}certificate requests: open, approve or delete them: open\n\
             {first}clients: certificates that were issued through requests, and end to work in phase 3:\n  issued, asked for \
             by bob\n"
        )
    };
    let before = api.changes().len();
    let error = format!("error: phase 2: 3 things must be done first\n{HINTS}");
    said(&desk.run(&api, 2, &[]), 1, &said_of("first: "), &error);
    assert_eq!(desk.run(&api, 2, &["--before"]).code, Some(1));
    assert_eq!(api.changes().len(), before);
    // In phase 1 it is said, and with the word for it phase 2 goes on.
    for (phase, word) in [(1, None), (2, Some("--allow-outside"))] {
        let ended = desk.run(&api, phase, &Vec::from_iter(word));
        assert!(ended.stdout.starts_with(&said_of("")), "{}", ended.stdout);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
    // Who is not there yet is no reason to stop.
    api.change(|objects| drop(objects.remove(&("nodes".to_owned(), "w-1".to_owned()))));
    let ended = desk.run(&api, 2, &["--allow-outside"]);
    let absent = "nodes: not in the cluster, so give them their files before they join: w-1\n";
    assert!(ended.stdout.starts_with(absent), "{}", ended.stdout);
}

#[test]
fn a_namespace_that_lags_stops_it_before_anything_is_written() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&root_ca("default", &AUTHORITIES.old));
    let lags = "first: kube-root-ca.crt does not hold both CAs in default: give every control plane its files, and restart \
                kube-controller-manager\n";
    let error = format!("error: phase 1: 1 thing must be done first\n{HINT}");
    said(&desk.run(&api, 1, &[]), 1, &format!("{START}{lags}"), &error);
    assert_eq!(api.changes(), Vec::<String>::new());
}

/// A pod by its owner: some restart by themselves, some are evicted, and some nobody would make again.
#[test]
fn pods_are_restarted_by_their_owners() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&object("DaemonSet", "net/cni", json!({ "spec": { "updateStrategy": { "type": "OnDelete" } } })));
    api.put(&pod("net/cni-1", Some(("DaemonSet", "cni")), with_token()));
    let host = json!({ "name": "v", "hostPath": { "path": "/etc/kubernetes/cloud.conf" } });
    api.put(&pod("net/own", Some(("Operator", "x")), host));
    api.put(&pod("net/bare", None, json!({ "name": "v", "secret": { "secretName": "robot" } })));
    api.put(&pod("default/bare", None, json!({ "name": "v", "secret": { "secretName": "robot" } })));
    let mut proxy = pod("kube-system/kube-proxy-1", Some(("DaemonSet", "kube-proxy")), with_token());
    proxy["spec"]["containers"][0]["image"] = "registry.k8s.io/kube-proxy:v1.36.2".into();
    api.put(&proxy);
    let mut over = pod("net/over", Some(("Job", "x")), with_token());
    over["status"]["phase"] = "Succeeded".into();
    api.put(&over);
    let ended = desk.run(&api, 1, &["--restart-pods"]);
    let expected = "pods: read the CA again by themselves: kube-system/kube-proxy-1\n\
                    pods: 1 come from manifests on nodes, and are left to `certferry apply`\n\
                    pods: from before, and still with what they read when they began:\n  \
                    default/bare, of -: it has the token Secret robot\n  \
                    default/web-1-a, of Deployment/web: it has the CA of kube-root-ca.crt\n  \
                    net/cni-1, of DaemonSet/cni: it has the CA of kube-root-ca.crt\n  \
                    net/own, of Operator/x: it has /etc/kubernetes/cloud.conf of its node\n\
                    Deployment/web in default: restarted\nnet/cni-1: evicted\nnet/own: evicted\n\
                    first: not restarted, nobody would make them again, or they did not become ready in time: default/bare\n";
    assert!(ended.stdout.ends_with(expected), "{}", ended.stdout);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // Whoever does not hear the answer asks again.
    let mut evictions = api.changes().into_iter().filter(|change| change.ends_with("/eviction")).collect::<Vec<_>>();
    evictions.dedup();
    assert_eq!(
        evictions,
        ["POST /api/v1/namespaces/net/pods/cni-1/eviction", "POST /api/v1/namespaces/net/pods/own/eviction"]
    );
}

#[test]
fn what_cannot_be_changed_is_said_and_the_rest_is_done() {
    let (api, desk) = (started(&both()), Desk::new());
    api.refuse_changes();
    let ended = desk.run(&api, 1, &["--restart-pods"]);
    for line in [
        "\nfirst: kubectl could not change cluster-info; what it said stands above\n",
        "\nfirst: kubectl could not change validating/guard; what it said stands above, and when it changed meanwhile, run \
         this again\n",
        "\nfirst: kubectl could not delete the Secret kubeadm-certs; what it said stands above\n",
        "\nfirst: not restarted, nobody would make them again, or they did not become ready in time: default/Deployment/web\n",
    ] {
        assert!(ended.stdout.contains(line), "{line}{}", ended.stdout);
    }
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.ends_with(&format!("error: phase 1: 5 things must be done first\n{HINTS}")),
        "{}",
        ended.stderr
    );
}

#[test]
fn another_cluster_is_not_written_to() {
    let (api, desk) = (started(&both()), Desk::new());
    api.put(&object(
        "ConfigMap",
        "kube-public/cluster-info",
        json!({ "data": { "kubeconfig": kubeconfig(&AUTHORITIES.other) } }),
    ));
    let ended = desk.run(&api, 1, &[]);
    let line = "\nfirst: cluster-info holds neither the old CA nor the new one: this is another cluster, or another rotation\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    api.put(&object("ConfigMap", "kube-public/cluster-info", json!({ "data": { "kubeconfig": "{}" } })));
    let ended = desk.run(&api, 1, &[]);
    let line = "\nfirst: cluster-info has 0 lines with certificate-authority-data, and must have one: write it anew with \
                `kubeadm init phase bootstrap-token`\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
}

#[test]
fn what_it_cannot_run_with_it_says() {
    let desk = Desk::new();
    for shell in SHELLS {
        let refused = |phase: u32, arguments: &[&str], stderr: &str| {
            let ended = end(&mut desk.command(shell, phase, arguments));
            said(&ended, 2, "", stderr);
        };
        refused(
            2,
            &["--back"],
            "error: only phase-1.sh takes --back\nhint: one phase back is the script of the phase before: sh phase-1.sh\n",
        );
        refused(1, &["--wait"], "error: --wait needs a number of seconds\nhint: sh phase-1.sh --help\n");
        refused(1, &["--wait", "5m"], "error: --wait needs a number of seconds\nhint: sh phase-1.sh --help\n");
        refused(3, &["--dry-run=yes"], "error: --dry-run takes no value\nhint: sh phase-3.sh --help\n");
        refused(
            1,
            &["--back", "--before"],
            "error: --before and --back do not go together\nhint: sh phase-1.sh --help\n",
        );
        let help = end(&mut desk.command(shell, 2, &["--help"]));
        assert!(help.stdout.starts_with("usage: sh phase-2.sh [--dry-run] [--before]"), "{}", help.stdout);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        let unread = end(&mut desk.command(shell, 1, &["--server", "http://127.0.0.1:1", "--context", "it's"]));
        assert!(
            unread.stderr.ends_with(
                "error: kubectl could not read the cluster; what it said stands above\nhint: this needs the rights of an \
                 administrator; kubectl takes its usual arguments here, such as `--kubeconfig FILE`\n"
            ),
            "{}",
            unread.stderr
        );
        assert_eq!(unread.code, Some(2));
    }
    fs::remove_file(desk.0.path().join("programs/kubectl")).unwrap();
    let ended = end(&mut desk.command(&["dash"], 1, &[]));
    let error = "error: there is no kubectl here\nhint: run this where you administer the cluster from; it needs nothing else\n";
    said(&ended, 2, "", error);
}
