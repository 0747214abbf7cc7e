//! `build` seals: the same content as in the clear, nothing in the clear on any disk, recipients that the lock pins.

use std::io::Read;
use std::path::Path;

use certferry::seal::{Envelope, Identity, Kind, OpenWith};

use super::Opener;
use crate::common::desk::Desk;
use crate::common::{run, tool};

/// A desk with the smallest profile and two nodes, and who opens their parts.
struct Cluster {
    desk: Desk,
    cp: Opener,
    worker: Opener,
    office: Opener,
}

const BUILD: &str = "build lab.toml --seed lab.seed";
const WORKER: &str = "\n[[node]]\nname = \"worker-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n";

impl Cluster {
    fn new() -> Self {
        let desk = Desk::new();
        let [cp, worker, office] = ["cp", "worker", "office"].map(|name| {
            let name = format!("{name}.identity");
            Opener::new(&desk.path(""), &name, Kind::Hybrid)
        });
        let cluster = Self { desk, cp, worker, office };
        cluster.profile("");
        cluster
    }

    /// The arguments that seal every part to one recipient.
    fn all_to(opener: &Opener) -> String {
        opener.of_all().join(" ")
    }

    /// Writes the profile with more at its end.
    fn profile(&self, more: &str) {
        self.desk.write("lab.toml", format!("{}{WORKER}{more}", crate::common::desk::PROFILE));
    }

    /// The profile with a recipient for each part.
    fn sealed_profile(&self, more: &str) {
        let (cp, worker) = (&self.cp.recipient, &self.worker.recipient);
        let profile = crate::common::desk::PROFILE.replace(
            "addresses = [\"192.168.10.5\"]",
            &format!("addresses = [\"192.168.10.5\"]\nencrypt_to = [\"{cp}\"]"),
        );
        let worker = WORKER.replace("\"worker\"\n", &format!("\"worker\"\nencrypt_to = [\"{worker}\"]\n"));
        let seal = format!("\n[seal]\ncluster_to = [\"{}\"]\n{more}", self.office.recipient);
        self.desk.write("lab.toml", format!("{profile}{worker}{seal}"));
    }

    fn fingerprint(&self, opener: &Opener) -> String {
        let recipient = certferry::seal::Recipient::parse(&opener.recipient).unwrap();
        recipient.sha256().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn groups(&self, opener: &Opener) -> String {
        let digits = self.fingerprint(opener);
        let groups: Vec<_> = digits.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
        groups.join(" ")
    }
}

fn open(envelope: &[u8], opener: &Opener) -> Vec<u8> {
    let identities = Identity::parse_all(opener.secret.as_bytes()).unwrap();
    let mut content = Vec::new();
    let envelope = Envelope::read(envelope).unwrap();
    envelope.open(OpenWith::Identities(&identities)).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// The entries of a sealed bundle.
fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(file).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    });
    entries.collect()
}

