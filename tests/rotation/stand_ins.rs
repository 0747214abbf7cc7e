//! Stand-ins for systemd and for the part of the kubelet that runs static pods. The kubelet itself is a real one, with a
//! runtime that runs nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::golang::go;
use crate::common::{place_program, write_program};
use crate::restart::stand_ins;

/// A service is a file with its command. One that restarts has ended before it starts.
const SYSTEMCTL: &str = r#"#!/bin/sh
for service; do :; done
command=/run/services/$service
case "$*" in
"show --property LoadState "*) [ -e $command ] && echo LoadState=loaded || echo LoadState=not-found; exit ;;
"show --property ActiveState "*) [ -e $command ] && echo ActiveState=active || echo ActiveState=inactive; exit ;;
"show "*) echo "$3="; exit ;;
esac
echo "systemctl $*" >>/run/events
[ -e $command ] || exit 5
is_alive() { [ -s /run/$service.pid ] && [ -n "$(tr -d '\0' </proc/$(cat /run/$service.pid)/cmdline 2>/dev/null)" ]; }
is_alive && kill "$(cat /run/$service.pid)"
while is_alive; do sleep 0.05; done
setsid sh -c "exec $(cat $command)" </dev/null >>/var/log/$service.log 2>&1 &
echo $! >/run/$service.pid
"#;

/// Starts real processes by the words of the manifests, ends those whose manifest is gone, and starts those anew whose
/// manifest is another. An API server waits a minute for those who watch; a kubelet gives it half of that, and this one
/// two seconds.
const STATIC_PODS: &str = r#"#!/bin/sh
is_alive() { [ -s /run/pods/$1 ] && [ -n "$(tr -d '\0' </proc/$(cat /run/pods/$1)/cmdline 2>/dev/null)" ]; }
end() {
    echo "end $1" >>/run/events
    kill $(cat /run/pods/$1)
    tries=0
    while is_alive $1; do
        sleep 0.1
        tries=$((tries + 1))
        [ $tries -ne 20 ] || kill -9 $(cat /run/pods/$1)
    done
}
mkdir -p /run/pods
while :; do
    for pod in kube-apiserver kube-controller-manager kube-scheduler; do
        manifest=/etc/kubernetes/manifests/$pod.yaml
        if [ -e $manifest ]; then
            is_alive $pod && cmp -s $manifest /run/pods/$pod.yaml && continue
            is_alive $pod && end $pod
            cp $manifest /run/pods/$pod.yaml
            echo "start $pod" >>/run/events
            setsid $(sed -n '/^  - command:/,/^    image:/s/^    - //p' $manifest) </dev/null >>/var/log/$pod.log 2>&1 &
            echo $! >/run/pods/$pod
        elif is_alive $pod; then
            end $pod
        fi
    done
    sleep 0.1
done
"#;

/// Writes the stand-ins and the program of the test itself into a folder. They lead to real programs in `/real`.
pub(super) fn make(folder: &Path) {
    stand_ins::make(folder, true, Some("/real"));
    write_program(folder, "systemctl", SYSTEMCTL);
    write_program(folder, "static-pods", STATIC_PODS);
    write_program(folder, "kubelet", "#!/bin/sh\nexec /real/kubelet \"$@\"\n");
    let module = tempfile::tempdir().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotation/probe");
    for file in ["go.mod", "main.go", "ask.go", "serve.go", "balance.go"] {
        fs::copy(sources.join(file), module.path().join(file)).unwrap();
    }
    go(module.path(), &["build", "-o", "probe"]);
    place_program(&module.path().join("probe"), &folder.join("probe"));
    symlink("probe", folder.join("balancer")).unwrap();
}
