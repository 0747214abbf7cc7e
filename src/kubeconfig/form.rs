//! The one form in which certferry and kubeadm write kubeconfigs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::read::{Held, Kubeconfig};
use crate::template::render;
use crate::yaml::scalar;

const TEMPLATE: &str = include_str!("../../templates/kubeconfig.yaml");

/// Everything in which kubeconfigs of kubeadm's form differ. Such a kubeconfig has one cluster, and one user who calls
/// it with a certificate.
pub struct KubeadmForm<'a> {
    /// The CA's certificate in PEM, which is embedded.
    pub authority: &'a [u8],
    /// The URL of the API server, `https://host:port`.
    pub server: &'a str,
    /// The name of the cluster, which is kubeadm's `clusterName`.
    pub cluster: &'a str,
    /// The user's name, which is also the certificate's common name.
    pub user: &'a str,
    /// The user's certificate and key.
    pub credentials: KubeadmCredentials<'a>,
}

/// Where a kubeconfig of kubeadm's form has its client certificate and key.
pub enum KubeadmCredentials<'a> {
    /// Both in the kubeconfig itself.
    Embedded {
        /// The certificate in PEM.
        certificate: &'a [u8],
        /// The key in PEM.
        key: &'a [u8],
    },
    /// Both in one file on the node, whose path this is.
    File(&'a str),
}

impl<'a> KubeadmForm<'a> {
    /// Returns what a kubeconfig says, or `None` when it says more, less or something else than kubeadm's form can say.
    /// The layout of the YAML does not matter.
    #[must_use]
    pub fn of(kubeconfig: &'a Kubeconfig) -> Option<Self> {
        let ([cluster], [user]) = (&*kubeconfig.clusters, &*kubeconfig.users) else { return None };
        let Some(Held::Inline(authority)) = &cluster.authority else { return None };
        let credentials = match (user.certificate.as_ref()?, user.key.as_ref()?) {
            (Held::Inline(certificate), Held::Inline(key)) => KubeadmCredentials::Embedded { certificate, key },
            (Held::File(certificate), Held::File(key)) if certificate == key => KubeadmCredentials::File(key),
            _ => return None,
        };
        Some(Self {
            authority,
            server: cluster.server.as_deref()?,
            cluster: &cluster.name,
            user: &user.name,
            credentials,
        })
    }

    /// Returns the kubeconfig in YAML, with the keys in client-go's order.
    ///
    /// # Errors
    /// Fails with the name in the template that has no value, which is a defect.
    pub fn write(&self) -> Result<Zeroizing<String>, String> {
        let authority = STANDARD.encode(self.authority);
        let (certificate, key) = match &self.credentials {
            KubeadmCredentials::File(path) => {
                (format!("client-certificate: {path}"), Zeroizing::new(format!("client-key: {path}")))
            }
            KubeadmCredentials::Embedded { certificate, key } => {
                let key = Zeroizing::new(STANDARD.encode(key));
                let mut line = Zeroizing::new(String::with_capacity(key.len() + 32));
                line.push_str("client-key-data: ");
                line.push_str(&key);
                (format!("client-certificate-data: {}", STANDARD.encode(certificate)), line)
            }
        };
        let values = [
            ("ca", authority.as_str()),
            ("server", self.server),
            ("cluster", &scalar(self.cluster)),
            ("user", &scalar(self.user)),
            ("context", &scalar(&format!("{}@{}", self.user, self.cluster))),
            ("certificate", &certificate),
            ("key", &key),
        ];
        render(TEMPLATE, &values)
    }
}

/// Returns whether a file is a kubeconfig that says exactly what kubeadm's form can say, in whatever layout.
#[must_use]
pub fn has_kubeadm_form(content: &[u8]) -> bool {
    Kubeconfig::read(content).is_ok_and(|read| KubeadmForm::of(&read).is_some())
}