/// The lock without what it says of recipients.
fn rest_of_lock(lock: &str) -> String {
    lock.lines().filter(|line| !line.starts_with("sealed_to = ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn sealed_or_not_it_is_the_same_bundle() {
    let cluster = Cluster::new();
    let (desk, to) = (&cluster.desk, Cluster::all_to(&cluster.office));
    let plain = desk.succeed(&format!("{BUILD} --out plain --lock plain.lock.toml --split plain-parts"));
    let sealed = desk.succeed(&format!("{BUILD} --out sealed --lock sealed.lock.toml --split parts {to}"));
    let content = |told: &str| told.lines().find(|line| line.starts_with("content")).map(str::to_owned);
    assert!(content(&plain).is_some() && content(&plain) == content(&sealed));
    assert!(sealed.contains("  sealed/lab-g1.sealed.tar  18 certificates, 20 keys, 2 nodes; each part opens for its recipients alone\n  sealed/lab-g1.sealed.tar.sig\n"), "{sealed}");
    assert!(sealed.contains("to be carried as it is: the sealed slice, its signature, the key\n"), "{sealed}");
    let names = ["install.sh", "install.sh.sig", "lab-g1.sealed.tar", "lab-g1.sealed.tar.sig", "lab.pub"];
    assert_eq!(desk.names("sealed"), names);
    let (lock, other) = (desk.text("plain.lock.toml"), desk.text("sealed.lock.toml"));
    assert_eq!(rest_of_lock(&other), lock);
    let pin = format!("sealed_to = [\"{}\"]", cluster.fingerprint(&cluster.office));
    assert_eq!(other.lines().filter(|line| *line == pin).count(), 3);
    for part in ["nodes/cp-1", "nodes/worker-1", "cluster"] {
        let slice = desk.read(&format!("parts/{part}/lab-g1.tar.gz.age"));
        assert!(open(&slice, &cluster.office) == desk.read(&format!("plain-parts/{part}/lab-g1.tar.gz")), "{part}");
        assert!(
            entries(&desk.path("sealed/lab-g1.sealed.tar")).contains(&(format!("lab-g1/{part}.tar.gz.age"), slice))
        );
        // openssl alone checks what is carried.
        let mut openssl = tool("openssl");
        let folder = desk.path(&format!("parts/{part}"));
        openssl.args(["dgst", "-sha256", "-verify"]).arg(folder.join("lab.pub")).arg("-signature");
        assert!(
            run(openssl.arg(folder.join("lab-g1.tar.gz.age.sig")).arg(folder.join("lab-g1.tar.gz.age")))
                .status
                .success()
        );
    }
    // A rebuild proves the content, sealed or not, and to whomever; its envelopes are others, and nothing else is.
    desk.succeed(&format!("{BUILD} --out again --lock sealed.lock.toml --locked --quiet {to}"));
    assert_eq!(desk.text("sealed.lock.toml"), other);
    let (first, second) =
        (entries(&desk.path("sealed/lab-g1.sealed.tar")), entries(&desk.path("again/lab-g1.sealed.tar")));
    for ((name, one), (again, two)) in first.iter().zip(&second) {
        assert_eq!((name, name.ends_with(".age")), (again, one != two));
        assert!(!name.ends_with(".age") || open(one, &cluster.office) == open(two, &cluster.office));
    }
    desk.succeed(&format!("{BUILD} --out unsealed --lock sealed.lock.toml --locked --quiet --unsealed"));
    assert!(desk.read("unsealed/lab-g1.tar.gz") == desk.read("plain/lab-g1.tar.gz"));
    desk.succeed(&format!("{BUILD} --out plain-again --lock plain.lock.toml --locked --quiet {to}"));
    assert_eq!(desk.text("plain.lock.toml"), lock);
    // Sealed again, it never takes the place of what is there.
    desk.refuse(
        &format!("{BUILD} --out sealed --lock sealed.lock.toml {to}"),
        2,
        "error: sealed/lab-g1.sealed.tar exists, with other envelopes\n\
         hint: no two envelopes are the same: take what is there, raise `generation` in [cluster], or write to another \
         folder with --out\n",
    );
}

/// A sealed bundle cannot be gone on with, because its envelopes are others each time: what a build that was killed
/// between its files has left is told, and removed by hand.
#[test]
fn half_of_a_build_that_was_interrupted_is_told() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    cluster.sealed_profile("");
    let line = format!("{BUILD} --out out --quiet");
    desk.succeed(&line);
    let refused = |exists: &str, lacks: &str, remove: &str| {
        format!(
            "error: {exists} exists, with other envelopes\n\
             hint: {lacks}: this is half of a build that was interrupted, unless that file was moved; remove {remove}, and \
             build again\n"
        )
    };
    let remove = |name: &str| std::fs::remove_file(desk.path(name)).unwrap();
    let (bundle, signature) = ("out/lab-g1.sealed.tar", "out/lab-g1.sealed.tar.sig");
    let both = format!("{bundle} and {signature}");
    // Killed before the lock, which is the last.
    remove("lab.lock.toml");
    desk.refuse(&line, 2, &refused(bundle, "there is no lock lab.lock.toml", &both));
    // Killed before the signature.
    remove(signature);
    let expected = refused(bundle, &format!("{signature} is not there"), bundle);
    desk.refuse(&line, 2, &expected);
    assert!(!desk.exists(signature) && !desk.exists("lab.lock.toml"));
    remove(bundle);
    desk.succeed(&line);
    // The bundle alone was removed.
    remove(bundle);
    desk.refuse(&line, 2, &refused(signature, &format!("{bundle} is not there"), signature));
    remove(signature);
    desk.succeed(&line);
    // Of the next generation the lock is that of the one before.
    let lock = desk.text("lab.lock.toml");
    let next = desk.text("lab.toml").replace("name = \"lab\"\n", "name = \"lab\"\ngeneration = 2\n");
    desk.write("lab.toml", next);
    desk.succeed(&line);
    desk.write("lab.lock.toml", lock);
    let (bundle, both) = ("out/lab-g2.sealed.tar", "out/lab-g2.sealed.tar and out/lab-g2.sealed.tar.sig");
    desk.refuse(&line, 2, &refused(bundle, "the lock lab.lock.toml is still that of generation 1", both));
}

#[test]
fn each_node_opens_its_own_part_and_no_other() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    cluster.sealed_profile("");
    let mut documents = crate::json::Documents::default();
    let dry = documents.of(&mut desk.command(&format!("{BUILD} --out out --dry-run")));
    let told = documents.of(&mut desk.command(&format!("{BUILD} --out out")));
    assert_eq!((&dry["sealed"], &dry["files"][0]["path"]), (&told["sealed"], &told["files"][0]["path"]));
    assert_eq!((&told["sealed"], &told["recipient_changes"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(told["files"][0]["path"], "out/lab-g1.sealed.tar");
    let owners = [("nodes/cp-1", &cluster.cp), ("nodes/worker-1", &cluster.worker), ("cluster", &cluster.office)];
    for (name, envelope) in entries(&desk.path("out/lab-g1.sealed.tar")) {
        let Some((part, owner)) = owners.iter().find(|(part, _)| name == format!("lab-g1/{part}.tar.gz.age")) else {
            continue;
        };
        for (_, other) in &owners {
            let identities = Identity::parse_all(other.secret.as_bytes()).unwrap();
            let opened = Envelope::read(envelope.as_slice()).unwrap().open(OpenWith::Identities(&identities));
            assert_eq!(opened.is_ok(), other.secret == owner.secret, "{part}");
        }
    }
    // One node alone, into the lock of all.
    let lock = desk.text("lab.lock.toml");
    desk.succeed(&format!("{BUILD} --out only --only worker-1 --quiet"));
    assert_eq!(desk.text("lab.lock.toml"), lock);
    let names = desk.names("only");
    assert!(names.iter().any(|name| name.starts_with("lab-g1-only-") && name.ends_with(".sealed.tar")), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".gz")), "{names:?}");
}

/// Every write of a build is looked at: a slice in the clear would begin as every gzip member does.
#[test]
fn no_disk_gets_a_part_in_the_clear() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    let gzip = r"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff";
    let writes = |line: &str| {
        let calls = "trace=write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice,mmap";
        let strace = ["strace", "-f", "-qq", "-xx", "-s", "1000000", "-e", calls, "-o", "trace"];
        let ended = run(&mut desk.wrapped(&strace, line));
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let trace = desk.text("trace");
        std::fs::remove_file(desk.path("trace")).unwrap();
        assert!(!trace.contains("MAP_SHARED, ") || !trace.contains("PROT_WRITE, MAP_SHARED"), "a shared mapping");
        trace
    };
    let sealed = writes(&format!("{BUILD} --out sealed --split parts {}", Cluster::all_to(&cluster.office)));
    assert!(!sealed.contains(gzip));
    for copied in ["sendfile(", "copy_file_range(", "splice("] {
        assert!(!sealed.contains(copied), "{copied} shows no bytes");
    }
    // The search finds what it looks for.
    assert!(writes(&format!("{BUILD} --out plain --lock plain.lock.toml")).contains(gzip));
}

