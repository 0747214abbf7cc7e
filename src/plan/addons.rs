//! Keys, certificates and files of everything in the profile besides the cluster's own PKI: MetalLB, webhooks,
//! cert-manager, TLS Secrets, RBAC.

use super::certificate::{Constraints, PlannedCertificate, PlannedKey, authority_of, ca_key, root};
use super::chain::{anchor, sent, trusted};
use super::etcd;
use super::file::{PlannedContent, PlannedFile, file};
use super::manifest::{CaBundles, Manifest, Material, RoleBinding, SecretManifest, SecretReader};
use crate::kubernetes::{CaName, KeyId, REQUIRED_BINDINGS, escape};
use crate::profile::{
    Authority, EtcdClient, Metallb, Profile, Rotation, SecretName, SecretType, TlsCertificate, TlsIssuer, User, Webhook,
};
use crate::x509::{AltName, DistinguishedName, ExtendedKeyUsage, Validity};

const METALLB_CA: KeyId = KeyId::ca("metallb");
const WEBHOOK_CA: KeyId = KeyId::ca("webhook");
pub(super) const TLS_CA: KeyId = KeyId::ca("tls");
const CERT_MANAGER_CA: KeyId = KeyId::ca("cert-manager");

/// Plans the CAs, each after its issuer.
pub(super) fn authorities(profile: &Profile) -> Vec<(PlannedKey, PlannedCertificate)> {
    let mut planned = Vec::new();
    if let Some(metallb) = &profile.metallb {
        // MetalLB's rotator makes and expects this shape: open-policy-agent cert-controller v0.10.1,
        // pkg/rotator/rotator.go.
        let (key, mut certificate) = root(METALLB_CA, &metallb.ca);
        if certificate.existing.is_none() {
            certificate.subject.organizations = vec!["metallb".to_owned()];
            certificate.alt_names = vec![AltName::Dns(metallb.ca.common_name.clone())];
        }
        planned.push((key, certificate));
    }
    planned.extend(profile.webhook_ca.iter().map(|ca| root(WEBHOOK_CA, ca)));
    for webhook in &profile.webhooks {
        planned.extend(webhook.own_ca.iter().map(|ca| root(own_ca(webhook), ca)));
    }
    planned.extend(profile.tls_ca.iter().map(|ca| root(TLS_CA, ca)));
    if let (Some(cert_manager), Some(issuer)) = (&profile.cert_manager, &profile.tls_ca) {
        let (key, certificate) = root(CERT_MANAGER_CA, &cert_manager.ca);
        let certificate = if certificate.existing.is_some() {
            // Its usages and constraints are those of its file.
            PlannedCertificate { issuer: TLS_CA, ..certificate }
        } else {
            PlannedCertificate {
                issuer: TLS_CA,
                // A name constraint says nothing of common names, so that only a usage keeps clients out: OpenSSL, Go and
                // browsers hold a leaf against the usages of the CAs above it.
                usages: cert_manager.usages.clone(),
                constraints: Constraints { path_length: Some(0), permitted: cert_manager.permitted.clone() },
                validity: certificate.validity.within(issuer.validity),
                ..certificate
            }
        };
        planned.push((key, certificate));
    }
    planned
}

/// Plans the leaf certificates.
pub(super) fn leaves(profile: &Profile) -> Vec<(PlannedKey, PlannedCertificate)> {
    let mut planned = Vec::new();
    let server = vec![ExtendedKeyUsage::ServerAuth];
    if let Some(metallb) = &profile.metallb {
        let Metallb { secret, service, generation, validity, ca, .. } = metallb;
        let names = service_names(service, secret, profile);
        let issuer = (METALLB_CA, ca.validity);
        planned.push(leaf(webhook_key(secret), *generation, issuer, names, server.clone(), *validity, profile));
    }
    for webhook in &profile.webhooks {
        let Webhook { secret, service, hosts, generation, validity, .. } = webhook;
        let mut names = service_names(service, secret, profile);
        names.extend(hosts.iter().filter(|host| !names.contains(host)).cloned().collect::<Vec<_>>());
        let shared = || profile.webhook_ca.as_ref().map(|ca| (WEBHOOK_CA, ca.validity));
        let own = webhook.own_ca.as_ref().map(|ca| (own_ca(webhook), ca.validity));
        let Some(issuer) = own.or_else(shared) else { continue };
        planned.push(leaf(webhook_key(secret), *generation, issuer, names, server.clone(), *validity, profile));
    }
    for tls in &profile.tls {
        let TlsCertificate { secret, common_name, hosts, usages, generation, validity, .. } = tls;
        let Some((issuer, ca)) = issuer_of(tls, profile) else { continue };
        let issuer = (issuer, ca.validity);
        let (key, certificate) =
            leaf(tls_key(secret), *generation, issuer, hosts.clone(), usages.clone(), *validity, profile);
        planned.push((key, PlannedCertificate { subject: DistinguishedName::common(common_name), ..certificate }));
    }
    planned
}