impl Kubeconfig {
    /// Returns whether `content`, from which the kubeconfig was read, is byte for byte what certferry would write.
    #[must_use]
    pub fn is_as_written(&self, content: &[u8]) -> bool {
        let written = KubeadmForm::of(self).and_then(|form| form.write().ok());
        written.is_some_and(|written| written.as_bytes() == content)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::{KubeadmCredentials, KubeadmForm};
    use crate::kubeconfig::Kubeconfig;

    fn forms() -> [KubeadmForm<'static>; 3] {
        let embedded = || KubeadmCredentials::Embedded { certificate: b"certificate\n", key: b"key\n" };
        let file = KubeadmCredentials::File("/var/lib/kubelet/pki/kubelet-client-current.pem");
        [("no", embedded()), ("ä \"b\" \\ 'c': #d", embedded()), ("system:node:cp-1", file)].map(
            |(user, credentials)| KubeadmForm {
                authority: b"CA\n",
                server: "https://[fd00::1]:6443",
                cluster: if user == "no" { "prod: 1" } else { "kubernetes" },
                user,
                credentials,
            },
        )
    }

    #[test]
    fn what_is_written_is_read_and_known() {
        for form in forms() {
            let text = form.write().unwrap();
            let read = Kubeconfig::read(text.as_bytes()).unwrap();
            assert!(read.is_as_written(text.as_bytes()), "{}", form.user);
            let found = KubeadmForm::of(&read).unwrap();
            assert_eq!((found.authority, found.server, found.user), (form.authority, form.server, form.user));
            let [context] = &*read.contexts else { panic!("{}", form.user) };
            assert_eq!((context.cluster.as_str(), context.user.as_str()), (form.cluster, form.user));
            assert_eq!(read.current_context.as_ref(), Some(&context.name));
        }
    }

    #[test]
    fn the_same_in_other_bytes_is_not_as_certferry_writes_it() {
        for form in forms().into_iter().filter(|form| form.cluster == "kubernetes") {
            let text = form.write().unwrap();
            for (from, to) in [
                ("kind: Config", "kind: 'Config'"),
                ("kind: Config", "preferences: {}\nkind: Config"),
                ("    server:", "    server: "),
                ("\n  name: kubernetes", "\n  name: other"),
                ("cluster: kubernetes", "cluster: \"kubernetes\""),
                ("certificate-authority-data: Q0EK", "certificate-authority-data: Q0 EK"),
                ("@kubernetes", "@other"),
                ("apiVersion: v1\n", "apiVersion: v1\n# as ever\n"),
                ("apiVersion: v1\n", "---\napiVersion: v1\n"),
            ] {
                let other = text.replace(from, to);
                assert_ne!(other, *text, "{from}");
                let read = Kubeconfig::read(other.as_bytes()).unwrap();
                assert!(KubeadmForm::of(&read).is_some(), "{to}: it has the form");
                assert!(!read.is_as_written(other.as_bytes()), "{to}");
            }
            for end in ["\n", "---\n", "# end\n", "...\n"] {
                let other = format!("{}{end}", *text);
                assert!(!Kubeconfig::read(other.as_bytes()).unwrap().is_as_written(other.as_bytes()), "{end:?}");
            }
        }
    }

    #[test]
    fn what_says_more_or_less_has_another_form() {
        let [form, ..] = forms();
        let text = form.write().unwrap();
        for (from, to) in [
            ("client-key-data: a2V5Cg==", "token: abc"),
            ("client-key-data: a2V5Cg==", "client-key: /a"),
            ("client-key-data: a2V5Cg==", "client-key-data: '!'"),
            ("    server: https://[fd00::1]:6443\n", ""),
            ("certificate-authority-data: Q0EK", "certificate-authority: /ca.crt"),
            ("users:\n", "users:\n- name: other\n"),
            ("clusters:\n", "clusters:\n- name: other\n"),
        ] {
            let other = text.replace(from, to);
            assert_ne!(other, *text, "{from}");
            assert!(KubeadmForm::of(&Kubeconfig::read(other.as_bytes()).unwrap()).is_none(), "{to}");
        }
    }
}
