//! None of a node's secrets is in its survey, nor in what survey.sh gives to other programs or leaves behind.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use num_bigint::BigUint;

use super::{Script, command, control_plane, survey_of, tools};
use crate::common::shells::{PROGRAMS, find};
use crate::common::{Ended, end, run, succeed, tool};
use crate::doctor::{MANIFESTS, Node};

/// A word that stands in every text that must not leave the node.
pub(crate) const WORD: &str = "hunter2";
/// How many bytes of a secret are looked for: as few cannot occur by chance.
const WINDOW: usize = 20;

/// The numbers of a private key that are not public, as openssl prints them.
fn numbers(key: &Path) -> Vec<Vec<u8>> {
    let text = succeed(tool("openssl").args(["pkey", "-noout", "-text", "-in"]).arg(key));
    let secret = ["privateExponent:", "prime1:", "prime2:", "exponent1:", "exponent2:", "coefficient:", "priv:"];
    let (mut numbers, mut is_secret) = (Vec::<Vec<u8>>::new(), false);
    for line in text.lines() {
        if !line.starts_with(' ') {
            is_secret = secret.contains(&line.trim());
            if is_secret {
                numbers.push(Vec::new());
            }
        } else if is_secret {
            let digits = line.trim().split(':').filter(|pair| !pair.is_empty());
            numbers.last_mut().unwrap().extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        }
    }
    assert!(!numbers.is_empty() && numbers.iter().all(|number| number.len() >= WINDOW), "{text}");
    numbers
}

/// A number as it may stand in a text: its bytes, hex in both cases, decimal, and base64 of both alphabets, wherever it
/// begins in what was encoded. So stands the whole key in DER and in PEM, too, whose parts they are.
fn encodings(number: &[u8]) -> Vec<Vec<u8>> {
    let hex = |upper: bool| {
        let digits = |byte: &u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
        number.iter().map(digits).collect::<String>().into_bytes()
    };
    let mut found = vec![number.to_vec(), hex(false), hex(true)];
    found.push(BigUint::from_bytes_be(number).to_string().into_bytes());
    for skipped in 0..3 {
        for engine in [STANDARD, URL_SAFE] {
            let text = engine.encode(number.get(skipped..number.len() - 3).unwrap());
            found.push(text.trim_end_matches('=').as_bytes().to_vec());
        }
    }
    found
}

/// Secrets, and whether one of them is in a text.
#[derive(Default)]
pub(crate) struct Canaries(Vec<Vec<u8>>);

impl Canaries {
    fn add_key(&mut self, key: &Path) {
        self.0.extend(numbers(key).iter().flat_map(|number| encodings(number)));
    }

    /// Returns the first secret of which [`WINDOW`] bytes are in a text, be they on several lines.
    pub(crate) fn found_in(&self, text: &[u8]) -> Option<String> {
        let escaped = String::from_utf8_lossy(text).replace("\\n", "").replace("\\u000A", "");
        let packed: Vec<u8> = escaped.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':').collect();
        let mut seen: HashSet<&[u8]> = text.windows(WINDOW).collect();
        seen.extend(packed.windows(WINDOW));
        let mut secrets = self.0.iter().flat_map(|secret| secret.windows(WINDOW));
        secrets.find(|window| seen.contains(window)).map(|window| String::from_utf8_lossy(window).into_owned())
    }
}

