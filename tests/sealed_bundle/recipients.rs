//! `recipients.txt`: what stands in it is believed only where the profile, the lock or a person has the fingerprint.

use std::io::{Read, Write};
use std::process::Stdio;

use certferry::seal::{Kind, Recipient};

use super::Opener;
use crate::common::desk::{Desk, PROFILE};
use crate::common::{program, tool};

const BUILD: &str = "build lab.toml --seed lab.seed --out out";
const WORKER: &str = "\n[[node]]\nname = \"worker-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n";

struct Cluster {
    desk: Desk,
    cp: Opener,
    worker: Opener,
    office: Opener,
}

fn fingerprint(opener: &Opener) -> String {
    let recipient = Recipient::parse(&opener.recipient).unwrap();
    recipient.sha256().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fingerprint as it is compared: two lines of groups.
fn compared(word: &str, opener: &Opener) -> String {
    let digits = fingerprint(opener);
    let groups: Vec<_> = digits.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap()).collect();
    format!("  {word:<9}{}\n  {:<9}{}\n", groups[..8].join(" "), "", groups[8..].join(" "))
}

impl Cluster {
    /// A cluster whose profile has the fingerprints of the nodes' recipients, or not.
    fn new(has_fingerprints: bool) -> Self {
        let desk = Desk::new();
        let [cp, worker, office] = ["cp", "worker", "office"].map(|name| {
            let name = format!("{name}.identity");
            Opener::new(&desk.path(""), &name, Kind::Hybrid)
        });
        let line = |opener: &Opener| match has_fingerprints {
            true => format!("encrypt_to_sha256 = \"sha256:{}\"\n", fingerprint(opener)),
            false => String::new(),
        };
        let address = "addresses = [\"192.168.10.5\"]\n";
        let profile = PROFILE.replace(address, &format!("{address}{}", line(&cp)));
        let seal = format!("\n[seal]\nrecipients = \"recipients.txt\"\ncluster_to = [\"{}\"]\n", office.recipient);
        desk.write("lab.toml", format!("{profile}{WORKER}{}{seal}", line(&worker)));
        Self { desk, cp, worker, office }
    }

    fn recipients(&self, lines: &[String]) {
        self.desk.write("recipients.txt", lines.join("\n"));
    }

    fn right(&self) -> Vec<String> {
        vec![
            "# from the nodes, by hand".to_owned(),
            String::new(),
            format!("cp-1\t{}", self.cp.recipient),
            format!("worker-1  {}\r", self.worker.recipient),
        ]
    }
}

#[test]
fn a_line_counts_where_the_profile_has_its_fingerprint() {
    let cluster = Cluster::new(true);
    cluster.recipients(&cluster.right());
    cluster.desk.succeed(&format!("{BUILD} --quiet"));
    let lock = cluster.desk.text("lab.lock.toml");
    for opener in [&cluster.cp, &cluster.worker, &cluster.office] {
        assert!(lock.contains(&format!("sealed_to = [\"{}\"]", fingerprint(opener))));
    }
    // The file alone is missing: the profile says that there is one.
    std::fs::remove_file(cluster.desk.path("recipients.txt")).unwrap();
    let missing = "cannot read the recipients recipients.txt: no such file or directory\n";
    cluster.desk.refuse(BUILD, 2, &format!("error: {missing}"));
    // It may still be on its way when a plan is read.
    let ended = cluster.desk.run("plan lab.toml");
    let hint =
        "hint: a build is refused until it is there; who opens the part of a node without `encrypt_to` is not known\n";
    assert_eq!((ended.code, ended.stderr), (Some(0), format!("warning: {missing}{hint}")));
    assert!(!ended.stdout.contains("no recipient of its own"), "{}", ended.stdout);
}