/// Plans the files of the cluster's part.
pub(super) fn files(profile: &Profile) -> Vec<PlannedFile> {
    let mut files = Vec::new();
    let bindings: Vec<_> = REQUIRED_BINDINGS
        .iter()
        .filter(|binding| binding.since.includes(profile.cluster.kubernetes))
        .map(|binding| RoleBinding {
            name: binding.name.to_owned(),
            namespace: None,
            role_kind: "ClusterRole",
            role: binding.cluster_role.to_owned(),
            subject_kind: binding.subject_kind,
            subject: binding.subject.to_owned(),
        })
        .collect();
    if !bindings.is_empty() {
        files.push(manifest("manifests/kubeadm-rbac.yaml".to_owned(), Manifest::RequiredBindings(bindings)));
    }
    files.extend(profile.users.iter().filter(|user| !user.bindings.is_empty()).map(user_bindings));
    files.extend(profile.etcd_clients.iter().flat_map(|client| etcd_client(client, profile)));
    files.extend(profile.metallb.iter().flat_map(metallb));
    files.extend(profile.webhooks.iter().flat_map(|one| webhook(one, profile)));
    if let Some(authority) = &profile.tls_ca {
        files.push(file("tls/ca.crt".to_owned(), anchor(TLS_CA, authority).into()));
        let name = format!("{}-tls-ca", profile.cluster.name);
        files.push(manifest("tls/trust-root.sh".to_owned(), Manifest::TrustRoot { name }));
    }
    files.extend(cert_manager(profile));
    files.extend(profile.tls.iter().flat_map(|certificate| tls(certificate, profile)));
    files
}

fn manifest(path: String, manifest: Manifest) -> PlannedFile {
    file(path, PlannedContent::Manifest(Box::new(manifest)))
}

/// Plans a leaf whose common name is its first alternative name.
fn leaf(
    id: KeyId,
    generation: u32,
    (issuer, issuer_validity): (KeyId, Validity),
    alt_names: Vec<AltName>,
    usages: Vec<ExtendedKeyUsage>,
    validity: Validity,
    profile: &Profile,
) -> (PlannedKey, PlannedCertificate) {
    let algorithm = profile.leaf_algorithm;
    let certificate = PlannedCertificate {
        key: id.clone(),
        algorithm,
        issuer,
        is_ca: false,
        constraints: Constraints::default(),
        subject: DistinguishedName::common(alt_names.first().map(ToString::to_string).unwrap_or_default()),
        usages,
        alt_names,
        validity: validity.within(issuer_validity),
        existing: None,
    };
    (PlannedKey::derived(id, algorithm, generation), certificate)
}

/// Returns the DNS names of a Service. The API server uses only the first.
fn service_names(service: &str, secret: &SecretName, profile: &Profile) -> Vec<AltName> {
    let name = format!("{service}.{}.svc", secret.namespace);
    let full = format!("{name}.{}", profile.cluster.dns_domain);
    vec![AltName::Dns(name), AltName::Dns(full)]
}

fn webhook_key(secret: &SecretName) -> KeyId {
    KeyId::Webhook { namespace: secret.namespace.as_str().into(), secret: secret.name.as_str().into() }
}

fn own_ca(webhook: &Webhook) -> KeyId {
    KeyId::WebhookCa {
        namespace: webhook.secret.namespace.as_str().into(),
        secret: webhook.secret.name.as_str().into(),
    }
}

