//! A desk whose seed is sealed, everything that is secret about it, and all places where it could be.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::LazyLock;

use certferry::seal::{Identity, Kind};
use tempfile::TempDir;

use super::search::{Needles, Places};
use super::secrets::{self, Secret};
use crate::common::desk::{CANARY, Desk};
use crate::common::write;

pub const PASSPHRASE: &str = "nobody guesses these four words";

/// What is the same for every desk.
pub struct Lab {
    profile: String,
    pub lock: String,
    sealed: Vec<u8>,
    /// Identities and passphrases, which lie elsewhere than the desk.
    stick: TempDir,
    pub recipient: String,
    pub needles: Needles,
}

pub static LAB: LazyLock<Lab> = LazyLock::new(|| {
    let desk = Desk::new();
    desk.profile_with(&[
        ("ca = \"ecdsa-p256\"", "ca = \"rsa-2048\""),
        ("service_account = \"ecdsa-p256\"", "service_account = \"ecdsa-p384\""),
        ("[[user]]", "[[node]]\nname = \"w-1\"\nrole = \"worker\"\naddresses = [\"192.168.10.7\"]\n\n[[user]]"),
    ]);
    desk.succeed("build lab.toml --seed lab.seed --out out");
    let lock = desk.text("lab.lock.toml");
    let stick = tempfile::tempdir().unwrap();
    let identity = Identity::random(Kind::Hybrid).unwrap();
    let text = format!("{}\n", *identity.to_text());
    write(stick.path(), "me.key", &text, 0o600);
    write(stick.path(), "passphrase", PASSPHRASE, 0o600);
    let recipient = identity.recipient().to_string();
    desk.succeed(&format!("seed reseal lab.seed --out sealed.seed --recipient {recipient}"));
    let mut secrets = secrets::of_cluster(CANARY, &lock);
    secrets.extend(Secret::identity("identity", &text));
    secrets.push(Secret::text("passphrase", PASSPHRASE));
    let (profile, sealed) = (desk.text("lab.toml"), desk.read("sealed.seed"));
    Lab { profile, lock, sealed, stick, recipient, needles: Needles::new(secrets) }
});

impl Lab {
    /// A desk with the profile, the sealed seed and nothing secret.
    pub fn desk(&self) -> Desk {
        let desk = Desk::new();
        std::fs::remove_file(desk.path("lab.seed")).unwrap();
        desk.write("lab.toml", &self.profile);
        desk.write("sealed.seed", &self.sealed);
        desk.set_mode("sealed.seed", 0o600);
        desk
    }

    /// The words that open the seed.
    pub fn open(&self) -> String {
        format!("--identity {}", self.on_stick("me.key"))
    }

    pub fn on_stick(&self, name: &str) -> String {
        self.stick.path().join(name).display().to_string()
    }

    /// Runs a command and looks for everything secret in all that it hands to the kernel, says and leaves on the desk.
    pub fn run(&self, desk: &Desk, command: &Command) -> (Output, Places) {
        self.needles.watch(desk, command)
    }

    /// Where the keys of a part are, by the lock: each file and the id of its key.
    pub fn keys_of(&self, part: &str) -> BTreeMap<String, String> {
        let lock: toml::Table = self.lock.parse().unwrap();
        let parts = lock["part"].as_array().unwrap();
        let row = parts.iter().find(|row| row["part"].as_str() == Some(part)).unwrap();
        let files = row["files"].as_table().unwrap().iter();
        let key = |(path, what): (&String, &toml::Value)| {
            let what = what.as_str().unwrap();
            let key = match what.strip_prefix("kubeconfig ") {
                Some(rest) => rest.split_once(" with ").unwrap().1,
                None => what.strip_prefix("key ").or_else(|| what.strip_prefix("certificate and key "))?,
            };
            // A path is that of another file's.
            (!key.starts_with('/')).then(|| (path.clone(), format!("key {key}")))
        };
        files.filter_map(key).collect()
    }
}
