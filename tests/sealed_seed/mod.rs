//! Seeds and adopted keys that are sealed: made, opened by every command that takes one, sealed anew, checked.

mod chapter;
mod files;
mod identities;
pub mod terminal;

use certferry::seal::{Identity, Kind};

use crate::common::desk::{CANARY, Desk};

const PASSPHRASE: &str = "four words of nobody\n";

/// A desk with `passphrase`, `other`, `hybrid.key` and `x25519.key` on it. Returns the recipients of the last two.
fn desk() -> (Desk, [String; 2]) {
    let desk = Desk::new();
    let put = |name: &str, text: &str| {
        desk.write(name, text);
        desk.set_mode(name, 0o600);
    };
    put("passphrase", PASSPHRASE);
    put("other", "another passphrase");
    let recipients = [(Kind::Hybrid, "hybrid.key"), (Kind::X25519, "x25519.key")].map(|(kind, name)| {
        let identity = Identity::random(kind).unwrap();
        put(name, &format!("# an identity\n{}\n", *identity.to_text()));
        identity.recipient().to_string()
    });
    (desk, recipients)
}

/// The file of the desk's seed as it is written now.
fn plain(id: &str) -> String {
    format!("certferry-seed-1:{CANARY}\nseed-id {}\n", id.trim_end())
}
