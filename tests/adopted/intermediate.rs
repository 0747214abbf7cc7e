//! CAs of kubeadm's that a corporate root has signed: who trusts the root alone, who the CA alone, and what is refused.

use certferry::x509::{ReadCertificate, read_pem};
use time::Duration;

use super::{KUBEADM, P256, PROFILE, Shape, authority, certificate, key, openssl, says, tables};
use crate::common::desk::Desk;
use crate::common::{certferry, run, succeed, tool};
use crate::go::{Case, Oracle, Usage};
use crate::planting::GENUINE;

pub(super) const ROOT: Shape<'static> = Shape {
    subject: "O = Example\nCN = Example root",
    strings: "default",
    key: P256,
    extensions: KUBEADM,
    serial: "01",
    end: "20980101000000Z",
    digest: "sha256",
};
pub(super) const NAMED: &str = "keyUsage = critical, digitalSignature, keyCertSign\n\
                                basicConstraints = critical, CA:TRUE\n\
                                subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";
const MORE: &str = "\n[[user]]\nname = \"alice\"\n\n[[etcd_client]]\nname = \"backup\"\n";
const PKI: &str = "one/etc/kubernetes/pki";

/// Makes `adopted/NAME.crt`, a CA below `adopted/root.crt` with the root behind it, and `adopted/NAME.key`.
pub(super) fn below(desk: &Desk, name: &str, subject: &str) {
    key(desk, name, P256);
    certificate(desk, name, &Shape { subject, extensions: NAMED, serial: "02", ..Shape::default() }, "root");
    let both = desk.text(&format!("adopted/{name}.crt")) + &desk.text("adopted/root.crt");
    desk.write(&format!("adopted/{name}.crt"), both);
}

/// A desk with kubeadm's CAs and a sibling of them below one root.
pub(super) fn authorities() -> Desk {
    let desk = Desk::new();
    authority(&desk, "root", &ROOT);
    for (name, subject) in [
        ("ca", "CN = kubernetes"),
        ("etcd-ca", "CN = etcd-ca"),
        ("front-proxy-ca", "CN = front-proxy-ca"),
        ("sibling", "CN = Somebody else"),
    ] {
        below(&desk, name, subject);
    }
    key(&desk, "sa", P256);
    desk
}

fn desk() -> Desk {
    let desk = authorities();
    desk.write("lab.toml", format!("{PROFILE}{MORE}{}", tables(false)));
    desk
}

/// What a build says of these CAs: nothing but that they outlive their issuer, which nothing below them does.
fn outlives() -> String {
    let told = |ca| {
        format!(
            "warning: ca/{ca} outlives its issuer CN=Example root,O=Example, which ends on 2098-01-01T00:00:00Z\n\
             hint: nothing that is planned below it does; from that day on OpenSSL and browsers take nothing of it, and Go \
             goes on\n"
        )
    };
    ["etcd", "front-proxy", "kubernetes"].map(told).concat()
}

fn built(desk: &Desk) {
    let ended = desk.run("build lab.toml --seed lab.seed --out one-out --lock lab.lock.toml");
    assert_eq!((ended.code, ended.stderr), (Some(0), outlives()));
    for (part, root) in [("--node cp-1", "one"), ("--node worker-1", "two"), ("--with-cluster", "cluster")] {
        let line = format!("unpack one-out/lab-g1.tar.gz --key one-out/lab.pub {part} --root {root}");
        let unpacked = desk.run(&line);
        assert_eq!((unpacked.code, unpacked.stderr.as_str()), (Some(0), ""), "{line}");
    }
}

fn blocks(desk: &Desk, file: &str) -> Vec<String> {
    let text = desk.text(file);
    let end = "-----END CERTIFICATE-----\n";
    text.split_inclusive(end).filter(|block| block.ends_with(end)).map(str::to_owned).collect()
}

/// The first certificate in a file.
fn first(desk: &Desk, file: &str) -> ReadCertificate {
    read_pem(&desk.read(file)).unwrap().certificates.remove(0)
}

