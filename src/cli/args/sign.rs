//! The arguments of `sign`.

use std::path::PathBuf;

use super::{FormatArguments, OpenArguments};

#[derive(clap::Args)]
pub(crate) struct SignArguments {
    /// What `build --unsigned` wrote; or the .sha256 beside a bundle that was assembled
    pub(crate) request: PathBuf,
    /// The signer's private key: P-256 in PEM, PKCS#8 or SEC 1, which may be sealed
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: PathBuf,
    #[command(flatten)]
    pub(crate) open: OpenArguments,
    /// The file to write, which must not exist [default: REQUEST with .signatures.tar for .request.tar, or with .sig]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Say what would be signed; sign and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}
