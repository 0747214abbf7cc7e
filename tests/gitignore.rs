//! `.gitignore` beside a new seed, as git itself reads it.

use std::process::Command;

use crate::common::desk::Desk;
use crate::common::{run, succeed, tool};

/// git, without what a user or a machine has set.
fn git(desk: &Desk) -> Command {
    let mut git = tool("git");
    git.current_dir(desk.path("")).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    git
}

fn is_ignored(desk: &Desk, path: &str) -> bool {
    run(git(desk).args(["check-ignore", "--quiet", "--"]).arg(path)).status.success()
}

#[test]
fn git_takes_no_seed_and_no_bundle() {
    for seed in ["new.seed", "secret", "!#1 [a]*?\\ "] {
        let desk = Desk::new();
        succeed(git(&desk).args(["init", "--quiet"]));
        let mut build = desk.command("build lab.toml --out out --plain --new-seed");
        assert_eq!(desk.watch(build.arg(seed)).code, Some(0));
        desk.succeed("split out/lab-g1.tar.gz --all --out slices");
        for name in [seed, "other.seed", "out/lab-g1.tar.gz", "slices/nodes/cp-1/lab-g1.tar.gz", "adopted/ca.key"] {
            assert!(is_ignored(&desk, name), "{seed}: {name}");
        }
        for name in
            ["lab.toml", "lab.lock.toml", "out/lab.pub", "out/lab-g1.tar.gz.sig", "out/install.sh", ".gitignore"]
        {
            assert!(!is_ignored(&desk, name), "{seed}: {name}");
        }
        assert_eq!(desk.mode(".gitignore"), 0o644);
    }
}

#[test]
fn one_that_is_there_stays_and_is_looked_at() {
    let announced = "  new.seed  NEW: whoever has it can make every key. Keep two copies offline.\n\n";
    let warning = "warning: .gitignore does not name new.seed\nhint: whoever gets it from version control has every key: add \
                   the line new.seed\n";
    for (content, warns) in [("target\n", true), ("*.seed\n", false), ("/new.seed", false)] {
        for line in ["seed new new.seed --plain", "build lab.toml --new-seed new.seed --plain --out out"] {
            let desk = Desk::new();
            desk.write(".gitignore", content);
            let ended = desk.run(line);
            assert_eq!(
                (ended.code, ended.stderr.as_str()),
                (Some(0), if warns { warning } else { "" }),
                "{content} {line}"
            );
            assert!(!ended.stdout.contains(".gitignore"), "{}", ended.stdout);
            assert!(line.starts_with("seed") || ended.stdout.contains(announced), "{}", ended.stdout);
            assert_eq!(desk.text(".gitignore"), content);
        }
    }
    // Where no seed is new none is made.
    let desk = Desk::new();
    desk.succeed("build lab.toml --seed lab.seed --out out");
    assert!(!desk.exists(".gitignore") && !desk.exists("out/.gitignore"));
    // A build that is refused leaves none.
    desk.write("lab.toml", "format = 1\n");
    assert_eq!(desk.run("build lab.toml --new-seed new.seed --plain --out other").code, Some(2));
    assert!(!desk.exists(".gitignore"));
}
