//! The scripts among the manifests, joined by the compiler: how they say what is wrong they share, with `install.sh`, too.

/// A script from its two parts, and what scripts share between them.
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

/// `trust-root.sh`, with placeholders: lets a node trust the web root.
pub const TRUST_ROOT: &str = script!("trust-root");
/// `ca-bundles.sh`, with placeholders: writes a CA into every caBundle of a Service.
pub const CA_BUNDLES: &str = script!("ca-bundles");
