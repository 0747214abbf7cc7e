//! Passphrases at their edges, and how much work and memory a sealed file gets, whatever it asks for.

use super::desk;
use crate::common::desk::Desk;

/// The MiB that everything but scrypt may take.
const BESIDES: u64 = 32;

/// A sealed file that nobody has sealed, with a work factor.
fn asks_for(desk: &Desk, name: &str, work_factor: u8) {
    let [salt, body] = [22, 43].map(|length| "A".repeat(length));
    let head = format!("age-encryption.org/v1\n-> scrypt {salt} {work_factor}\n{body}\n--- {body}\n");
    desk.write(name, [head.as_bytes(), &[0; 64]].concat());
    desk.set_mode(name, 0o600);
}

/// Blanks do, however many; and one end of a line does not.
#[test]
fn all_of_a_line_but_its_end_belongs_to_a_passphrase() {
    let (desk, _) = desk();
    for (name, content) in [("crlf", "  four words \t\r\n"), ("bare", "  four words \t"), ("trimmed", "four words")] {
        desk.write(name, content);
        desk.set_mode(name, 0o600);
    }
    desk.succeed("seed reseal lab.seed --out p.seed --new-passphrase-file crlf");
    assert_eq!(desk.succeed("seed id p.seed --passphrase-file bare"), desk.succeed("seed id lab.seed"));
    desk.refuse(
        "seed id p.seed --passphrase-file trimmed",
        2,
        "error: p.seed does not open: the passphrase is another one, or the file was changed\nhint: a copy from before `seed \
         reseal` has the passphrase of before\n",
    );
}

/// With a second of a processor and next to no memory: nothing is begun.
#[test]
fn work_that_nobody_does_is_refused_before_any() {
    let (desk, _) = desk();
    let limited = ["sh", "-c", "ulimit -t 1; ulimit -v 150000; exec \"$@\"", "sh"];
    for work_factor in [21, 30, 62, 255] {
        asks_for(&desk, "hostile.seed", work_factor);
        let ended = desk.watch(&mut desk.wrapped(&limited, "seed id hostile.seed --passphrase-file passphrase"));
        let said = format!(
            "error: hostile.seed asks for 2^{work_factor} steps of scrypt; certferry does at most 2^20\nhint: was it sealed \
             by somebody else?\n"
        );
        assert_eq!((ended.code, ended.stderr), (Some(2), said));
    }
    // What may be asked for, and is not there.
    asks_for(&desk, "large.seed", 18);
    let ended = desk.watch(&mut desk.wrapped(&limited, "seed id large.seed --passphrase-file passphrase"));
    let said =
        "error: large.seed asks for 256 MiB of memory, which are not there\nhint: was it sealed by somebody else?\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), said));
    let ended = desk.watch(&mut desk.wrapped(&limited, "seed new new.seed --passphrase-file passphrase"));
    let said = "error: cannot seal: scrypt takes 256 MiB of memory, which are not there\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), said));
    assert!(!desk.exists("new.seed"));
}

/// The most memory that opening takes, in MiB, with the kernel's own account of it.
fn peak(desk: &Desk, work_factor: u8) -> u64 {
    asks_for(desk, "asks.seed", work_factor);
    let time = ["time", "--quiet", "-f", "%M", "-o", "peak"];
    let ended = desk.watch(&mut desk.wrapped(&time, "seed id asks.seed --passphrase-file passphrase"));
    assert!(ended.stderr.contains("the passphrase is another one"), "{}", ended.stderr);
    desk.text("peak").lines().last().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn opening_takes_the_memory_that_the_chapter_says() {
    let (desk, _) = desk();
    let took = peak(&desk, 18);
    assert!((256..256 + BESIDES).contains(&took), "{took} MiB");
}

#[test]
#[ignore = "long form"]
fn long_opening_takes_a_gibibyte_at_most() {
    let (desk, _) = desk();
    let took = peak(&desk, 20);
    assert!((1024..1024 + BESIDES).contains(&took), "{took} MiB");
}