#[test]
fn what_asks_for_sealing_is_never_in_the_clear() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    let nothing = "hint: nothing was written: beside sealed parts none stays in the clear\n";
    cluster.profile("\n[seal]\n");
    desk.refuse(
        BUILD,
        2,
        &format!(
            "error: there is no recipient for node/cp-1, node/worker-1, cluster\n\
             hint: add --to cp-1=RECIPIENT, or `encrypt_to` in the profile; `certferry identity new` on the node makes one\n\
             {nothing}"
        ),
    );
    let told = desk.succeed("plan lab.toml --changes");
    assert!(
        told.starts_with(
            "no recipient of its own yet, and so no build, or one with --to, --recipients and --cluster-to:\n  node/cp-1, node/worker-1, cluster\n\n"
        ),
        "{told}"
    );
    cluster.profile(&format!("encrypt_to = [\"{}\"]\n", cluster.worker.recipient));
    desk.refuse(
        &format!("{BUILD} --to cp-1={}", cluster.cp.recipient),
        2,
        &format!(
            "error: there is no recipient for cluster\n\
             hint: add --cluster-to RECIPIENT, or `cluster_to` in [seal]: who runs the cluster\n{nothing}"
        ),
    );
    // Who else opens every part is not the owner of one: neither of the profile nor of the command line, whole, in
    // slices, dry or for one node.
    let refused = |parts: &str, hint: &str| {
        format!(
            "error: there is no recipient of its own for {parts}\n{hint}\
             hint: `also_to` and --also-to say who else opens a part, and stand in for nobody: for a part that they alone \
             open, name them as its recipient\n{nothing}"
        )
    };
    let node = |name: &str| {
        format!(
            "hint: add --to {name}=RECIPIENT, or `encrypt_to` in the profile; `certferry identity new` on the node makes one\n"
        )
    };
    let cluster_hint = "hint: add --cluster-to RECIPIENT, or `cluster_to` in [seal]: who runs the cluster\n";
    let office = &cluster.office.recipient;
    cluster.profile(&format!("\n[seal]\nalso_to = [\"{office}\"]\n"));
    let all = refused("node/cp-1, node/worker-1, cluster", &node("cp-1"));
    for more in ["", " --split parts", " --dry-run"] {
        desk.refuse(&format!("{BUILD} --out also{more}"), 2, &all);
    }
    let nodes = format!("--to cp-1={office} --to worker-1={office}");
    desk.refuse(&format!("{BUILD} --out also {nodes}"), 2, &refused("cluster", cluster_hint));
    let told = desk.succeed("plan lab.toml --changes");
    assert!(told.starts_with("no recipient of its own yet, and so no build"), "{told}");
    cluster.profile("");
    desk.refuse(&format!("{BUILD} --out also --also-to {office}"), 2, &all);
    assert!(!desk.exists("also") && !desk.exists("parts") && !desk.exists("lab.lock.toml"));
    desk.succeed(&format!("{BUILD} --out whole --lock whole.lock.toml --quiet"));
    let only = format!("{BUILD} --out only --lock whole.lock.toml --only worker-1 --quiet --also-to {office}");
    desk.refuse(&only, 2, &refused("node/worker-1", &node("worker-1")));
    desk.succeed(&format!("{only} --to worker-1={}", cluster.worker.recipient));
    cluster.profile(&format!("encrypt_to = [\"{}\"]\n", cluster.worker.recipient));
    // In the clear it is built when that is said, unless the profile forbids it.
    desk.succeed(&format!("{BUILD} --out plain --quiet --unsealed"));
    assert!(desk.exists("plain/lab-g1.tar.gz"));
    cluster.profile("\n[seal]\nrequired = true\n");
    desk.refuse(
        &format!("{BUILD} --unsealed"),
        1,
        "error: --unsealed, but [seal] of the profile has `required = true`\n\
         hint: leave --unsealed out; for a bundle in the clear, once, take `required` out of the profile\n",
    );
    // Nor is it by a profile that says nothing any more.
    cluster.profile("");
    std::fs::remove_file(desk.path("lab.lock.toml")).unwrap();
    desk.succeed(&format!("{BUILD} --out sealed --quiet {}", Cluster::all_to(&cluster.office)));
    desk.refuse(
        BUILD,
        1,
        "error: the bundle before was sealed, and this one would be in the clear\n\
         hint: name the recipients again, in the profile or with --to; or say --unsealed\n",
    );
    let told = desk.succeed("plan lab.toml --changes");
    let first =
        "the bundle before was sealed, and the profile names no recipient: a build wants --unsealed, or recipients\n";
    assert!(told.starts_with(first), "{told}");
}

