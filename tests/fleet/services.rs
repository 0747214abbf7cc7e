//! Stand-ins for what runs on the hosts of a day: systemd, and openssl where etcd and the API server are.

use std::path::Path;

use super::hosts::Hosts;
use crate::common::{succeed, write_program};

/// systemd's place: a service is a script in /srv/services. What starts is said in one file for all hosts.
const SYSTEMCTL: &str = r#"#!/bin/sh
for service; do :; done
script=/srv/services/$service
case "$2 $3" in
"--property LoadState") [ -e $script ] && echo LoadState=loaded || echo LoadState=not-found; exit ;;
"--property ActiveState") [ -e /run/$service.pid ] && echo ActiveState=active || echo ActiveState=inactive; exit ;;
esac
[ -e $script ] || exit 1
echo "$(cat /proc/sys/kernel/hostname) $service" >>/events/events
if [ -e /run/$service.pid ]; then
    process=$(cat /run/$service.pid)
    kill $process 2>/dev/null
    # Its port is free when it has ended: then it has no words left, though nobody may have asked for its exit status.
    while [ -n "$(tr -d '\000' </proc/$process/cmdline 2>/dev/null)" ]; do sleep 0.1; done
fi
setsid $script </dev/null >>/var/log/$service.log 2>&1 &
echo $! >/run/$service.pid
"#;

/// Writes systemctl into a folder.
pub(super) fn make(folder: &Path) {
    write_program(folder, "systemctl", SYSTEMCTL);
}

/// Starts what a node of that name runs.
pub(super) fn start(hosts: &Hosts, name: &str, address: &str) {
    let machine = &hosts.machines[name];
    std::fs::create_dir_all(machine.path("srv/services")).unwrap();
    let serve = |service: &str, script: &str| {
        write_program(&machine.path("srv/services"), service, &format!("#!/bin/sh\n{script}\n"));
        succeed(machine.command("systemctl").args(["restart", service]));
    };
    match name.split('-').next().unwrap() {
        "etcd" => {
            std::fs::create_dir_all(machine.path("var/lib/etcd/member")).unwrap();
            serve("etcd", &server(address, 2379, "health", "/etc/kubernetes/pki/etcd", "server"));
        }
        "cp" => {
            serve("kube-apiserver", &server(address, 6443, "readyz", "/etc/kubernetes/pki", "apiserver"));
            for other in ["kube-controller-manager", "kube-scheduler", "kubelet"] {
                serve(other, "exec sleep infinity");
            }
        }
        _ => serve("kubelet", "exec sleep infinity"),
    }
}

/// openssl in the place of a server, which wants a certificate of the CA and answers one path.
fn server(address: &str, port: u16, path: &str, pki: &str, pair: &str) -> String {
    format!(
        "mkdir -p /srv/{port} && cd /srv/{port} && echo ok >{path}\n\
         exec openssl s_server -quiet -WWW -accept {address}:{port} -cert {pki}/{pair}.crt -key {pki}/{pair}.key \
         -CAfile {pki}/ca.crt -Verify 3 -verify_return_error"
    )
}
