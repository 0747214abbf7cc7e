//! A token that gives its key to nobody: SoftHSM behind PKCS #11, with the lines of the chapter `signer`.

use super::{ASSEMBLE, REQUEST, name_signer, shell};
use crate::common::desk::Desk;
use crate::common::{succeed, tool};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
#[ignore = "long form"]
fn long_a_token_signs() {
    let desk = Desk::new();
    desk.write("softhsm.conf", format!("directories.tokendir = {}\n", desk.path("tokens").display()));
    std::fs::create_dir(desk.path("tokens")).unwrap();
    let on_token = |lines: &str| {
        let lines = format!(
            "pkcs11() {{ pkcs11-tool --module {MODULE} --login --pin 1234 --token-label lab \"$@\" >/dev/null 2>&1; }}\n{lines}"
        );
        let mut sh = tool("sh");
        sh.args(["-euc", &lines]).env("SOFTHSM2_CONF", desk.path("softhsm.conf")).current_dir(desk.path(""));
        succeed(&mut sh)
    };
    on_token(
        "softhsm2-util --init-token --free --label lab --pin 1234 --so-pin 4321 >/dev/null
         pkcs11 --keypairgen --key-type EC:prime256v1 --label signer
         pkcs11 --read-object --type pubkey --label signer -o signer.der
         openssl pkey -pubin -inform DER -in signer.der -out signer.pub",
    );
    name_signer(&desk, "signer.pub");
    desk.succeed(REQUEST);
    on_token(
        "tar -xf lab-g1.request.tar
         cut -c67- lab-g1/SHA256SUMS | while read -r file; do
           openssl dgst -sha256 -binary \"lab-g1/$file\" >digest
           pkcs11 --sign --mechanism ECDSA --signature-format openssl --label signer -i digest -o \"lab-g1/$file.sig\"
         done
         tar -cf lab-g1.signatures.tar lab-g1",
    );
    desk.succeed(ASSEMBLE);
    desk.succeed("verify out/lab-g1.tar.gz --key signer.pub");
    // Without DER, as the token gives it.
    on_token(
        "openssl dgst -sha256 -binary lab-g1/cluster.json >digest
         pkcs11 --sign --mechanism ECDSA --label signer -i digest -o lab-g1/cluster.json.sig",
    );
    shell(&desk, "tar -cf lab-g1.signatures.tar lab-g1");
    let ended = desk.run(&ASSEMBLE.replace("--out out", "--out raw"));
    assert!(
        ended.stderr.contains("but 64 bytes of something else\nhint: 64 bytes are r and s without DER"),
        "{}",
        ended.stderr
    );
}
