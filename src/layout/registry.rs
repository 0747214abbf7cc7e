//! Renders what containerd reads of a registry, and roots that a profile brings.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::plan::RegistryFile;
use crate::template::render as render_template;

const HOSTS: &str = include_str!("../../templates/containerd/hosts.toml");

pub(super) fn render(file: &RegistryFile) -> Result<Zeroizing<String>, LayoutError> {
    match file {
        RegistryFile::Hosts(host) => render_template(HOSTS, &[("host", host)]).map_err(LayoutError::Template),
        RegistryFile::Root(certificates) => {
            Ok(Zeroizing::new(certificates.iter().map(|known| known.pem.as_str()).collect()))
        }
    }
}
