//! A bundle that somebody else signs: the key at hand, `certferry sign`, openssl, a token.

mod assembled;
mod chapter;
mod far_side;
mod files;
mod lock;
mod parted;
mod refused;
mod token;

use std::fs;

use crate::common::desk::{Desk, PROFILE};
use crate::common::{succeed, tool};

const SEED: &str = "build lab.toml --seed lab.seed";
const REQUEST: &str = "build lab.toml --seed lab.seed --unsigned lab-g1.request.tar";
const SIGN: &str = "sign lab-g1.request.tar --signer signer.key";
const ASSEMBLE: &str = "build lab.toml --seed lab.seed --signatures lab-g1.signatures.tar --out out";

/// Makes `NAME.key` and `NAME.pub` with openssl.
pub fn key(desk: &Desk, name: &str) {
    shell(
        desk,
        &format!(
            "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key 2>/dev/null ||
             openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key
             openssl pkey -in {name}.key -pubout -out {name}.pub"
        ),
    );
    desk.set_mode(&format!("{name}.key"), 0o600);
}

/// Runs lines of a shell on the desk; returns what they print.
fn shell(desk: &Desk, lines: &str) -> String {
    succeed(tool("sh").args(["-euc", lines]).current_dir(desk.path("")))
}

/// A desk whose profile names a signer, with the key of them on it.
fn desk() -> Desk {
    let desk = Desk::new();
    key(&desk, "signer");
    name_signer(&desk, "signer.pub");
    desk
}

/// Writes the profile with this signer.
fn name_signer(desk: &Desk, file: &str) {
    desk.write("lab.toml", format!("{PROFILE}\n[bundle]\nsigner = \"{file}\"\n"));
}

/// The fingerprint of a public key, as openssl has it.
fn fingerprint(desk: &Desk, name: &str) -> String {
    let line = format!("openssl pkey -pubin -in {name}.pub -outform DER | sha256sum | cut -c1-64");
    format!("sha256:{}", shell(desk, &line).trim_end())
}

/// Answers a request as anybody with openssl would.
fn sign_by_hand(desk: &Desk, key: &str) {
    shell(
        desk,
        &format!(
            "tar -xf lab-g1.request.tar
             cut -c67- lab-g1/SHA256SUMS | while read -r file; do
               openssl dgst -sha256 -sign {key}.key -out \"lab-g1/$file.sig\" \"lab-g1/$file\"
             done
             tar -cf lab-g1.signatures.tar lab-g1"
        ),
    );
}

/// Packs the answer anew after somebody has changed the folder `lab-g1`.
fn pack(desk: &Desk) {
    shell(desk, "tar -cf lab-g1.signatures.tar lab-g1");
}

/// What is in `out` after a bundle was assembled.
const ASSEMBLED: [&str; 5] = ["install.sh", "install.sh.sig", "lab-g1.tar.gz", "lab-g1.tar.gz.sha256", "lab.pub"];

/// Leaves nothing of a build on the desk.
fn forget(desk: &Desk) {
    let _ = fs::remove_dir_all(desk.path("out"));
    let _ = fs::remove_file(desk.path("lab.lock.toml"));
}
