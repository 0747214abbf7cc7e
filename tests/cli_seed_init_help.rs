//! The small commands: `seed`, `init`, `help` of a command, `--version`, and what clap says to a slip.

use crate::common;
use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::common::desk::{CANARY, Desk};
use crate::common::{Ended, PROFILES, certferry};
use certferry::keys::engines;
use certferry::kubernetes::Role;
use certferry::profile;

#[test]
fn seed_new_makes_a_seed_and_seed_id_names_it() {
    let desk = Desk::new();
    let said = desk.succeed("seed new new.seed --plain");
    let id = desk.succeed("seed id new.seed");
    assert_eq!(
        said,
        format!(
            "new.seed  seed id {id}.gitignore  keeps seeds and bundles out of git\nWhoever has this file can make every key of the cluster. Keep two copies offline.\n"
        )
    );
    assert_eq!(id.trim_end().len(), 16);
    assert_eq!(desk.mode("new.seed"), 0o600);
    let (new, other) = (desk.text("new.seed"), {
        desk.succeed("seed new other.seed --plain");
        desk.text("other.seed")
    });
    let (digits, second) = new.strip_prefix("certferry-seed-1:").unwrap().split_once('\n').unwrap();
    assert_eq!(second, format!("seed-id {id}"));
    assert_eq!((digits.len(), digits.to_lowercase().as_str()), (64, digits));
    assert_ne!(new, other, "32 random bytes");
    assert!(!said.contains(&digits[..8]));
    for file in ["new.seed", "lab.toml", "."] {
        desk.refuse(
            &format!("seed new {file} --plain"),
            2,
            &format!(
                "\
error: cannot create {file}: file exists
hint: a seed is never overwritten; choose another name, or use the existing seed with --seed
"
            ),
        );
    }
    desk.refuse("seed new none/x.seed --plain", 2, "error: cannot create none/x.seed: no such file or directory\n");
}

#[test]
fn a_seed_comes_from_the_standard_input_too() {
    let desk = Desk::new();
    let id = desk.succeed("seed id lab.seed");
    let file = fs::File::open(desk.path("lab.seed")).unwrap();
    let said = desk.command("seed id -").stdin(file).output().unwrap();
    assert_eq!((said.status.code(), String::from_utf8(said.stdout).unwrap()), (Some(0), id.clone()));
    // Piece by piece through a pipe.
    let mut child = desk.command("seed id -").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for piece in [&b"certferry-"[..], b"seed-1:", CANARY.as_bytes(), b"\n"] {
        pipe.write_all(piece).unwrap();
        pipe.flush().unwrap();
    }
    drop(pipe);
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), id);
    // A build takes it likewise, and makes the same bundle.
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let file = fs::File::open(desk.path("lab.seed")).unwrap();
    let build = desk.command("build lab.toml --seed - --out piped --locked").stdin(file).output().unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    assert!(desk.read("out/lab-g1.tar.gz") == desk.read("piped/lab-g1.tar.gz"));
    desk.refuse(
        "seed id -",
        2,
        "\
error: the standard input is not a seed: the file is empty
hint: a seed is `certferry-seed-1:` and 64 lower-case hex digits, and its id on a second line
",
    );
}

#[test]
fn init_writes_a_profile_that_builds() {
    for (arguments, nodes, warns) in [
        ("", 6, false),
        ("--kubernetes 1.20.0", 6, false),
        ("--kubernetes v1.37.0 --nodes 0", 3, false),
        ("--control-planes 1 --nodes 99 --name a", 100, false),
        ("--control-planes 2 --nodes 1", 3, true),
        ("--control-planes 9", 12, false),
    ] {
        let desk = Desk::new();
        let said = desk.succeed(&format!("init new.toml {arguments}"));
        let name = if arguments.contains("--name a") { "a" } else { "prod-1" };
        assert_eq!(
            said,
            format!(
                "new.toml\nEdit names and addresses, then: certferry build new.toml --new-seed {name}.seed --out out\n"
            )
        );
        assert_eq!(desk.mode("new.toml"), 0o644);
        let text = desk.text("new.toml");
        assert_eq!(desk.succeed(&format!("init {arguments}")), text, "the same to the standard output");
        let parsed = profile::parse(text.as_bytes()).ok().unwrap();
        assert_eq!((parsed.profile.nodes.len(), parsed.warnings.is_empty()), (nodes, !warns), "{arguments}");
        // Its own keys are RSA; the shape of the rest does not depend on that.
        let mut quick = text.replace("rsa-4096", "ecdsa-p256").replace("rsa-2048", "ecdsa-p256");
        assert_ne!(quick, text);
        if arguments.contains("1.20.0") {
            // This kubeadm joins with no other.
            quick = quick.replace("service_account = \"ecdsa-p256\"", "service_account = \"rsa-2048\"");
        }
        desk.write("new.toml", quick);
        let Ended { code, stdout, stderr } = desk.run("build new.toml --new-seed new.seed --plain --out out");
        assert_eq!((code, stderr.is_empty()), (Some(0), !warns), "{stderr}");
        assert!(stdout.starts_with(&format!("{name}, generation 1, Kubernetes ")), "{stdout}");
    }
}

