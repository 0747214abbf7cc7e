//! Whether two kubeconfigs say the same in another layout.

use crate::bundle::Sha256;
use crate::kubeconfig::{KubeadmForm, Kubeconfig};
use crate::yaml::Yaml;

/// Returns whether a kubeconfig says what a file of this hash says, which certferry wrote. kubeadm and kubectl write
/// keys, quotes and empty fields in a way of their own.
pub(super) fn says_the_same(content: &[u8], installed: &Sha256) -> bool {
    let says = || {
        let read = Kubeconfig::read(content).ok()?;
        let written = KubeadmForm::of(&read)?.write().ok()?;
        if Sha256::of(written.as_bytes()) != *installed {
            return None;
        }
        let [left, right] = [Yaml::read(std::str::from_utf8(content).ok()?), Yaml::read(&written)];
        Some(is_same(&left.ok()?, &right.ok()?))
    };
    says() == Some(true)
}

/// Returns whether two documents hold the same values. The order of keys does not matter, nor does a key with an empty
/// value.
fn is_same(left: &Yaml, right: &Yaml) -> bool {
    match (left, right) {
        (Yaml::Null, Yaml::Null) => true,
        (Yaml::Scalar(left), Yaml::Scalar(right)) => **left == **right,
        (Yaml::Sequence(left), Yaml::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Yaml::Mapping(_), Yaml::Mapping(_)) => has_all(left, right) && has_all(right, left),
        _ => false,
    }
}

fn has_all(of: &Yaml, other: &Yaml) -> bool {
    let pairs = of.pairs().iter().filter(|(_, value)| !is_empty(value));
    pairs.into_iter().all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
}

fn is_empty(value: &Yaml) -> bool {
    match value {
        Yaml::Null => true,
        Yaml::Scalar(_) => false,
        Yaml::Sequence(items) => items.is_empty(),
        Yaml::Mapping(pairs) => pairs.is_empty(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::says_the_same;
    use crate::bundle::Sha256;
    use crate::kubeconfig::{KubeadmCredentials, KubeadmForm};

    #[test]
    fn layout_does_not_matter_and_values_do() {
        let form = KubeadmForm {
            authority: b"CA\n",
            server: "https://10.0.0.1:6443",
            cluster: "kubernetes",
            user: "system:node:cp-1",
            credentials: KubeadmCredentials::File("/var/lib/kubelet/pki/kubelet-client-current.pem"),
        };
        let text = form.write().unwrap();
        let installed = Sha256::of(text.as_bytes());
        assert!(says_the_same(text.as_bytes(), &installed));
        for (from, to, is_same) in [
            ("user: system:node:cp-1\n", "user: \"system:node:cp-1\"\n", true),
            ("kind: Config\n", "kind: Config\npreferences: {}\n", true),
            ("apiVersion: v1\n", "# by kubeadm\napiVersion: 'v1'\n", true),
            ("https://10.0.0.1:6443", "https://10.0.0.2:6443", false),
            ("kind: Config\n", "kind: Config\npreferences: {colors: true}\n", false),
            ("    server:", "    proxy-url: http://10.0.0.9\n    server:", false),
            ("current-context: system:node:cp-1@kubernetes", "current-context: \"\"", false),
            ("current-context: system:node:cp-1@kubernetes\n", "", false),
            ("Q0EK", "Q0IK", false),
            ("kind: Config\n", "kind: [\n", false),
        ] {
            let other = text.replace(from, to);
            assert_ne!(other, *text, "{from}");
            assert_eq!(says_the_same(other.as_bytes(), &installed), is_same, "{from} -> {to}");
        }
    }
}