/// A plan says what a build will say of the recipients, before any seed is in the room.
#[test]
fn a_plan_shows_who_opens_what_from_the_first_build_on_and_refuses_what_a_build_refuses() {
    let cluster = Cluster::new(true);
    let desk = &cluster.desk;
    let groups = |opener: &Opener| compared("", opener).split_whitespace().collect::<Vec<_>>().join(" ");
    let (cp, worker, office) = (&cluster.cp, &cluster.worker, &cluster.office);
    cluster.recipients(&cluster.right());
    let told = desk.succeed("plan lab.toml");
    let expected = format!(
        "recipients, all of them new; compare each with the paper of the node:\n  ~ cluster\n    + {}\n  ~ node/cp-1\n    \
         + {}\n  ~ node/worker-1\n    + {}\n\nlab, generation 1",
        groups(office),
        groups(cp),
        groups(worker)
    );
    assert!(told.starts_with(&expected), "{told}");
    let told = crate::json::Documents::default().of(&mut desk.command("plan lab.toml"));
    assert_eq!(told["recipient_changes"][2]["added"], serde_json::json!([fingerprint(office)]));
    // A file that lacks a node's line.
    cluster.recipients(&[format!("cp-1 {}", cp.recipient)]);
    let told = desk.succeed("plan lab.toml");
    let lacks = "no recipient of its own yet, and so no build, or one with --to, --recipients and --cluster-to:\n  node/worker-1\n\n";
    assert!(told.contains(lacks), "{told}");
    // Both kinds in one part.
    cluster.recipients(&cluster.right());
    let weak = Opener::new(&desk.path(""), "weak.identity", Kind::X25519);
    let profile = desk.text("lab.toml");
    let also = format!("also_to = [\"{}\"]\n", weak.recipient);
    let cluster_to = format!("cluster_to = [\"{}\"]\n", office.recipient);
    desk.write("lab.toml", profile.replace(&cluster_to, &format!("cluster_to = [\"{}\"]\n{also}", weak.recipient)));
    let said = "error: node/cp-1 has recipients age1pq1... and age1...: a computer that breaks X25519 would open it\n\
                hint: give recipients of one kind; age1pq1... is the stronger\n";
    desk.refuse(BUILD, 2, said);
    desk.refuse("plan lab.toml", 2, said);
}

/// Whoever swaps lines, or puts one of their own into the file, gets no part: not of this build, not of `seal`.
#[test]
fn a_swapped_line_never_yields_a_part() {
    let cluster = Cluster::new(true);
    let desk = &cluster.desk;
    let thief = Opener::new(&desk.path(""), "thief.identity", Kind::Hybrid);
    desk.succeed("build lab.toml --seed lab.seed --out plain --unsealed --quiet");
    let (cp, worker) = (&cluster.cp, &cluster.worker);
    let seal = "seal plain/lab-g1.tar.gz --seed lab.seed --profile lab.toml --out sealed";
    for (lines, number, node, found, expected) in [
        (vec![format!("cp-1 {}", worker.recipient), format!("worker-1 {}", cp.recipient)], 1, "cp-1", worker, cp),
        (
            vec![format!("cp-1 {}", cp.recipient), format!("worker-1 {}", thief.recipient)],
            2,
            "worker-1",
            &thief,
            worker,
        ),
        (vec![format!("cp-1 {}", thief.recipient), format!("worker-1 {}", worker.recipient)], 1, "cp-1", &thief, cp),
    ] {
        cluster.recipients(&lines);
        let said = format!(
            "error: recipients.txt, line {number}: the recipient of {node} is not the one whose fingerprint the profile has\n\
             {}{}hint: compare both with the paper of the node: a line may be another node's, or somebody's; nothing was \
             written\n",
            compared("it is", found),
            compared("expected", expected),
        );
        desk.refuse(&format!("{BUILD} --replace-recipients --same-generation"), 1, &said);
        desk.refuse(seal, 1, &said);
        desk.refuse("plan lab.toml", 1, &said);
    }
    cluster.recipients(&cluster.right());
    // On the command line it is no other.
    desk.refuse(
        &format!("{BUILD} --to cp-1={}", thief.recipient),
        1,
        &format!(
            "error: the recipient that was given for cp-1 is not the one whose fingerprint the profile has\n{}{}\
             hint: compare both with the paper of the node; nothing was written\n",
            compared("it is", &thief),
            compared("expected", cp),
        ),
    );
    // Nor does who opens every part stand in for a node whose fingerprint the profile has.
    cluster.recipients(&[format!("cp-1 {}", cp.recipient)]);
    desk.refuse(
        &format!("{BUILD} --also-to {}", cluster.office.recipient),
        2,
        "error: there is no recipient of its own for node/worker-1\n\
         hint: the profile has the fingerprint of it: give a file with the line `worker-1 RECIPIENT` in `recipients` of \
         [seal], or with --recipients\n\
         hint: `also_to` and --also-to say who else opens a part, and stand in for nobody: for a part that they alone \
         open, name them as its recipient\n\
         hint: nothing was written: beside sealed parts none stays in the clear\n",
    );
    cluster.recipients(&cluster.right());
    desk.succeed(&format!("{seal} --quiet"));
    assert_eq!(desk.names("sealed"), ["lab-g1.sealed.tar", "lab-g1.sealed.tar.sig", "lab.pub"]);
}