/// The CAs in a kubeconfig.
fn trusted(desk: &Desk, kubeconfig: &str, to: &str) -> usize {
    let text = desk.text(kubeconfig);
    let data = text.lines().find_map(|line| line.trim().strip_prefix("certificate-authority-data: ")).unwrap();
    desk.write("data", format!("{data}\n"));
    succeed(openssl(desk).args(["base64", "-d", "-A", "-in", "data", "-out", to]));
    blocks(desk, to).len()
}

fn verifies(desk: &Desk, words: &[&str]) -> bool {
    let mut verify = openssl(desk);
    verify.args(["verify", "-no_check_time", "-x509_strict"]).args(words).output().unwrap().status.success()
}

/// A handshake in Python, by OpenSSL: a client that trusts a file, a server with a pair.
fn shakes_hands(desk: &Desk, trusted: &str, server: &str) -> bool {
    let program = "\
import ssl, sys
trusted, pair, name = sys.argv[1:]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(pair + '.crt', pair + '.key')
client = ssl.create_default_context(cafile=trusted)
a, b, c, d = (ssl.MemoryBIO() for _ in range(4))
sides = [client.wrap_bio(a, b, server_hostname=name), server.wrap_bio(b, a, server_side=True)]
done = [False, False]
for _ in range(10):
    for index, side in enumerate(sides):
        try:
            side.do_handshake()
            done[index] = True
        except ssl.SSLWantReadError:
            pass
sys.exit(0 if all(done) else 3)
";
    let mut python = tool("python3");
    python.current_dir(desk.path("")).args(["-c", program, trusted, server, "192.168.10.5"]);
    run(&mut python).status.success()
}

#[test]
fn clients_are_known_by_the_ca_alone_and_servers_verified_up_to_the_root() {
    let desk = desk();
    built(&desk);
    // Who authenticates or signs has the CA alone.
    for (file, from) in [
        (format!("{PKI}/ca.crt"), "ca"),
        (format!("{PKI}/etcd/ca.crt"), "etcd-ca"),
        (format!("{PKI}/front-proxy-ca.crt"), "front-proxy-ca"),
        ("two/etc/kubernetes/pki/ca.crt".to_owned(), "ca"),
    ] {
        let own = &blocks(&desk, &format!("adopted/{from}.crt"))[0];
        assert_eq!(desk.text(&file), *own, "{file}");
    }
    let chain = format!("{PKI}/ca-chain.crt");
    assert_eq!(desk.text(&chain), desk.text("adopted/ca.crt"));
    assert!(!desk.exists("two/etc/kubernetes/pki/ca-chain.crt"));
    // kubeadm compares its kubeconfigs with ca.crt, and makes cluster-info of admin.conf.
    for kubeconfig in ["admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"] {
        assert_eq!(trusted(&desk, &format!("one/etc/kubernetes/{kubeconfig}"), "its-ca"), 1, "{kubeconfig}");
        assert_eq!(desk.text("its-ca"), desk.text(&format!("{PKI}/ca.crt")));
    }
    assert_eq!(trusted(&desk, "cluster/users/alice.conf", "its-ca"), 2);
    assert_eq!(desk.text("cluster/etcd-clients/backup/ca.crt"), desk.text("adopted/etcd-ca.crt"));

    let servers = [
        (format!("{PKI}/apiserver"), "its-ca"),
        ("two/var/lib/kubelet/pki/kubelet".to_owned(), &*chain),
        ("one/var/lib/kubelet/pki/kubelet".to_owned(), &*chain),
        (format!("{PKI}/etcd/server"), "cluster/etcd-clients/backup/ca.crt"),
        (format!("{PKI}/etcd/peer"), "cluster/etcd-clients/backup/ca.crt"),
    ];
    for (server, chain) in &servers {
        let file = format!("{server}.crt");
        assert_eq!(blocks(&desk, &file).len(), 2, "{file}");
        for root in ["adopted/root.crt", chain] {
            assert!(verifies(&desk, &["-CAfile", root, "-untrusted", &file, &file]), "{file} by {root}");
        }
        assert!(verifies(&desk, &["-CAfile", chain, &file]), "{file} alone");
    }
    // The name is that of cp-1.
    for (server, chain) in servers.iter().filter(|(server, _)| !server.starts_with("two/")) {
        for root in ["adopted/root.crt", chain] {
            assert!(shakes_hands(&desk, root, server), "{server} by {root}");
        }
    }
    // Without the issuers no such client gets through; this is why they are there.
    assert!(!shakes_hands(&desk, &format!("{PKI}/ca.crt"), &servers[0].0));
    // Clients send themselves alone.
    for (client, ca) in [
        ("apiserver-kubelet-client", "ca"),
        ("front-proxy-client", "front-proxy-ca"),
        ("apiserver-etcd-client", "etcd/ca"),
        ("etcd/healthcheck-client", "etcd/ca"),
    ] {
        let (client, ca) = (format!("{PKI}/{client}.crt"), format!("{PKI}/{ca}.crt"));
        assert_eq!(blocks(&desk, &client).len(), 1, "{client}");
        assert!(verifies(&desk, &["-partial_chain", "-CAfile", &ca, &client]), "{client}");
    }
}