#[test]
fn other_recipients_want_a_word_and_stand_first() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    let (cp, office, worker) = (&cluster.cp, &cluster.office, &cluster.worker);
    desk.succeed(&format!("{BUILD} --out one --quiet {}", Cluster::all_to(office)));
    let lock = desk.text("lab.lock.toml");
    let swapped = format!("--to cp-1={} {}", cp.recipient, Cluster::all_to(office));
    let change = format!("  ~ node/cp-1\n    + {}\n", cluster.groups(cp));
    desk.refuse(
        &format!("{BUILD} --out two {swapped}"),
        1,
        &format!(
            "error: node/cp-1 would be sealed to others than the lock has\n{change}\
             hint: compare what is new (`certferry plan` lists it, too) with the papers of these nodes; then say \
             --replace-recipients\n"
        ),
    );
    let (before, after) = (cluster.fingerprint(office), [cluster.fingerprint(cp), cluster.fingerprint(office)]);
    let mut after = after.to_vec();
    after.sort();
    desk.refuse(
        &format!("{BUILD} --out two --locked {swapped}"),
        1,
        &format!(
            "error: the build differs from lab.lock.toml: recipients of node/cp-1 {before} became {}\n\
             hint: nothing was written; build without --locked to accept the change\n",
            after.join(", ")
        ),
    );
    let told = desk.succeed(&format!("{BUILD} --out two --replace-recipients --dry-run {swapped}"));
    let heading = "recipients since the lock; compare what is new with the paper of the node:\n";
    assert!(told.starts_with(&format!("{heading}{change}\nlab, generation 1")), "{told}");
    assert!(!desk.exists("two") && desk.text("lab.lock.toml") == lock);
    let told = desk.succeed(&format!("{BUILD} --out two --replace-recipients {swapped}"));
    assert!(told.starts_with(&format!("{heading}{change}\nlab, generation 1")), "{told}");
    assert_ne!(desk.text("lab.lock.toml"), lock);
    // A plan has them first as well, of all parts.
    cluster.sealed_profile("");
    let told = desk.succeed("plan lab.toml");
    let office_groups = cluster.groups(office);
    let expected = format!(
        "{heading}  ~ node/cp-1\n    - {office_groups}\n  ~ node/worker-1\n    + {}\n    - {office_groups}\n\n",
        cluster.groups(worker)
    );
    assert!(told.starts_with(&expected), "{told}");
    assert!(told.contains("error: node/cp-1, node/worker-1 would be sealed to others than the lock has\n"), "{told}");
    let told = crate::json::Documents::default().of(&mut desk.command("plan lab.toml"));
    assert_eq!(told["recipient_changes"][1]["added"], serde_json::json!([cluster.fingerprint(worker)]));
    assert_eq!(told["recipient_changes"][1]["part"], "node/worker-1");
}