#[test]
fn a_line_that_is_none_is_told_with_its_number() {
    let cluster = Cluster::new(true);
    let (cp, worker) = (&cluster.cp, &cluster.worker);
    let form = "hint: a line is the name of a node, a blank and its recipient; `#` begins a comment\n";
    let secret = "error: recipients.txt, line 1: it holds an identity, the secret half of a recipient\n\
                  hint: whoever has seen it opens that part: make another with `certferry identity new`, and send what it \
                  prints\n";
    let good = format!("cp-1 {}", cp.recipient);
    for (lines, said) in [
        (
            vec![good.clone(), format!("worker-11 {}", worker.recipient)],
            "error: recipients.txt, line 2: there is no node worker-11\n".to_owned(),
        ),
        (
            vec![format!("worker1 {}", worker.recipient)],
            "error: recipients.txt, line 1: there is no node worker1\nhint: did you mean `worker-1`?\n".to_owned(),
        ),
        (
            vec![good.clone(), "# twice".to_owned(), good.clone()],
            "error: recipients.txt, line 3: cp-1 has a recipient already, in line 1\n\
             hint: take the one that the node's paper has, and remove the other; several stand in `encrypt_to`\n"
                .to_owned(),
        ),
        (
            vec![format!("{good}x")],
            "error: recipients.txt, line 1: what stands behind cp-1 has a wrong letter, or one too few or too many: its \
             checksum does not hold\nhint: copy it whole: that of age1pq1... has 1,959 letters\n"
                .to_owned(),
        ),
        (
            vec!["cp-1 ssh-ed25519".to_owned()],
            "error: recipients.txt, line 1: what stands behind cp-1 is of a kind that age has by a plugin or for SSH; \
             certferry has age1pq1... and age1...\n\
             hint: a recipient is what `certferry identity new` prints: age1pq1... or age1...\n"
                .to_owned(),
        ),
        (
            vec!["cp-1".to_owned()],
            format!("error: recipients.txt, line 1: it is not the name of a node and one recipient\n{form}"),
        ),
        (
            vec![format!("{good} of-the-first-room")],
            format!("error: recipients.txt, line 1: it is not the name of a node and one recipient\n{form}"),
        ),
        (
            vec![format!("CP-1 {}", cp.recipient)],
            format!("error: recipients.txt, line 1: it does not begin with the name of a node\n{form}"),
        ),
        (vec![format!("cp-1 {}", cp.secret)], secret.to_owned()),
        (vec![cp.secret.to_lowercase()], secret.to_owned()),
        (vec![format!("# {}", cp.secret)], secret.to_owned()),
    ] {
        cluster.recipients(&lines);
        cluster.desk.refuse(BUILD, 2, &said);
    }
    assert_eq!(cp.recipient.len(), 1959);
    cluster.desk.write("recipients.txt", b"cp-1 \xff\n");
    cluster.desk.refuse(BUILD, 2, &format!("error: recipients.txt, line 1: it is not UTF-8\n{form}"));
    // The profile travels in every bundle.
    let profile = cluster.desk.text("lab.toml").replace(&cluster.office.recipient, &cluster.office.secret);
    cluster.desk.write("lab.toml", profile);
    cluster.desk.refuse(
        BUILD,
        2,
        "error: lab.toml is not a profile: there is an identity, which opens what is sealed, in it\n\
         hint: nothing of it is shown here; were two arguments exchanged?\n",
    );
}