/// Go, in which Kubernetes and etcd are written, takes a CA for an anchor that did not sign itself; and nothing of a sibling.
#[test]
fn go_knows_clients_by_the_ca_alone_and_no_siblings() {
    let Some(oracle) = Oracle::build() else { return };
    let desk = desk();
    built(&desk);
    let masters = "subjectAltName=DNS:kubernetes\nextendedKeyUsage=serverAuth,clientAuth\n";
    desk.write("ext", masters);
    for signer in ["sibling", "root"] {
        let mut request = openssl(&desk);
        request.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
        let file = |ending: &str| format!("{signer}-client.{ending}");
        succeed(request.args(["/O=system:masters/CN=eve", "-keyout", &file("key"), "-out", &file("csr")]));
        let mut sign = openssl(&desk);
        sign.args(["x509", "-req", "-days", "900", "-extfile", "ext", "-CAcreateserial", "-in", &file("csr"), "-out"]);
        sign.args([&file("crt"), "-CA", &format!("adopted/{signer}.crt"), "-CAkey", &format!("adopted/{signer}.key")]);
        succeed(&mut sign);
        desk.write(&file("crt"), desk.text(&file("crt")) + &desk.text("adopted/sibling.crt"));
    }
    let pki = |file: &str| format!("{PKI}/{file}");
    let mut cases = Vec::new();
    let mut ask = |pair: &str, roots: String, usage: Usage, is_taken: bool| {
        let read = first(&desk, &format!("{pair}.crt"));
        let case = Case {
            number: u64::try_from(cases.len()).unwrap(),
            faults: vec![if is_taken { "taken" } else { "refused" }],
            chain: desk.text(&format!("{pair}.crt")),
            roots: desk.text(&roots),
            key: desk.text(&format!("{pair}.key")),
            at: read.not_before() + Duration::days(10),
            host: None,
            usage,
        };
        cases.push(case);
    };
    for (pair, ca) in [
        ("apiserver-kubelet-client", "ca.crt"),
        ("front-proxy-client", "front-proxy-ca.crt"),
        ("apiserver-etcd-client", "etcd/ca.crt"),
        ("etcd/healthcheck-client", "etcd/ca.crt"),
        ("etcd/peer", "etcd/ca.crt"),
        ("etcd/server", "etcd/ca.crt"),
    ] {
        ask(&pki(pair), pki(ca), Usage::Client, true);
    }
    for (pair, roots) in [
        (pki("apiserver"), pki("ca.crt")),
        (pki("apiserver"), pki("ca-chain.crt")),
        (pki("apiserver"), "adopted/root.crt".to_owned()),
        (pki("etcd/server"), pki("etcd/ca.crt")),
        (pki("etcd/peer"), pki("etcd/ca.crt")),
        ("one/var/lib/kubelet/pki/kubelet".to_owned(), pki("ca-chain.crt")),
    ] {
        ask(&pair, roots, Usage::Server, true);
    }
    for ca in ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt"] {
        ask("sibling-client", pki(ca), Usage::Client, false);
        ask("root-client", pki(ca), Usage::Client, false);
    }
    // What the corporate root beside the CA would let in.
    ask("sibling-client", pki("ca-chain.crt"), Usage::Client, true);
    for (answer, case) in oracle.ask(&cases).iter().zip(&cases) {
        let is_taken = answer.key_pair.is_none() && answer.verify.is_none();
        assert_eq!(is_taken, case.faults == ["taken"], "{}: {answer:?}", case.number);
    }
}

