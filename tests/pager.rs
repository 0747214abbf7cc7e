//! Long texts on a terminal: which program shows them, and when none does. The terminal is made by script(1).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::desk::Desk;
use crate::common::{Ended, certferry, end, program, tool};

/// Runs certferry with these words on a terminal of 60 columns and 12 rows, below variables such as `PAGER=more`.
fn on_terminal(desk: &Desk, variables: &str, words: &str) -> Ended {
    let line = format!("stty cols 60 rows 12; {variables} exec '{}' {words}", program().display());
    let mut script = tool("script");
    script.args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    for name in ["PAGER", "LESS", "COLUMNS", "LINES"] {
        script.env_remove(name);
    }
    script.env("NO_COLOR", "1");
    let mut ended = end(script.current_dir(desk.path("")));
    ended.stdout = ended.stdout.replace("\r\n", "\n");
    ended
}

/// The text, as wide as the terminal.
fn text(words: &str) -> String {
    let mut help = certferry();
    let ended =
        end(help.args(words.split(' ')).env("COLUMNS", "60").env("LC_ALL", "C.UTF-8").env("PAGER", "touch ran"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    ended.stdout
}

/// A folder `bin` with programs of these names that say their name and `LESS`, and then the first line.
fn programs(desk: &Desk, names: &[&str]) -> String {
    let _ = fs::remove_dir_all(desk.path("bin"));
    fs::create_dir(desk.path("bin")).unwrap();
    for name in names {
        let file = format!("bin/{name}");
        desk.write(&file, "#!/bin/sh\nread line; echo \"${0##*/} LESS=$LESS $line\"\n");
        fs::set_permissions(desk.path(&file), PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink("/bin/sh", desk.path("bin/sh")).unwrap();
    format!("PATH='{}'", desk.path("bin").display())
}

#[test]
fn the_pager_of_the_environment_gets_the_text() {
    let desk = Desk::new();
    let ended = on_terminal(&desk, "PAGER='cat > seen'", "help far-side");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(desk.text("seen"), text("help far-side"));
    // So do the options of a command.
    on_terminal(&desk, "PAGER='cat > seen'", "help build");
    assert!(desk.text("seen").starts_with("Make the signed bundle"));
}

#[test]
fn less_comes_first_then_more_then_none() {
    let desk = Desk::new();
    let path = programs(&desk, &["less", "more"]);
    for (variables, expected) in [
        ("", "less LESS=FRX The far side\n"),
        ("LESS=M", "less LESS=M The far side\n"),
        // One that is not there is no failure.
        ("PAGER=nothing-of-this-name", "less LESS=FRX The far side\n"),
    ] {
        let ended = on_terminal(&desk, &format!("{variables} {path}"), "help far-side");
        assert!(ended.stdout.ends_with(expected) && ended.code == Some(0), "{variables}: {}", ended.stdout);
    }
    let path = programs(&desk, &["more"]);
    assert_eq!(on_terminal(&desk, &path, "help far-side").stdout, "more LESS=FRX The far side\n");
    let path = programs(&desk, &[]);
    assert_eq!(on_terminal(&desk, &path, "help far-side").stdout, text("help far-side"));
}

#[test]
fn nothing_is_paged_that_needs_no_pager() {
    let desk = Desk::new();
    for (variables, words) in [
        ("TERM=dumb PAGER='touch ran'", "help far-side"),
        ("TERM= PAGER='touch ran'", "help far-side"),
        ("PAGER=", "help far-side"),
        ("PAGER=cat", "help far-side"),
        // It fits.
        ("PAGER='touch ran'", "help quickstart 2"),
    ] {
        let ended = on_terminal(&desk, variables, words);
        assert_eq!((ended.code, ended.stdout), (Some(0), text(words)), "{variables} {words}");
    }
    // An error is no text to read.
    let ended = on_terminal(&desk, "PAGER='touch ran'", "help far-side none");
    assert!(ended.code == Some(2) && ended.stdout.starts_with("error: "), "{}", ended.stdout);
    assert!(!desk.exists("ran"));
}

#[test]
fn a_pager_that_ends_early_is_no_failure() {
    let desk = Desk::new();
    let ended = on_terminal(&desk, "PAGER='head -n 1'", "help formats");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "The formats\n"));
    let ended = on_terminal(&desk, "PAGER='exit 3'", "help formats");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
}

/// A terminal sends it to both.
#[test]
fn ctrl_c_is_for_the_pager() {
    let desk = Desk::new();
    let ended = on_terminal(&desk, "PAGER='kill -INT $PPID; cat > seen'", "help far-side");
    assert_eq!((ended.code, desk.text("seen")), (Some(0), text("help far-side")), "{}", ended.stdout);
}

/// Korean on the console of Linux itself.
#[test]
fn the_console_of_linux_has_no_korean() {
    let desk = Desk::new();
    let note =
        "The console of Linux has no letters for Korean: here is\nEnglish. `--lang ko` prints Korean all the same.\n\n";
    let english = format!("{note}{}", text("help quickstart 2 --lang en"));
    assert_eq!(on_terminal(&desk, "LC_ALL=ko_KR.UTF-8 TERM=linux PAGER=", "help quickstart 2").stdout, english);
    let korean = text("help quickstart 2 --lang ko");
    for (variables, words) in [
        ("LC_ALL=ko_KR.UTF-8 TERM=linux PAGER=", "help quickstart 2 --lang ko"),
        ("LC_ALL=ko_KR.UTF-8 TERM=xterm PAGER=", "help quickstart 2"),
    ] {
        assert_eq!(on_terminal(&desk, variables, words).stdout, korean, "{variables} {words}");
    }
    assert_ne!(korean, text("help quickstart 2 --lang en"));
}