fn tls_key(secret: &SecretName) -> KeyId {
    KeyId::Tls { namespace: secret.namespace.as_str().into(), secret: secret.name.as_str().into() }
}

fn issuer_of<'a>(tls: &TlsCertificate, profile: &'a Profile) -> Option<(KeyId, &'a Authority)> {
    let kubeadms = |name| Some((ca_key(name), authority_of(profile, name)?));
    match tls.issuer {
        TlsIssuer::Tls => Some((TLS_CA, profile.tls_ca.as_ref()?)),
        TlsIssuer::Kubernetes => kubeadms(CaName::Kubernetes),
        TlsIssuer::Etcd => kubeadms(CaName::Etcd),
    }
}

/// Plans a Secret with certificate, key and CA, under the keys of a `kubernetes.io/tls` Secret.
fn secret(
    (reader, secret_type): (SecretReader, SecretType),
    name: &SecretName,
    id: &KeyId,
    [ca, certificate]: [Material; 2],
) -> SecretManifest {
    let entries = vec![("ca.crt", ca), ("tls.crt", certificate), ("tls.key", Material::PrivateKey(id.clone()))];
    SecretManifest { reader, name: name.clone(), secret_type, entries }
}

/// Returns the CA and the certificate of a server, as its program and its clients need them. A program may know clients by
/// the CA, which therefore stands alone.
fn of_server(id: &KeyId, (ca, authority): (KeyId, &Authority)) -> [Material; 2] {
    [Material::Certificate(ca.clone()), sent(id.clone(), (ca, authority))]
}

/// Returns the CA and the certificate of a client, which verifies servers by the CA.
fn of_client(id: &KeyId, (ca, authority): (KeyId, &Authority)) -> [Material; 2] {
    [trusted(ca, authority), Material::Certificate(id.clone())]
}

/// Plans the manifest of a user's bindings.
///
/// The name of an RBAC object has neither `/` nor `%` (Kubernetes, apimachinery pkg/api/validation/path, name.go). An
/// escaped name has no `/`, and `%` only where something was escaped.
fn user_bindings(user: &User) -> PlannedFile {
    let escaped = escape(&user.name);
    // Names of RBAC objects may have colons but no percent signs. No two bindings get one name, because the name has
    // the kind in it and the user's part has no colon.
    let owner = escaped.replace('%', "~").replace(':', "~3A");
    let bindings = user.bindings.iter().map(|binding| RoleBinding {
        name: format!("certferry:{owner}:{}:{}", binding.role_kind, binding.role),
        namespace: binding.namespace.clone(),
        role_kind: binding.role_kind,
        role: binding.role.clone(),
        subject_kind: "User",
        subject: user.name.clone(),
    });
    manifest(format!("manifests/users/{escaped}.yaml"), Manifest::Bindings(bindings.collect()))
}

fn etcd_client(client: &EtcdClient, profile: &Profile) -> Vec<PlannedFile> {
    let endpoints = etcd::client_urls(profile);
    let folder = format!("etcd-clients/{}", escape(&client.name));
    let mut files = vec![
        manifest(format!("{folder}/etcdctl.env"), Manifest::EtcdctlEnvironment { endpoints }),
        etcd::prometheus(profile, &folder),
    ];
    if let (Some(name), Some(authority)) = (&client.secret, &profile.etcd_ca) {
        let id = KeyId::EtcdClient(client.name.as_str().into());
        let pair = of_client(&id, (ca_key(CaName::Etcd), authority));
        let secret = secret((SecretReader::EtcdClient, SecretType::Opaque), name, &id, pair);
        files.push(manifest(format!("manifests/etcd-clients/{}.yaml", name.file_stem()), Manifest::Secret(secret)));
    }
    files
}