#[test]
fn a_plan_says_what_is_to_be_done_by_hand() {
    let desk = desk();
    let plan = desk.run("plan lab.toml");
    assert_eq!((plan.code, plan.stderr), (Some(0), outlives()));
    let adopted = "  adopted, an intermediate of CN=Example root,O=Example\n";
    assert_eq!(plan.stdout.matches(adopted).count(), 3, "{}", plan.stdout);
    let by_hand = "
ca/kubernetes is an intermediate: /etc/kubernetes/pki/ca-chain.crt has it with its issuers, for pods that verify API servers.
  kubeadm/init.yaml says so; where the cluster runs already, put it by hand into kube-controller-manager.yaml
  of each control plane, once its files are there: --root-ca-file=/etc/kubernetes/pki/ca-chain.crt
";
    assert!(plan.stdout.contains(by_hand), "{}", plan.stdout);
    built(&desk);
    let init = desk.text("cluster/kubeadm/init.yaml");
    let map = "controllerManager:\n  extraArgs:\n    root-ca-file: \"/etc/kubernetes/pki/ca-chain.crt\"\n";
    assert!(init.contains(map), "{init}");
    desk.write("lab.toml", desk.text("lab.toml").replace("1.24.15", "1.31.0"));
    built_anew(&desk);
    let init = desk.text("new/kubeadm/init.yaml");
    let list =
        "controllerManager:\n  extraArgs:\n  - name: root-ca-file\n    value: \"/etc/kubernetes/pki/ca-chain.crt\"\n";
    assert!(init.contains(list), "{init}");
}

/// Builds without a lock of before, and unpacks the cluster's part to `new`.
fn built_anew(desk: &Desk) {
    let ended = desk.run("build lab.toml --seed lab.seed --out new-out --lock new.lock.toml");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(desk.run("unpack new-out/lab-g1.tar.gz --key new-out/lab.pub --with-cluster --root new").code, Some(0));
}

/// Another certificate of an issuer moves what verifies servers, which is a new generation of the bundle and no new CA.
#[test]
fn other_issuers_are_a_new_generation_and_no_new_ca() {
    let desk = desk();
    built(&desk);
    let old = desk.text("adopted/root.crt");
    certificate(&desk, "root", &Shape { end: "20970101000000Z", serial: "77", ..ROOT }, "root");
    let new = desk.text("adopted/root.crt");
    for name in ["ca", "etcd-ca", "front-proxy-ca"] {
        let file = format!("adopted/{name}.crt");
        desk.write(&file, desk.text(&file).replace(&old, &new));
    }
    let build = "build lab.toml --seed lab.seed --out next-out --lock lab.lock.toml";
    let refused = desk.run(build);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(" would change at generation 1\n"), "{}", refused.stderr);
    let profile = desk.text("lab.toml").replace("issued_at = 2026-11-22", "issued_at = 2026-11-22\ngeneration = 2");
    desk.write("lab.toml", profile);
    let plan = desk.run("plan lab.toml --changes");
    assert!(plan.stdout.contains("users/alice.conf") && !plan.stdout.contains("refused"), "{}", plan.stdout);
    let next = desk.run(build);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
}