/// A control plane with a secret in every place where people and programs keep them.
pub(crate) fn laden() -> (Node, Canaries) {
    let (node, mut canaries) = (control_plane(), Canaries::default());
    for file in walkdir::WalkDir::new(node.path("etc/kubernetes/pki")) {
        let path = file.unwrap().into_path();
        if path.extension().is_some_and(|ending| ending == "key") {
            canaries.add_key(&path);
        }
    }
    canaries.add_key(&node.path("var/lib/kubelet/pki/kubelet-client-current.pem"));
    // An RSA key of every form, and one in a place for certificates.
    for (name, form) in [("rsa.key", "pkcs8"), ("old.key", "rsa")] {
        let place = format!("etc/kubernetes/pki/{name}");
        node.write(&place, "");
        let made = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"];
        succeed(tool("openssl").args(made).arg(node.path(&place)));
        if form == "rsa" {
            let text = succeed(tool("openssl").args(["rsa", "-traditional", "-in"]).arg(node.path(&place)));
            node.write(&place, text);
        }
        canaries.add_key(&node.path(&place));
        let text = node.text(&place);
        let label = if form == "rsa" { "RSA PRIVATE KEY" } else { "PRIVATE KEY" };
        node.write(&format!("etc/kubernetes/pki/{name}.crt"), text.replace(label, "CERTIFICATE"));
        node.write(&format!("etc/kubernetes/pki/{name}.pub"), text.replace(label, "PUBLIC KEY"));
        node.write(&format!("etc/kubernetes/pki/{name}.pem"), text.replace(label, &format!("{WORD} KEY")));
    }
    // The bytes themselves, and their base64 without the lines around it.
    let mut openssl = tool("openssl");
    let der = run(openssl.args(["pkey", "-outform", "DER", "-in"]).arg(node.path("etc/kubernetes/pki/rsa.key"))).stdout;
    node.write("etc/kubernetes/pki/bare.key", STANDARD.encode(&der));
    node.write("etc/kubernetes/pki/bytes.key", &der);
    node.write("etc/kubernetes/pki/bytes.crt", &der);
    for kubeconfig in ["admin.conf", "controller-manager.conf", "scheduler.conf"] {
        let text = node.text(&format!("etc/kubernetes/{kubeconfig}"));
        let data = text.lines().find_map(|line| line.trim().strip_prefix("client-key-data: ")).unwrap();
        node.write("a.key", STANDARD.decode(data).unwrap());
        canaries.add_key(&node.path("a.key"));
    }
    node.remove("a.key");
    flags_and_environment(&node);
    kubeconfigs_and_configurations(&node);
    (node, canaries)
}

