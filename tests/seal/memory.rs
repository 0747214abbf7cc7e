//! Sealing and opening are streams: what is long takes no more memory than what is short.

use std::env;
use std::io::{self, BufReader, Write};

use certferry::seal::{Envelope, Form, Identity, Kind, OpenWith, SealTo, Sealer};

use crate::common::{run, tool};

const LENGTH: &str = "CERTFERRY_TEST_STREAMED";

/// The most memory of a process in which so many MiB are sealed and opened, in KiB.
fn peak(mebibytes: u32) -> u64 {
    let mut time = tool("time");
    time.args(["--quiet", "-f", "%M"]).arg(env::current_exe().unwrap()).args(["--exact", "seal::memory::streamed"]);
    let output = run(time.env(LENGTH, mebibytes.to_string()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{said}");
    said.lines().last().unwrap().parse().unwrap()
}

#[test]
fn a_long_content_takes_no_more_memory_than_a_short_one() {
    let [short, long] = [1, 48].map(peak);
    assert!(long < short + 4096, "{short} and {long} KiB");
}

/// What the other test runs as a process of its own; by itself nothing.
#[test]
fn streamed() {
    let Ok(mebibytes) = env::var(LENGTH) else { return };
    let mebibytes: u64 = mebibytes.parse().unwrap();
    let own = [Identity::random(Kind::Hybrid).unwrap()];
    let recipient = own[0].recipient();
    let (reader, writer) = io::pipe().unwrap();
    let sealing = std::thread::spawn(move || {
        let mut sealer = Sealer::new(writer, SealTo::Recipients(&[recipient]), Form::Binary).unwrap();
        for _ in 0..mebibytes {
            sealer.write_all(&vec![7; 1 << 20]).unwrap();
        }
        drop(sealer.finish().unwrap());
    });
    let mut opened = Envelope::read(BufReader::new(reader)).unwrap().open(OpenWith::Identities(&own)).unwrap();
    assert_eq!(io::copy(&mut opened, &mut io::sink()).unwrap(), mebibytes << 20);
    sealing.join().unwrap();
}