/// What a stranger's bundle may not do, whoever signed it.
#[test]
fn a_chain_stands_only_where_it_belongs() {
    let place = |file: &str| format!("etc/kubernetes/pki/{file}");
    let ca = |lab: &mut crate::planting::Cluster| lab.tree("node/cp-1").get(&place("ca.crt"));
    for (file, behind) in [("apiserver.crt", "ca.crt"), ("apiserver-kubelet-client.crt", "apiserver.crt")] {
        let [mut lab, _] = GENUINE.clone();
        let own = lab.tree("node/cp-1").get(&place(file));
        let behind = if behind == "ca.crt" { ca(&mut lab) } else { lab.tree("node/cp-1").get(&place(behind)) };
        lab.tree("node/cp-1").set(&place(file), [own, behind].concat());
        let desk = lab.carry();
        let ended = desk.run("verify lab-g1.tar.gz --key lab.pub --at 2027-01-01");
        assert_eq!(ended.code, Some(1), "{file}: {}", ended.stdout);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains(&place(file)), "{file}: {said}");
    }
}

/// A request over the key of an intermediate brings it a later certificate, under which everything stays good.
#[test]
fn an_intermediate_is_signed_again_for_its_own_key() {
    let desk = desk();
    built(&desk);
    let told = "\
again.csr  for the key adopted/ca.key of ca/kubernetes; not secret
Whoever has the root signs it with its extensions; name the result in `certificate` of [ca.kubernetes],
in one file with its issuers behind it, up to the root
";
    assert_eq!(desk.succeed("csr lab.toml --ca kubernetes --out again.csr"), told);
    sign(&desk, "again.csr", "again.crt");
    let (old, new) = (first(&desk, "adopted/ca.crt"), first(&desk, "again.crt"));
    assert_eq!(old.subject_der(), new.subject_der());
    assert_eq!(old.subject_key_identifier(), new.subject_key_identifier());
    assert_eq!(old.spki_der(), new.spki_der());
    assert!(verifies(
        &desk,
        &["-partial_chain", "-CAfile", "again.crt", &format!("{PKI}/apiserver-kubelet-client.crt")]
    ));
}

/// Lets the root sign a request, with its extensions.
fn sign(desk: &Desk, request: &str, to: &str) {
    desk.write("named", "authorityKeyIdentifier = keyid\n");
    let mut sign = openssl(desk);
    sign.args(["x509", "-req", "-copy_extensions", "copyall", "-extfile", "named", "-days", "26000"]);
    sign.args(["-set_serial", "9", "-in", request, "-CA", "adopted/root.crt", "-CAkey", "adopted/root.key"]);
    succeed(sign.args(["-out", to]));
}

/// Signed elsewhere: the seed's key, the corporate root's signature.
#[test]
fn what_somebody_else_signs_for_kubeadms_cas_is_adopted() {
    let desk = Desk::new();
    authority(&desk, "root", &ROOT);
    let profile = PROFILE.replace("leaf = \"70y\"", "leaf = \"20y\"");
    desk.write("lab.toml", &profile);
    let mut tables = String::new();
    for name in ["kubernetes", "etcd", "front-proxy"] {
        desk.succeed(&format!("csr lab.toml --ca {name} --seed lab.seed --out {name}.csr"));
        says(&desk, &["req", "-verify", "-noout", "-in", &format!("{name}.csr")]);
        sign(&desk, &format!("{name}.csr"), "signed");
        desk.write(&format!("adopted/{name}.crt"), desk.text("signed") + &desk.text("adopted/root.crt"));
        tables += &format!("\n[ca.{name}]\ncertificate = \"adopted/{name}.crt\"\n");
    }
    desk.write("lab.toml", profile + &tables);
    let plan = desk.run("plan lab.toml");
    let signed = "  signed elsewhere, an intermediate of CN=Example root,O=Example: a build checks that its key is the derived one";
    assert_eq!(plan.stdout.matches(signed).count(), 3, "{}", plan.stdout);
    let ended = desk.run("build lab.toml --seed lab.seed --out one-out");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let unpack = desk.run("unpack one-out/lab-g1.tar.gz --key one-out/lab.pub --node cp-1 --root one");
    assert_eq!(unpack.code, Some(0), "{}", unpack.stderr);
    let server = format!("{PKI}/apiserver.crt");
    assert!(verifies(&desk, &["-CAfile", "adopted/root.crt", "-untrusted", &server, &server]));
    assert_eq!(blocks(&desk, &format!("{PKI}/ca.crt")).len(), 1);
    assert!(desk.exists(&format!("{PKI}/ca.key")));
}

