//! The reasons for which something could not be read (the manual, chapter formats, section 7). `survey.sh` says the same.

use std::io;

pub(super) const DENIED: &str = "permission denied";
pub(super) const NOTHING: &str = "nothing is there";
pub(super) const NOT_REGULAR: &str = "not a regular file";
pub(super) const TOO_LARGE: &str = "larger than 4194304 bytes";
pub(super) const TOO_MANY: &str = "more than 4096 entries";
pub(super) const LINKS: &str = "a circle of links";
pub(super) const MANY_BLOCKS: &str = "holds more than 512 blocks";
pub(super) const NO_PEM: &str = "holds no certificate and no key as PEM";
pub(super) const CERTIFICATE: &str = "holds a certificate that cannot be read";
pub(super) const PRIVATE_KEY: &str = "holds a private key that cannot be read";
pub(super) const PUBLIC_KEY: &str = "holds a public key that cannot be read";
pub(super) const PASSPHRASE: &str = "holds a private key under a passphrase";
pub(super) const NOT_UTF8: &str = "not UTF-8";
pub(super) const NOT_YAML: &str = "not YAML";
pub(super) const NOT_KUBECONFIG: &str = "not a kubeconfig";
/// A field that should hold PEM in base64.
pub(super) const BASE64: &str = "holds base64 that cannot be read";
/// What a kubeconfig names where it should name a file or a server.
pub(super) const PATH: &str = "names a file in an unusual way";
pub(super) const SERVER: &str = "names a server in an unusual way";
pub(super) const NAME: &str = "holds a name of an unusual form";
/// Of a file that nothing names, and whose name alone is that of a kubeconfig: `cloud.conf`.
pub(super) const OTHER_FILE: &str = "no kubeconfig, and nothing names it";
pub(super) const NOT_A_POD: &str = "not a pod";

/// Anything else that the operating system says.
const OTHER: &str = "cannot be read";

/// Returns the reason for an error of [`crate::host::NodeRoot`].
pub(super) fn of(error: &io::Error) -> &'static str {
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::PermissionDenied => DENIED,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NOTHING,
        io::ErrorKind::FileTooLarge => TOO_LARGE,
        _ if text == "not a regular file" => NOT_REGULAR,
        _ if text == "too many links" => LINKS,
        _ if text.starts_with("more than ") => TOO_MANY,
        // An open(2) of a socket, and of a device whose driver is not there.
        _ if matches!(error.raw_os_error(), Some(6 | 19)) => NOT_REGULAR,
        _ => OTHER,
    }
}