/// The words of `init --help`: an engineer's cluster, but for the names of her machines.
#[test]
fn init_writes_the_cluster_that_its_options_describe() {
    let desk = Desk::new();
    let line = "init new.toml --name lab-2 --kubernetes 1.31.4 --endpoint k8s.corp.internal:6443 --control-planes 3@10.0.0.11 \
                --etcd external --etcd-members 3@10.0.1.11 --pool app=30@10.0.2.1 --pool gpu=10 --user alice=platform-ops \
                --user bob=dev --user carol";
    desk.succeed(line);
    let text = desk.text("new.toml");
    let profile = profile::parse(text.as_bytes()).ok().unwrap().profile;
    let of = |role: Role| {
        let nodes = profile.nodes.iter().filter(move |node| node.role == role);
        nodes.map(|node| format!("{} {}", node.name, node.addresses[0])).collect::<Vec<_>>()
    };
    assert_eq!(of(Role::ControlPlane), ["cp-1 10.0.0.11", "cp-2 10.0.0.12", "cp-3 10.0.0.13"]);
    assert_eq!(of(Role::Etcd), ["etcd-1 10.0.1.11", "etcd-2 10.0.1.12", "etcd-3 10.0.1.13"]);
    let workers = of(Role::Worker);
    assert_eq!((workers.len(), workers[0].as_str(), workers[29].as_str()), (40, "app-1 10.0.2.1", "app-30 10.0.2.30"));
    assert_eq!((workers[30].as_str(), workers[39].as_str()), ("gpu-1 10.0.2.31", "gpu-10 10.0.2.40"));
    assert_eq!(profile.cluster.control_plane_endpoint.unwrap().host.to_string(), "k8s.corp.internal");
    let users: Vec<_> = profile.users.iter().map(|user| (user.name.as_str(), user.groups.join(","))).collect();
    let group = str::to_owned;
    assert_eq!(users, [("alice", group("platform-ops")), ("bob", group("dev")), ("carol", group(""))]);
    // What the help shows is taken.
    let help = desk.succeed("init --help").replace("\\\n", " ");
    let shown = help.lines().find_map(|line| line.trim().strip_prefix("certferry init ")).unwrap();
    desk.succeed(&format!("init shown.toml {}", shown.split_once(".toml ").unwrap().1));

    for (arguments, nodes, subnet) in [
        ("--control-planes 3@fd00::11 --nodes 3@fd00::21", 6, "fd00:10:96::/112"),
        ("--nodes 1000", 1_003, "10.96.0.0/12"),
        ("--pool a=1 --nodes 2", 6, "10.96.0.0/12"),
    ] {
        let text = desk.succeed(&format!("init {arguments}"));
        let profile = profile::parse(text.as_bytes()).ok().unwrap().profile;
        assert_eq!((profile.nodes.len(), profile.cluster.service_subnets[0].to_string()), (nodes, subnet.to_owned()));
    }
    // Nothing but a name comes out of a name.
    let mut strange = desk.command("init --user");
    let text = desk.watch(strange.arg("o'neil \"x\"\\=a\"]\nbreak_glass = true")).stdout;
    let profile = profile::parse(text.as_bytes()).ok().map(|parsed| parsed.profile);
    assert!(profile.is_none_or(|profile| !profile.users[0].is_break_glass), "{text}");
    desk.refuse(
        "init --etcd-members 3",
        2,
        "error: --etcd-members is for --etcd external\nhint: without --etcd external the members are on the control planes\n",
    );
    desk.refuse(
        "init --pool a=9@255.255.255.250",
        2,
        "error: 9 addresses from 255.255.255.250 on are more than there are\n",
    );
}