/// A node takes such a bundle from certferry and from a shell alike, and doctor says what is left to do.
#[test]
fn a_node_takes_it_and_doctor_says_what_is_left() {
    let desk = desk();
    built(&desk);
    for root in ["by-certferry", "by-shell"] {
        let folder = format!("{root}/etc/kubernetes/manifests");
        std::fs::create_dir_all(desk.path(&folder)).unwrap();
        desk.write(
            &format!("{folder}/kube-controller-manager.yaml"),
            crate::import::recorded("kube-controller-manager.yaml"),
        );
        desk.write(&format!("{root}/etc/hostname"), "cp-1\n");
    }
    let apply = "apply one-out/lab-g1.tar.gz --key one-out/lab.pub --node cp-1 --root by-certferry";
    let applied = desk.run(apply);
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    let mut shell = tool("sh");
    shell.current_dir(desk.path("")).args(["one-out/install.sh", "one-out/lab-g1.tar.gz", "--key", "one-out/lab.pub"]);
    let said = run(shell.args(["--node", "cp-1", "--root", "by-shell"]));
    assert!(
        said.status.success(),
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    for file in ["ca.crt", "ca-chain.crt", "apiserver.crt", "etcd/server.crt"] {
        let file = format!("etc/kubernetes/pki/{file}");
        assert!(desk.read(&format!("by-shell/{file}")) == desk.read(&format!("by-certferry/{file}")), "{file}");
    }
    for root in ["by-certferry", "by-shell"] {
        let mut doctor = certferry();
        doctor.current_dir(desk.path("")).args(["doctor", root, "--at", "2027-01-01", "-o", "json"]);
        let found: serde_json::Value = serde_json::from_slice(&run(&mut doctor).stdout).unwrap();
        let rules: Vec<_> =
            found["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
        assert!(rules.contains(&"root-ca-below"), "{rules:?}");
        assert!(!rules.contains(&"client-ca-above"), "{rules:?}");
        let mend = found.to_string();
        let how = "put `--root-ca-file=/etc/kubernetes/pki/ca-chain.crt`, which has the issuers, into /etc/kubernetes/manifests/kube-controller-manager.yaml";
        assert!(mend.contains(how), "{mend}");
        let manifest = format!("{root}/etc/kubernetes/manifests/kube-controller-manager.yaml");
        desk.write(
            &manifest,
            desk.text(&manifest)
                .replace("root-ca-file=/etc/kubernetes/pki/ca.crt", "root-ca-file=/etc/kubernetes/pki/ca-chain.crt"),
        );
        let mut doctor = certferry();
        doctor.current_dir(desk.path("")).args(["doctor", root, "--at", "2027-01-01", "-o", "json"]);
        let found: serde_json::Value = serde_json::from_slice(&run(&mut doctor).stdout).unwrap();
        assert!(!found.to_string().contains("root-ca-below"), "{found}");
    }
    let imported = desk.run("init --from by-certferry --out imported");
    assert_eq!(imported.code, Some(0), "{}{}", imported.stdout, imported.stderr);
    for (name, own) in [("ca", "ca"), ("etcd/ca", "etcd-ca"), ("front-proxy-ca", "front-proxy-ca")] {
        let own = desk.text(&format!("adopted/{own}.crt"));
        assert_eq!(desk.text(&format!("imported/adopted/{name}.crt")), own, "{name}");
    }
    let names = desk.names("imported");
    let profile = names.iter().find(|name| name.ends_with(".toml")).unwrap();
    let profile = desk.text(&format!("imported/{profile}"));
    assert!(profile.contains("leaf = \"2098-01-01T00:00:00Z\"") && !profile.contains("\nrenew"), "{profile}");
    let status = desk.run("status --root by-certferry");
    assert_eq!(status.code, Some(0), "{}{}", status.stdout, status.stderr);
}
