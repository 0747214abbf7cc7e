//! Reads the certificates of a kubeconfig, field by field.

use super::{Embedded, EmbeddedKind, Fault};
use crate::kubeconfig::{Held, Kubeconfig, KubeconfigError};

/// A field of a kubeconfig that holds or names certificates.
pub(super) struct Field {
    pub(super) embedded: Embedded,
    pub(super) certificates: Held,
}

/// Returns the users' certificates, then the clusters' CAs. A user with a token or a program has none.
///
/// # Errors
/// Fails with [`Fault::Unknown`] when the content is not UTF-8, with [`Fault::Yaml`] when it is not YAML, and with
/// [`Fault::NotKubeconfig`] when it is not a kubeconfig.
pub(super) fn read(content: &[u8]) -> Result<Vec<Field>, Fault> {
    let Kubeconfig { clusters, users, .. } = Kubeconfig::read(content).map_err(|error| match error {
        KubeconfigError::NotUtf8 => Fault::Unknown,
        KubeconfigError::Yaml(reason) => Fault::Yaml(reason),
        KubeconfigError::NotKubeconfig => Fault::NotKubeconfig,
    })?;
    let users = users.into_iter().map(|user| (EmbeddedKind::User, user.name, user.certificate));
    let clusters = clusters.into_iter().map(|cluster| (EmbeddedKind::Cluster, cluster.name, cluster.authority));
    let fields = users.chain(clusters).filter_map(|(kind, name, held)| {
        held.map(|certificates| Field { embedded: Embedded { kind, name }, certificates })
    });
    Ok(fields.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::read;
    use crate::report::Fault;

    #[test]
    fn users_come_first_and_those_without_a_certificate_not_at_all() {
        let text = "clusters: [{name: a, cluster: {certificate-authority: ca.crt}}, {name: b, cluster: {server: x}}]
users: [{name: c, user: {token: x}}, {name: d, user: {client-certificate-data: '!'}}]
";
        let fields = read(text.as_bytes()).unwrap();
        let names: Vec<_> =
            fields.iter().map(|field| format!("{} {}", field.embedded.kind.name(), field.embedded.name)).collect();
        assert_eq!(names, ["user d", "cluster a"]);
    }

    #[test]
    fn what_is_no_kubeconfig_is_a_fault() {
        let fault = |content: &[u8]| read(content).err();
        assert_eq!(fault(b"\xff"), Some(Fault::Unknown));
        assert!(matches!(fault(b"a: b: c\n"), Some(Fault::Yaml(_))));
        assert_eq!(fault(b"kind: Pod\n"), Some(Fault::NotKubeconfig));
    }
}
