//! Renders kubeconfigs.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{FileSources, LayoutError};
use crate::kubeconfig::{KubeadmCredentials, KubeadmForm};
use crate::plan::{Credentials, PlannedChain, PlannedKubeconfig};

/// Renders the kubeconfig in YAML.
pub(super) fn render_kubeconfig(
    planned: &PlannedKubeconfig,
    sources: &FileSources<'_>,
) -> Result<Zeroizing<String>, LayoutError> {
    let chain = PlannedChain { certificates: planned.authorities.clone(), issuers: Arc::clone(&planned.issuers) };
    let authority = sources.chain(&chain)?;
    let (certificate, key);
    let credentials = match &planned.credentials {
        Credentials::Path(path) => KubeadmCredentials::File(path),
        Credentials::Embedded(id) => {
            (certificate, key) = (sources.certificate(id)?.pem(), sources.key(id)?.to_pem());
            KubeadmCredentials::Embedded { certificate: certificate.as_bytes(), key: key.as_bytes() }
        }
    };
    let PlannedKubeconfig { server, cluster, user, .. } = planned;
    let form = KubeadmForm { authority: authority.as_bytes(), server, cluster, user, credentials };
    form.write().map_err(LayoutError::Template)
}
