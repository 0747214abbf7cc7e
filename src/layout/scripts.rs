//! The scripts among the manifests. The compiler joins their pieces.
//!
//! They share with `install.sh`, too, the functions that report an error.

/// Joins a script from its two pieces, and the pieces between them that all scripts share.
macro_rules! script {
    ($folder:literal) => {
        concat!(
            include_str!(concat!("../../templates/", $folder, "/00-start.sh")),
            include_str!("../../templates/shared/say-error.sh"),
            include_str!("../../templates/shared/refuse.sh"),
            include_str!(concat!("../../templates/", $folder, "/10-main.sh")),
        )
    };
}

/// `trust-root.sh` with placeholders, which makes a node trust the web root.
pub const TRUST_ROOT: &str = script!("trust-root");
/// `ca-bundles.sh` with placeholders, which writes a CA into every caBundle of a Service.
pub const CA_BUNDLES: &str = script!("ca-bundles");