fn metallb(metallb: &Metallb) -> Vec<PlannedFile> {
    let (id, path) = (webhook_key(&metallb.secret), |name: &str| format!("manifests/metallb/{name}"));
    let reader = match metallb.rotation {
        Rotation::Cooperate => SecretReader::Metallb,
        Rotation::Disabled => SecretReader::MetallbByHand,
    };
    let pair = of_server(&id, (METALLB_CA, &metallb.ca));
    let mut secret = secret((reader, SecretType::Opaque), &metallb.secret, &id, pair);
    if metallb.rotation == Rotation::Cooperate {
        secret.entries.insert(1, ("ca.key", Material::PrivateKey(METALLB_CA)));
        return vec![manifest(path("secret.yaml"), Manifest::Secret(secret))];
    }
    let bundles = CaBundles {
        namespace: metallb.secret.namespace.clone(),
        service: metallb.service.clone(),
        expected: Vec::new(),
        ca: METALLB_CA,
    };
    vec![
        manifest(path("secret.yaml"), Manifest::Secret(secret)),
        manifest(path("ca-bundles.sh"), Manifest::CaBundles(bundles)),
    ]
}

fn webhook(webhook: &Webhook, profile: &Profile) -> Vec<PlannedFile> {
    let Webhook { secret: name, secret_type, service, configurations, .. } = webhook;
    let shared = || profile.webhook_ca.as_ref().map(|authority| (WEBHOOK_CA, authority));
    let own = webhook.own_ca.as_ref().map(|authority| (own_ca(webhook), authority));
    let Some((ca, authority)) = own.or_else(shared) else { return Vec::new() };
    let bundles = CaBundles {
        namespace: name.namespace.clone(),
        service: service.clone(),
        expected: configurations.clone(),
        ca: ca.clone(),
    };
    let id = webhook_key(name);
    let secret = secret((SecretReader::Webhook, *secret_type), name, &id, of_server(&id, (ca, authority)));
    let path = |ending: &str| format!("manifests/webhooks/{}.{ending}", name.file_stem());
    vec![
        manifest(path("yaml"), Manifest::Secret(secret)),
        manifest(path("ca-bundles.sh"), Manifest::CaBundles(bundles)),
    ]
}

fn cert_manager(profile: &Profile) -> Vec<PlannedFile> {
    let (Some(cert_manager), Some(authority)) = (&profile.cert_manager, &profile.tls_ca) else { return Vec::new() };
    let (name, issuer) = (&cert_manager.secret, &cert_manager.issuer);
    // cert-manager sends what is in tls.crt behind each certificate that it signs.
    let pair = [anchor(TLS_CA, authority), sent(CERT_MANAGER_CA, (TLS_CA, authority))];
    let secret = secret((SecretReader::CertManager, SecretType::Tls), name, &CERT_MANAGER_CA, pair);
    let domain = cert_manager.permitted.domains.first().map_or("example.internal", String::as_str);
    let trust = Manifest::Trust {
        kind: cert_manager.trust,
        name: format!("{issuer}-root"),
        namespace: name.namespace.clone(),
        ca: anchor(TLS_CA, authority),
    };
    [
        ("secret", Manifest::Secret(secret)),
        ("cluster-issuer", Manifest::ClusterIssuer { name: issuer.clone(), secret: name.clone() }),
        ("ingress-example", Manifest::IngressExample { issuer: issuer.clone(), host: format!("app.{domain}") }),
        ("trust", trust),
    ]
    .map(|(stem, content)| manifest(format!("manifests/cert-manager/{stem}.yaml"), content))
    .into()
}

fn tls(tls: &TlsCertificate, profile: &Profile) -> Vec<PlannedFile> {
    let Some(issuer) = issuer_of(tls, profile) else { return Vec::new() };
    let (id, stem) = (tls_key(&tls.secret), tls.secret.file_stem());
    let pair = match tls.usages.contains(&ExtendedKeyUsage::ServerAuth) {
        true => of_server(&id, issuer),
        false => of_client(&id, issuer),
    };
    let [ca, certificate] = pair.clone();
    let secret = secret((SecretReader::Tls, SecretType::Tls), &tls.secret, &id, pair);
    let path = |name: &str| format!("tls/{stem}/{name}");
    vec![
        file(path("ca.crt"), ca.into()),
        file(path("tls.crt"), certificate.into()),
        file(path("tls.key"), PlannedContent::PrivateKey(id)),
        manifest(format!("manifests/tls/{stem}.yaml"), Manifest::Secret(secret)),
    ]
}