/// Whoever signs is not whoever has the seed: the sealed file is theirs to sign, too.
#[test]
fn a_signer_of_ones_own_signs_what_is_sealed() {
    let cluster = Cluster::new();
    let (desk, to) = (&cluster.desk, Cluster::all_to(&cluster.office));
    let openssl = |arguments: &str| {
        let ended = run(tool("openssl").args(arguments.split_whitespace()).current_dir(desk.path("")));
        assert!(ended.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    for key in ["signer", "other"] {
        openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {key}.key"));
    }
    openssl("pkey -in signer.key -pubout -out signer.pub");
    cluster.profile("\n[bundle]\nsigner = \"signer.pub\"\n");
    desk.succeed(&format!("{BUILD} --signer signer.key --out one --quiet {to}"));
    let holds = |folder: &str| {
        let bundle = format!("{folder}/lab-g1.sealed.tar");
        openssl(&format!("dgst -sha256 -verify signer.pub -signature {bundle}.sig {bundle}"));
    };
    holds("one");
    // With signatures that were made elsewhere there is a checksum of the sealed file for the signer.
    desk.succeed(&format!("{BUILD} --unsigned lab.request.tar --quiet"));
    desk.succeed("sign lab.request.tar --signer signer.key");
    desk.succeed(&format!("{BUILD} --signatures lab.signatures.tar --out two --quiet --same-generation {to}"));
    let names = desk.names("two");
    assert!(names.contains(&"lab-g1.sealed.tar.sha256".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".tar.sig") || name.ends_with(".gz")), "{names:?}");
    let digest = run(tool("sha256sum").arg("-c").arg("lab-g1.sealed.tar.sha256").current_dir(desk.path("two")));
    assert!(digest.status.success());
    // And afterwards.
    desk.succeed(&format!("{BUILD} --signer signer.key --lock plain.lock.toml --out plain --quiet"));
    desk.succeed(&format!("seal plain/lab-g1.tar.gz --signer signer.key --out three --quiet {to}"));
    holds("three");
    desk.refuse(
        &format!("seal plain/lab-g1.tar.gz --signer other.key --out four {to}"),
        1,
        "error: plain/lab-g1.tar.gz is not signed with the key in other.key\n\
         hint: it was changed, or somebody else signed it: compare its fingerprint with the one on paper\n",
    );
}

/// A bundle is sealed to the recipients of its own profile.
#[test]
fn the_profile_of_another_cluster_is_refused() {
    let cluster = Cluster::new();
    let desk = &cluster.desk;
    desk.succeed(&format!("{BUILD} --out plain --quiet"));
    let other = desk.text("lab.toml").replace("name = \"lab\"", "name = \"lab-2\"");
    desk.write("other.toml", other);
    desk.refuse(
        &format!("seal plain/lab-g1.tar.gz --seed lab.seed --profile other.toml {}", Cluster::all_to(&cluster.office)),
        1,
        "error: the bundle is of cluster lab, other.toml of lab-2\n\
         hint: give the profile from which the bundle was built\n",
    );
}
