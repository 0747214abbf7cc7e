//! Certificates that a thief makes with a key, and whether openssl believes them.

use std::path::Path;

use crate::common::desk::Desk;
use crate::common::{run, succeed, tool};

/// Makes a certificate of `system:masters` with a key in two ways: under the true CA's certificate, and under one of
/// the thief's own with the CA's name. Returns whether openssl believes either, for whom the true CA is the only one.
pub fn forges(desk: &Desk, ca: &str, key: &str) -> bool {
    let folder = desk.path("");
    let openssl = |line: &str| {
        let mut openssl = tool("openssl");
        openssl.args(line.split_whitespace()).current_dir(&folder);
        openssl
    };
    succeed(&mut openssl(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout thief.key -out thief.csr -subj \
         /O=system:masters/CN=thief",
    ));
    let name = succeed(&mut openssl(&format!("x509 -in {ca} -noout -subject -nameopt sep_multiline,utf8,sname")));
    let name = name.lines().find_map(|line| line.trim().strip_prefix("CN=")).unwrap().to_owned();
    succeed(&mut openssl(&format!("req -x509 -new -key {key} -subj /CN={name} -days 3650 -out own.crt")));
    let sign =
        |ca: &str| format!("x509 -req -in thief.csr -CA {ca} -CAkey {key} -set_serial 7 -days 3650 -out thief.crt");
    // Without an authorityKeyIdentifier the name alone would have to do.
    let under_own = run(&mut openssl(&sign("own.crt"))).status.success() && believed(&folder, ca, "thief.crt");
    let under_true = run(&mut openssl(&sign(ca))).status.success() && believed(&folder, ca, "thief.crt");
    under_own || under_true
}

/// Whether openssl believes a certificate, for whom this CA is the only one.
pub fn believed(folder: &Path, ca: &str, certificate: &str) -> bool {
    let mut openssl = tool("openssl");
    openssl.args(["verify", "-no_check_time", "-CAfile", ca, certificate]);
    run(openssl.current_dir(folder)).status.success()
}