#[test]
fn without_a_fingerprint_a_person_confirms_each_by_the_name_of_its_node() {
    let cluster = Cluster::new(false);
    let desk = &cluster.desk;
    cluster.recipients(&cluster.right());
    // Without a terminal nobody does. setsid(1) takes it away.
    let ended = desk.watch(&mut desk.wrapped(&["setsid", "--wait"], BUILD));
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (
            Some(1),
            &*format!(
                "error: recipients.txt, line 3: nobody has confirmed the recipient of cp-1\n{}\
                 hint: compare it with the paper of cp-1; then write `encrypt_to_sha256` with it into the profile, or build \
                 on a terminal, which asks\n",
                compared("it is", &cluster.cp)
            )
        )
    );
    assert!(!desk.exists("out") && !desk.exists("lab.lock.toml"));
    let asked = |number: usize, node: &str, opener: &Opener| {
        format!(
            "recipients.txt, line {number}: the recipient of {node} is new, and the profile has no fingerprint of it.\n{}\
             If that is what the paper of {node} has, type the name of the node: ",
            compared("it is", opener)
        )
    };
    // `y` is not the name.
    let (code, said) = typed(desk, &format!("{BUILD} --quiet"), &["y\n"]);
    let expected = format!(
        "{}y\nerror: recipients.txt, line 3: the recipient of cp-1 was not confirmed\n\
         hint: nothing was written; it is confirmed with the name of the node alone\n",
        asked(3, "cp-1", &cluster.cp)
    );
    assert_eq!((code, said), (Some(1), expected));
    assert!(!desk.exists("lab.lock.toml"));
    let (code, said) = typed(desk, &format!("{BUILD} --quiet"), &["cp-1\n", "worker-1\n"]);
    let expected =
        format!("{}cp-1\n{}worker-1\n", asked(3, "cp-1", &cluster.cp), asked(4, "worker-1", &cluster.worker));
    assert_eq!((code, said), (Some(0), expected));
    // The lock has it from then on, and nobody is asked again.
    let ended = desk.watch(&mut desk.wrapped(&["setsid", "--wait"], &format!("{BUILD}2 --locked --quiet")));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

/// Runs a line on a terminal, which script(1) makes, and types each answer when it is asked for.
fn typed(desk: &Desk, line: &str, answers: &[&str]) -> (Option<i32>, String) {
    let mut script = tool("script");
    script.args(["--quiet", "--return", "--command", &format!("{} {line}", program().display()), "/dev/null"]);
    script.env("NO_COLOR", "1").current_dir(desk.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().unwrap();
    let (mut stdin, mut stdout) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let mut said = String::new();
    for (number, answer) in answers.iter().enumerate() {
        // Each of them is asked for: what is typed before would be shown before.
        let asked = |said: &str| said.matches("type the name of the node: ").count() > number;
        while !asked(&said) || !said.ends_with(": ") {
            let mut byte = [0];
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{said}");
            said.push(char::from(byte[0]));
        }
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_string(&mut said).unwrap();
    (script.wait().unwrap().code(), said.replace("\r\n", "\n"))
}
