//! A survey as an import looks at it: where the files of a node's programs are, and what is in them.

use super::said::Said;
use crate::kubernetes::{KUBERNETES, PKI};
use crate::survey::{Kubeconfig, KubeconfigUser, Program, Setting, Survey};
use crate::x509::ReadCertificate;

pub(super) const API_SERVER: &str = "kube-apiserver";
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(super) const ETCD: &str = "etcd";
pub(super) const KUBELET: &str = "kubelet";

/// A survey, and the name of its node in comments and lists.
#[derive(Clone, Debug)]
pub(super) struct Surveyed<'a> {
    pub(super) survey: &'a Survey,
    /// The node's name, or that of the survey's file.
    pub(super) label: String,
}

impl Surveyed<'_> {
    /// Returns a thing of this node in words.
    pub(super) fn of(&self, what: &str) -> String {
        format!("{what} of {}", self.label)
    }

    /// Returns the setting of a program that counts, with its source.
    pub(super) fn setting(&self, program: &str, flag: &str) -> Option<Said<&str>> {
        let (program, setting) = self.find(program, flag)?;
        let source = self.of(&format!("{} in {}", shown_flag(&program.name, flag), program.path));
        Some(Said::new(setting.value.as_str(), source))
    }

    /// Returns the setting of that name: of the last program of that name that has it. A kubelet is a service, and has
    /// further flags in a file of kubeadm's.
    fn find(&self, program: &str, flag: &str) -> Option<(&Program, &Setting)> {
        let programs = self.survey.programs.iter().rev().filter(|found| found.name == program);
        programs.into_iter().find_map(|found| Some((found, found.setting(flag)?)))
    }

    /// Returns the field of a configuration file, with its source.
    pub(super) fn field(&self, kind: &str, name: &str) -> Option<Said<&str>> {
        let configuration = self.survey.configurations.iter().find(|configuration| configuration.kind == kind)?;
        let setting = configuration.settings.iter().find(|setting| setting.name == name)?;
        let source = self.of(&format!("{name} in {}", configuration.path));
        Some(Said::new(setting.value.as_str(), source))
    }

    /// Returns the place of the file that a program's flag names.
    pub(super) fn named(&self, program: &str, flag: &str) -> Option<String> {
        Some(self.find(program, flag)?.1.place()?.to_owned())
    }

    /// Returns the folder of certificates: that of the API server's certificate, or else kubeadm's own.
    pub(super) fn pki(&self) -> String {
        let named = self.named(API_SERVER, "tls-cert-file").or_else(|| self.named(API_SERVER, "client-ca-file"));
        let folder = named.and_then(|place| place.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        folder.unwrap_or_else(|| PKI.to_owned())
    }

    /// Returns the place of the file that a flag names, or else that of kubeadm's name for it.
    pub(super) fn place(&self, program: &str, flag: &str, kubeadms: &str) -> String {
        self.named(program, flag).unwrap_or_else(|| format!("{}/{kubeadms}", self.pki()))
    }

    /// Returns the certificates of a file that can be read.
    pub(super) fn certificates(&self, place: &str) -> Vec<ReadCertificate> {
        self.survey.file(place).map(|file| read_all(&file.certificates)).unwrap_or_default()
    }

    /// Returns the first certificate of a file.
    pub(super) fn certificate(&self, place: &str) -> Option<ReadCertificate> {
        self.certificates(place).into_iter().next()
    }

    /// Returns the certificates of the API server's CA for clients.
    pub(super) fn api_server_certificate(&self) -> Option<ReadCertificate> {
        self.certificate(&self.place(API_SERVER, "tls-cert-file", "apiserver.crt"))
    }

    /// Returns the survey's reason for what it does not have of a file.
    pub(super) fn why_unread(&self, place: &str) -> Option<&str> {
        let place = self.survey.leads_to(place);
        let unread = self.survey.unread.iter().find(|unread| unread.path == place)?;
        Some(unread.reason.as_str())
    }

    /// Returns whether a member of etcd runs here, by its program or its files.
    pub(super) fn has_member(&self) -> bool {
        let is_there = |flag: &str, kubeadms: &str| {
            let place = self.place(ETCD, flag, kubeadms);
            let unread = self.survey.unread.iter().find(|unread| unread.path == self.survey.leads_to(&place));
            self.survey.file(&place).is_some() || unread.is_some_and(|unread| !unread.is_missing())
        };
        self.survey.program(ETCD).is_some()
            || is_there("cert-file", "etcd/server.crt")
            || is_there("peer-cert-file", "etcd/peer.crt")
    }

    /// Returns the kubeconfig of that name in `etc/kubernetes`.
    pub(super) fn kubeconfig(&self, name: &str) -> Option<&Kubeconfig> {
        self.survey.kubeconfig(&format!("{KUBERNETES}/{name}"))
    }

    /// Returns the certificate of a kubeconfig's user: that in the kubeconfig, or in the file that it names.
    pub(super) fn user_certificate(&self, kubeconfig: &Kubeconfig, user: &KubeconfigUser) -> Option<ReadCertificate> {
        let embedded = read_all(&user.certificates).into_iter().next();
        embedded.or_else(|| self.certificate(&beside(&kubeconfig.path, user.client_certificate.as_deref()?)))
    }

    /// Returns the certificate of the user of a kubeconfig's current context, or of its only user.
    pub(super) fn client_certificate(&self, kubeconfig: &Kubeconfig) -> Option<ReadCertificate> {
        self.user_certificate(kubeconfig, current_user(kubeconfig)?)
    }
}

/// Returns the user of the current context, or the only one.
fn current_user(kubeconfig: &Kubeconfig) -> Option<&KubeconfigUser> {
    let current = kubeconfig.current_context.as_deref();
    let context = kubeconfig.contexts.iter().find(|context| Some(context.name.as_str()) == current);
    match context {
        Some(context) => kubeconfig.users.iter().find(|user| user.name == context.user),
        None => kubeconfig.users.first().filter(|_| kubeconfig.users.len() == 1),
    }
}

/// Returns the place that a path in a kubeconfig means.
fn beside(kubeconfig: &str, path: &str) -> String {
    match path.strip_prefix('/') {
        Some(place) => place.to_owned(),
        None => {
            let folder = kubeconfig.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{path}")
        }
    }
}

/// Returns the certificates that can be read.
pub(super) fn read_all(certificates: &[String]) -> Vec<ReadCertificate> {
    certificates.iter().filter_map(|pem| ReadCertificate::from_pem(pem.as_bytes()).ok()).collect()
}

/// Returns a setting as a person would look for it.
fn shown_flag(program: &str, flag: &str) -> String {
    format!("--{flag} of {program}")
}

/// Returns bytes in hex, as a survey has them.
pub(super) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