/// A registry gets its certificate, or brings the root of another CA; no key gets into a profile.
#[test]
fn init_writes_registries() {
    let desk = Desk::new();
    let root = include_str!("common/corp-root.crt");
    desk.write("corp.crt", format!("of the firm\n{root}"));
    desk.succeed("init new.toml --registry registry.corp.internal:5000=tls --registry mirror.corp.internal=corp.crt");
    let parsed = profile::parse(desk.text("new.toml").as_bytes()).ok().unwrap();
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    let registries = parsed.profile.registries;
    let hosts: Vec<_> = registries.iter().map(|registry| registry.host.as_str()).collect();
    assert_eq!(hosts, ["registry.corp.internal:5000", "mirror.corp.internal"]);
    assert!(matches!(&registries[1].root, profile::RegistryRoot::Pem(roots) if roots[0].pem == root));
    assert!(!desk.text("new.toml").contains("of the firm"));
    desk.write("key.pem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    let hint = "hint: --registry takes HOST=tls, or HOST=FILE with the certificate of the CA that signed the registry's, in PEM\n";
    let said = format!("error: key.pem holds a key that is broken or of an unknown kind\n{hint}");
    desk.refuse("init x.toml --registry a.corp.internal=key.pem", 2, &said);
    desk.refuse(
        "init x.toml --registry a.corp.internal=none.crt",
        2,
        "error: cannot read none.crt: no such file or directory\n",
    );
    desk.refuse(
        "init x.toml --registry a.corp.internal",
        2,
        "error: invalid value 'a.corp.internal' for '--registry <HOST[:PORT]=ROOT>': expected HOST=ROOT, such as \
         registry.corp.internal:5000=tls\n\nFor more information, try '--help'.\n",
    );
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_wrong() {
    let desk = Desk::new();
    desk.refuse(
        "init lab.toml",
        2,
        "error: cannot create lab.toml: file exists\nhint: an existing profile is never overwritten\n",
    );
    desk.refuse("init none/x.toml", 2, "error: cannot create none/x.toml: no such file or directory\n");
    desk.refuse(
        "init new.toml --name Prod",
        2,
        "\
error: \"Prod\" is not a lower-case RFC 1123 label
 --> <starter>:6:8
  |
6 | name = \"Prod\"
  |        ^^^^^^ upper-case letters are not allowed
  |
  = hint: 1 to 63 lower-case letters, digits and `-`, the first and last a letter or digit, as in \"prod-1\"

error: \"k8s.Prod.internal\" is not a lower-case RFC 1123 subdomain
  --> <starter>:14:26
   |
14 | control_plane_endpoint = \"k8s.Prod.internal:6443\"
   |                          ^^^^^^^^^^^^^^^^^^^^^^^^ upper-case letters are not allowed
   |
   = hint: write \"k8s.prod.internal:6443\"; kubeadm and the kubelet lower-case names without a word
",
    );
    desk.refuse(
        "init new.toml --kubernetes 1.19.0",
        2,
        "\
error: Kubernetes 1.19.0 is not supported
 --> <starter>:8:14
  |
8 | kubernetes = \"1.19.0\"
  |              ^^^^^^^^ no PKI is known for this version
  |
  = hint: write a version from 1.20.0 to 1.37.x, as in \"1.24.15\"
",
    );
    for (arguments, text) in [
        (
            "--control-planes 0",
            "invalid value '0' for '--control-planes <COUNT[@ADDRESS]>': 0 is no number from 1 to 99",
        ),
        ("--nodes 1e5", "invalid value '1e5' for '--nodes <COUNT[@ADDRESS]>': 1e5 is no number from 0 to 99999"),
        ("--nodes +1", "invalid value '+1' for '--nodes <COUNT[@ADDRESS]>': +1 is no number from 0 to 99999"),
        ("--nodes 1@x", "invalid value '1@x' for '--nodes <COUNT[@ADDRESS]>': x is no address"),
        (
            "--pool app",
            "invalid value 'app' for '--pool <NAME=COUNT[@ADDRESS]>': expected NAME=COUNT@ADDRESS, such as \
             app=30@10.20.0.1",
        ),
    ] {
        let text = format!("error: {text}\n\nFor more information, try '--help'.\n");
        desk.refuse(&format!("init new.toml {arguments}"), 2, &text);
    }
}

#[test]
fn help_of_a_command_is_what_the_command_says() {
    let desk = Desk::new();
    let commands = desk.succeed("--help");
    let (_, commands) = commands.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let commands: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"build") && commands.contains(&"help"), "{commands:?}");
    for command in commands.into_iter().chain(["seed new", "seed id", "seed check", "seed reseal", "identity new"]) {
        let help = desk.succeed(&format!("help {command}"));
        // A chapter of that name follows.
        assert!(help.starts_with(&desk.succeed(&format!("{command} --help"))), "{command}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let desk = Desk::new();
    assert_eq!(desk.succeed("-V"), concat!("certferry ", env!("CARGO_PKG_VERSION"), "\n"));
    let said = desk.succeed("--version");
    let lines: Vec<_> = said.lines().collect();
    let [first, commit, formats, engine, features] = lines[..] else { panic!("{said}") };
    assert_eq!(first, concat!("certferry ", env!("CARGO_PKG_VERSION")));
    // The program of `cargo xtask dist` knows the commit, the one that cargo built beside the tests does not.
    let commit = commit.strip_prefix("commit    ").unwrap();
    if commit != "unknown: not built by `cargo xtask dist` from a git checkout" {
        let commit = commit.strip_suffix("-changed").unwrap_or(commit);
        let root = env!("CARGO_MANIFEST_DIR");
        assert_eq!(common::succeed(common::tool("git").args(["-C", root, "rev-parse", "HEAD"])).trim(), commit);
    }
    assert_eq!(formats, "formats   profile 1, derivation 1, certificate 1, bundle 1");
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let lock = desk.text("lab.lock.toml");
    let (_, table) = lock.split_once("[formats]\n").unwrap();
    let in_lock: Vec<_> = table.lines().take(4).map(|line| line.replace(" = ", " ")).collect();
    for format in &in_lock {
        assert!(formats.contains(format.as_str()), "{format}");
    }
    // The engine is the one that a build takes.
    let engines = engines();
    // The program of `cargo xtask dist` has fewer than the tests.
    let has_aws_lc = features == "features  aws-lc";
    let names: Vec<_> =
        engines.iter().map(|engine| engine.name).filter(|name| has_aws_lc || *name != "aws-lc").collect();
    assert_eq!(engine, format!("engine    {} (this machine has {})", names[0], names.join(", ")));
    assert_eq!(features, format!("features  {}", if names.contains(&"aws-lc") { "aws-lc" } else { "none" }));
}

#[test]
fn slips_end_with_2() {
    let desk = Desk::new();
    let end = "\n\nFor more information, try '--help'.\n";
    let usage = "\n\nUsage: certferry <COMMAND>";
    desk.refuse(
        "biuld x",
        2,
        &format!("error: unrecognized subcommand 'biuld'\n\n  tip: a similar subcommand exists: 'build'{usage}{end}"),
    );
    desk.refuse("--none", 2, &format!("error: unexpected argument '--none' found{usage}{end}"));
    let Ended { code, stdout, stderr } = desk.run("");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("Usage: certferry <COMMAND>"), "{stderr}");
    let Ended { code, stderr, .. } = desk.run("seed");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("Usage: certferry seed <COMMAND>"), "{stderr}");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let desk = Desk::new();
    for line in
        ["help profile", "man", "completions zsh", "--help", "build --help", "--version", "init", "seed id lab.seed"]
    {
        let ended = desk.watch(&mut desk.wrapped(&["sh", "-c", "\"$@\" 3>&1 | true; exit 0", "sh"], line));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
        // Its own exit code too, written past the pipe.
        let script = "{ \"$@\"; echo $? >&2; } | true";
        let ended = desk.watch(&mut desk.wrapped(&["sh", "-c", script, "sh"], line));
        assert_eq!(ended.stderr, "0\n", "{line}");
    }
}

/// Not a test of parsing: that the example profiles go through the command line's own reading, warnings and all.
#[test]
fn example_profiles_raise_no_word() {
    let desk = Desk::new();
    for name in PROFILES {
        let profile = common::profile(name);
        let mut command = certferry();
        command.arg("build").arg(profile).args(["--seed", "none.seed"]).current_dir(desk.path(""));
        let ended = desk.watch(&mut command);
        assert_eq!(
            ended.stderr,
            "\
error: cannot read the seed none.seed: no such file or directory
hint: make one with `certferry seed new FILE`, or build with --new-seed FILE
"
        );
    }
}
