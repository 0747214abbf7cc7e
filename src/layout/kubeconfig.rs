//! Renders kubeconfigs.

use zeroize::Zeroizing;

use super::{LayoutError, Made};
use crate::kubeconfig::{KubeadmCredentials, KubeadmForm};
use crate::plan::{Credentials, PlannedKubeconfig};

/// Renders the kubeconfig in YAML.
pub(super) fn render_kubeconfig(
    planned: &PlannedKubeconfig,
    made: &Made<'_>,
) -> Result<Zeroizing<String>, LayoutError> {
    let authority = made.certificate(&planned.ca)?.pem();
    let (certificate, key);
    let credentials = match &planned.credentials {
        Credentials::Path(path) => KubeadmCredentials::File(path),
        Credentials::Embedded(id) => {
            (certificate, key) = (made.certificate(id)?.pem(), made.key(id)?.to_pem());
            KubeadmCredentials::Embedded { certificate: certificate.as_bytes(), key: key.as_bytes() }
        }
    };
    let form =
        KubeadmForm { authority: authority.as_bytes(), server: &planned.server, user: &planned.user, credentials };
    form.write().map_err(LayoutError::Template)
}
