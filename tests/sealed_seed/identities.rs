//! `identity new`: an identity that age and certferry take, and the fingerprint of its recipient.

use sha2::{Digest, Sha256};

use crate::common::desk::Desk;
use crate::common::{succeed, tool};

#[test]
fn an_identity_opens_what_is_sealed_to_its_recipient() {
    for (kind, prefix, length) in [("", "age1pq1", 1959), (" --x25519", "age1", 62)] {
        let desk = Desk::new();
        let said = desk.succeed(&format!("identity new me.key{kind}"));
        assert_eq!(desk.mode("me.key"), 0o600);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines[0],
            "me.key  the identity: whoever has it opens what is sealed to the recipient. It stays here."
        );
        let recipient = lines[2];
        assert!(recipient.starts_with(prefix) && recipient.len() == length, "{recipient}");
        let hash: String = Sha256::digest(recipient).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(lines[4], format!("paper    sha256:{hash}"));
        let groups = format!("{}{}", lines[5], lines[6]).replace(' ', "");
        assert_eq!(groups, hash);
        assert_eq!(lines[7..].iter().flat_map(|line| line.split_whitespace()).count(), 1 + 24, "{said}");
        let secret = desk.text("me.key").lines().nth(1).unwrap().to_owned();
        assert!(secret.starts_with("AGE-SECRET-KEY-") && !said.contains(&secret));
        desk.succeed(&format!("seed new new.seed --recipient {recipient}"));
        desk.succeed("seed id new.seed --identity me.key");
        if !kind.is_empty() {
            // Debian's age knows this kind only.
            let told = succeed(tool("age-keygen").args(["-y", "me.key"]).current_dir(desk.path("")));
            assert_eq!(told.trim_end(), recipient);
        }
        desk.refuse(
            "identity new me.key",
            2,
            "error: cannot create me.key: file exists\nhint: an identity is never overwritten\n",
        );
    }
    let desk = Desk::new();
    assert!(desk.succeed("identity new me.key --qr").lines().count() > 20);
    desk.refuse(
        "identity new -",
        2,
        "error: an identity is not written to the standard output\nhint: name a file that does not exist; it gets mode 0600\n",
    );
}