fn flags_and_environment(node: &Node) {
    let secret = |number: u32| format!("{WORD}-{number}");
    for (number, flag) in (1..).zip([
        "--token-auth-file=/etc/kubernetes/tokens.csv",
        "--basic-auth-file=/etc/kubernetes/basic.csv",
        "--encryption-provider-config=/etc/kubernetes/encryption.yaml",
        "--audit-webhook-config-file=/etc/kubernetes/audit.yaml",
        "--admission-control-config-file=/etc/kubernetes/admission.yaml",
        "--cloud-config=/etc/kubernetes/cloud.conf",
        "--etcd-password=SECRET",
        "-pSECRET",
        "-p SECRET",
        "--etcd-servers=https://user:SECRET@127.0.0.1:2379,https://b:2379?token=SECRET#SECRET",
        "--service-account-issuer=https://u:SECRET@issuer.example",
        "--oidc-issuer-url=https://u:1/SECRET@issuer.example",
        "--oidc-client-secret SECRET",
        "--service-account-jwks-uri=https://issuer.example?SECRET",
        "--tls-cert-file=SECRET",
        "--advertise-address=SECRET@host",
        "--allow-privileged=SECRET",
        "--kubelet-preferred-address-types=a,SECRET!",
    ]) {
        node.flag("kube-apiserver", &flag.replace("SECRET", &secret(number)));
    }
    for (number, name) in
        (30..).zip(["tokens.csv", "basic.csv", "encryption.yaml", "audit.yaml", "admission.yaml", "cloud.conf"])
    {
        node.write(&format!("etc/kubernetes/{name}"), format!("secret: {}\n", secret(number)));
    }
    let etcd = format!("{MANIFESTS}/etcd.yaml");
    let environment = "    env:\n    - name: ETCD_DISCOVERY\n      value: https://discovery.example/hunter2-40\n    \
                       - {name: ETCD_AUTH_TOKEN, value: hunter2-41}\n    - name: PASSWORD\n      value: hunter2-42\n";
    node.replace(&etcd, "    image:", &format!("{environment}    image:"));
    node.replace(&etcd, "metadata:\n", "# hunter2-43\nmetadata:\n  generateName: hunter2-44\n");
    node.write(
        &format!("{MANIFESTS}/kube-vip.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: vip}\nspec:\n  containers:\n  - name: kube-vip\n    image: a/vip:v0.1.2\n    \
         command: [/kube-vip, --password, hunter2-45, --hunter2-46=x]\n    args: [manager]\n    env:\n    \
         - {name: PASSWORD, value: hunter2-47}\n",
    );
    node.write(
        "etc/systemd/system/kubelet.service",
        "[Service]\nEnvironment=HTTPS_PROXY=http://user:hunter2-50@proxy:3128 \"MORE=--bootstrap-token=hunter2-51\"\n\
         EnvironmentFile=/etc/default/kubelet\nExecStartPre=/bin/login hunter2-52\n\
         ExecStart=/usr/bin/kubelet hunter2-53 --token hunter2-54 $MORE ${EXTRA} --root-dir=$PASSWORD \\\n  --node-ip=10.1.2.3\n",
    );
    node.write("etc/default/kubelet", "PASSWORD=hunter2-55\nEXTRA=\"--x=hunter2-56\"\n# hunter2-57\n");
    node.write(
        "etc/systemd/system/etcd.service",
        "[Service]\nEnvironment=ETCD_PASSWORD=hunter2-58\nExecStart=/bin/etcd hunter2-59\n",
    );
    node.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/bin/k3s server --token hunter2-60\n");
}

fn kubeconfigs_and_configurations(node: &Node) {
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://u:hunter2-70@k8s.lab:6443/x?hunter2-71\n    \
         proxy-url: http://u:hunter2-72@proxy\n- name: d\n  cluster:\n    server: https://u:1/hunter2-73@k8s.lab\n    certificate-authority-data: hunter2-74\n\
         contexts:\n- name: x\n  context: {cluster: c, user: a, namespace: hunter2-75}\ncurrent-context: x\n\
         preferences: {colors: hunter2-76}\nextensions:\n- name: e\n  extension: hunter2-77\nusers:\n\
         - name: a\n  user:\n    token: hunter2-78\n    username: hunter2-79\n    password: hunter2-80\n    tokenFile: /hunter2-81\n\
         - name: b\n  user:\n    exec:\n      command: hunter2-82\n      args: [hunter2-83]\n      env:\n      - {name: A, value: hunter2-84}\n\
         - name: c\n  user:\n    auth-provider:\n      name: oidc\n      config:\n        client-secret: hunter2-85\n        id-token: hunter2-86\n\
         - name: d\n  user:\n    as: hunter2-87\n    client-certificate: hunter2 88\n    client-key-data: hunter2-89\n";
    for place in
        ["root/.kube/config", "home/alice/.kube/config", "etc/cni/net.d/calico-kubeconfig", "etc/kubernetes/b.conf"]
    {
        node.write(place, kubeconfig);
    }
    // A name that is none, and a file of a cloud provider beside the kubeconfigs.
    node.write(
        "etc/kubernetes/names.conf",
        "kind: Config\nclusters:\n- name: https://u:hunter2-110@h\n  cluster: {server: \"https://h\", tls-server-name: hunter2 111}\n\
         users:\n- name: \"token=hunter2-112\"\n  user: {token: hunter2-113}\ncontexts:\n- name: \"u:hunter2-114@h\"\n  \
         context: {cluster: \"https://u:hunter2-110@h\", user: \"token=hunter2-112\"}\ncurrent-context: \"u:hunter2-114@h\"\n",
    );
    {}
    node.replace(
        "var/lib/kubelet/config.yaml",
        "kind:",
        "staticPodURLHeader:\n  Authorization: [\"Bearer hunter2-90\"]\nhunter2-91: hunter2-92\npodCIDR: hunter2 93\nproviderID: hunter2-94\nkind:",
    );
    node.write(
        "etc/kubernetes/kubeadm-config.yaml",
        "kind: InitConfiguration\ncertificateKey: hunter2-100\nbootstrapTokens:\n- token: hunter2-101\n---\nkind: ClusterConfiguration\n\
         apiServer:\n  extraArgs: {token-auth-file: hunter2-102}\netcd:\n  external:\n    endpoints: [\"https://u:hunter2-103@e:2379\"]\n",
    );
    node.write(
        "etc/kubernetes/kubeadm-client.conf",
        "kind: JoinConfiguration\ndiscovery:\n  bootstrapToken:\n    token: hunter2-104\n",
    );
    node.write("etc/rancher/k3s/config.yaml", "token: hunter2-105\n");
    node.write("var/lib/rancher/k3s/server/token", "hunter2-106\n");
    // What people write around a block, and a key that is sealed by a word.
    let place = "etc/kubernetes/pki/ca.crt";
    node.write(place, format!("friendlyName: hunter2-107\n{}\nhunter2-108\n", node.text(place)));
    node.write(
        "etc/kubernetes/pki/broken.key",
        "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\nhunter2-109\n",
    );
}

/// A secret's own file holds it: so it would be found.
#[test]
fn what_is_looked_for_is_found_where_it_is() {
    let (node, canaries) = laden();
    for place in [
        "etc/kubernetes/pki/ca.key",
        "etc/kubernetes/pki/rsa.key",
        "etc/kubernetes/pki/old.key.crt",
        "var/lib/kubelet/pki/kubelet-client-current.pem",
    ] {
        assert!(canaries.found_in(node.text(place).as_bytes()).is_some(), "{place}");
    }
    let der =
        run(tool("openssl").args(["pkey", "-outform", "DER", "-in"]).arg(node.path("etc/kubernetes/pki/rsa.key")));
    for text in
        [der.stdout.clone(), STANDARD.encode(&der.stdout).into_bytes(), URL_SAFE.encode(&der.stdout).into_bytes()]
    {
        assert!(canaries.found_in(&text).is_some());
    }
    for number in numbers(&node.path("etc/kubernetes/pki/old.key")) {
        for text in encodings(&number) {
            assert!(canaries.found_in(&text).is_some());
        }
    }
    assert!(canaries.found_in(node.text("etc/kubernetes/pki/sa.pub").as_bytes()).is_none());
}

#[test]
fn a_survey_holds_none_of_the_nodes_secrets() {
    let (node, canaries) = laden();
    let ended = survey_of(&node.path(""));
    is_clean(&ended, &canaries);
    let found = Script::new().survey_of(&tools().remove(1), &node.path(""));
    assert_eq!((found.code, found.stdout), (ended.code, ended.stdout), "and survey.sh says the same");
}

fn is_clean(ended: &Ended, canaries: &Canaries) {
    let Ended { code, stdout, stderr } = ended;
    assert!(!stdout.contains(WORD), "{:?}", stdout.lines().find(|line| line.contains(WORD)));
    assert!(!stderr.contains(WORD), "{stderr}");
    let said = format!("{stdout}{stderr}");
    assert_eq!(canaries.found_in(said.as_bytes()), None);
    assert!(!said.contains("aHVudGVyMg"));
    // Everything else is there all the same.
    for text in [
        "name = \"token-auth-file\", value = \"/etc/kubernetes/tokens.csv\"",
        "name = \"etcd-servers\", value = \"https://127.0.0.1:2379,https://b:2379\"",
        "server = \"https://k8s.lab:6443/x\"",
        "withheld = [\"password\", \"token\", \"tokenFile\", \"username\"]",
        "name = \"kube-vip\"",
        "name = \"node-ip\", value = \"10.1.2.3\"",
    ] {
        assert!(stdout.contains(text), "{text}: {stdout}");
    }
    // What was laid out to mislead cannot be read as what it should be.
    assert_eq!(*code, Some(2));
    assert!(stderr.starts_with("error: the survey is not complete"), "{stderr}");
}

/// What other users can see of a program is its arguments; what stays after a power failure is on a disk.
#[test]
fn the_script_gives_no_secret_to_an_argument_and_leaves_no_file() {
    let (node, canaries) = laden();
    let (script, tools) = (Script::new(), tools().remove(0));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    for program in PROGRAMS {
        let real = find(if program == "awk" { "mawk" } else { program });
        let noted = format!("/proc/$$/cmdline /proc/$$/environ >>{}", log.display());
        tools.add_script(program, &format!("{} {noted}\nexec {} \"$@\"\n", find("cat").display(), real.display()));
    }
    let place = folder.path().join("place");
    fs::create_dir(&place).unwrap();
    let before = crate::common::node::everything(&node.path(""));
    let ended =
        end(script.command(&tools, &node.path("")).current_dir(&place).env("TMPDIR", &place).env("HOME", &place));
    is_clean(&ended, &canaries);
    let seen = fs::read(&log).unwrap();
    assert!(seen.len() > 100_000, "nothing was noted");
    assert_eq!(canaries.found_in(&seen), None);
    assert!(!String::from_utf8_lossy(&seen).contains(WORD));
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "a file was left");
    assert!(crate::common::node::everything(&node.path("")) == before, "the node was changed");
}

/// `certferry survey` only reads.
#[test]
fn nothing_on_the_node_is_changed() {
    let node = control_plane();
    let before = crate::common::node::everything(&node.path(""));
    succeed(&mut command(&node.path("")));
    assert!(crate::common::node::everything(&node.path("")) == before);
}
