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

/// The beginning of `rotation/phase-N.sh`, with placeholders for its values.
pub const ROTATION_VALUES: &str = include_str!("../../templates/rotation/00-start.sh");
/// The rest of `rotation/phase-N.sh`. It has no placeholders: what looks like them are templates of Go, for kubectl.
pub const ROTATION: &str = concat!(
    include_str!("../../templates/shared/say-error.sh"),
    include_str!("../../templates/shared/refuse.sh"),
    include_str!("../../templates/rotation/10-text.sh"),
    include_str!("../../templates/rotation/20-nodes.sh"),
    include_str!("../../templates/rotation/30-trust.sh"),
    include_str!("../../templates/rotation/40-objects.sh"),
    include_str!("../../templates/rotation/50-pods.sh"),
    include_str!("../../templates/rotation/90-main.sh"),
);

/// `trust-root.sh` with placeholders, which makes a node trust the web root.
pub const TRUST_ROOT: &str = script!("trust-root");
/// `ca-bundles.sh` with placeholders, which writes a CA into every caBundle of a Service.
pub const CA_BUNDLES: &str = script!("ca-bundles");
