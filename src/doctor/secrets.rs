//! Checks Secrets with certificates by themselves.

use zeroize::Zeroizing;

use super::finding::{Findings, shell_word};
use super::objects::Object;
use super::time::Clock;
use crate::go::{Answer, GoCertificate, GoError, GoRange, GoVersion, blocks, check_key_pair};
use crate::x509::{ReadCertificate, public_key_bits, read_pem};
use crate::yaml::decode_base64;

/// The names of the values with which a Secret holds a server's certificate.
#[derive(Debug)]
pub(super) struct Form {
    /// The certificate and those above it.
    pub(super) chain: &'static str,
    /// The certificate's key.
    pub(super) key: &'static str,
    /// The CA.
    pub(super) authority: &'static str,
}

/// The names that programs use. Source: Kubernetes v1.20.2, core/v1 `TLSCertKey`; kube-webhook-certgen v1.5.0,
/// pkg/k8s/k8s.go; Knative, pkg/webhook/certificates/resources; Istio, "Plug in CA Certificates"; Linkerd's and the
/// dashboard's charts; cfssl.
const FORMS: [Form; 10] = [
    form("tls.crt", "tls.key", "ca.crt"),
    form("cert", "key", "ca"),
    form("server.crt", "server.key", "ca.crt"),
    form("cert.pem", "key.pem", "ca.pem"),
    form("server.pem", "server-key.pem", "ca.pem"),
    form("tls.pem", "tls-key.pem", "ca.pem"),
    form("server-cert.pem", "server-key.pem", "ca-cert.pem"),
    form("ca-cert.pem", "ca-key.pem", "root-cert.pem"),
    form("crt.pem", "key.pem", "ca.pem"),
    form("dashboard.crt", "dashboard.key", "ca.crt"),
];

const fn form(chain: &'static str, key: &'static str, authority: &'static str) -> Form {
    Form { chain, key, authority }
}

/// A Secret whose certificate can be read.
pub(super) struct TlsSecret<'a> {
    pub(super) object: Object<'a>,
    pub(super) form: &'static Form,
    /// The certificates in the order of the file, in PEM.
    pub(super) chain: Zeroizing<Vec<u8>>,
    /// The first certificate.
    pub(super) leaf: ReadCertificate,
    /// The other certificates beside the first.
    pub(super) rest: Vec<ReadCertificate>,
    /// The certificates of the CA.
    pub(super) authorities: Vec<ReadCertificate>,
}

/// Reads every Secret with a server's certificate, and reports what is wrong with it.
pub(super) fn read<'a>(
    objects: &[Object<'a>],
    clock: Clock,
    go: GoRange,
    findings: &mut Findings,
) -> Vec<TlsSecret<'a>> {
    let secrets = objects.iter().filter(|object| object.kind == "Secret");
    let mut read = Vec::new();
    for secret in secrets {
        check_encoding(secret, findings);
        let forms = FORMS.iter().filter(|form| has_form(secret, form));
        read.extend(forms.filter_map(|form| read_one(secret, form, clock, go, findings)));
    }
    read
}

/// Returns whether a Secret is of a form. Many programs call something else `cert` and `key`, such as a key of SSH.
fn has_form(secret: &Object<'_>, form: &Form) -> bool {
    if form.chain == "tls.crt" {
        return has(secret, form.chain);
    }
    let is_key = |content: &[u8]| {
        content.is_empty() || contains(content, b"PRIVATE KEY-----") && !contains(content, b"OPENSSH PRIVATE KEY-----")
    };
    secret.data(form.chain).is_some_and(|content| contains(&content, b"-----BEGIN CERTIFICATE-----"))
        && secret.data(form.key).is_none_or(|content| is_key(&content))
}

/// Reports values that are not base64. The line breaks that a YAML text may have are none of the value's.
fn check_encoding(secret: &Object<'_>, findings: &mut Findings) {
    let pairs = secret.yaml.get("data").map(crate::yaml::Yaml::pairs).unwrap_or_default();
    let texts = pairs.iter().filter_map(|(key, value)| Some((key, value.text()?)));
    let keys: Vec<_> = texts.filter(|(_, text)| !is_base64(text)).map(|(key, _)| key.as_str()).collect();
    if !keys.is_empty() {
        let values = [("keys", keys.join(", "))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        findings.add_in("secret-encoding", secret.file, &title(secret), &values);
    }
}

/// Returns whether Go decodes a text: it passes over line breaks, and over no other white space.
fn is_base64(text: &str) -> bool {
    !text.contains([' ', '\t']) && decode_base64(text).is_some()
}

fn read_one<'a>(
    object: &Object<'a>,
    form: &'static Form,
    clock: Clock,
    go: GoRange,
    findings: &mut Findings,
) -> Option<TlsSecret<'a>> {
    let it = title(object);
    if object.text(&["type"]) == Some("kubernetes.io/tls") && !has(object, form.key) {
        let write = write(object, &[form.key]);
        findings.add_in("secret-key-absent", object.file, &it, &[("write", &write)]);
    }
    // What is not base64 has been told.
    let chain = object.data(form.chain)?;
    let key = object.data(form.key).filter(|key| !key.is_empty());
    let answer = go.ask(|go| match &key {
        Some(key) => check_key_pair(&chain, key, go).map(drop),
        None => first(&chain, go).map(drop),
    });
    let is_well = answer.is_taken();
    let pair = Pair { object, form, chain: &chain, key: key.as_deref() };
    if !pair.report(answer, go.newest, findings) {
        return None;
    }
    let mut found = blocks(&chain).into_iter().filter(|block| block.kind == "CERTIFICATE");
    let leaf = ReadCertificate::from_der(&found.next()?.content).map_err(|error| {
        if is_well {
            unchecked(object, form, &error.to_string(), findings);
        }
    });
    let leaf = leaf.ok()?;
    let rest = found.filter_map(|block| ReadCertificate::from_der(&block.content).ok()).collect();
    clock.check(object.file, &it, &leaf, findings);
    let authorities = object.data(form.authority).map(|content| certificates(&content)).unwrap_or_default();
    Some(TlsSecret { object: *object, form, leaf, rest, authorities, chain })
}

/// A certificate and its key, as a server would load them.
struct Pair<'a> {
    object: &'a Object<'a>,
    form: &'static Form,
    chain: &'a [u8],
    key: Option<&'a Vec<u8>>,
}

impl Pair<'_> {
    /// Reports what a server says. Returns whether the certificate itself can be read.
    fn report(&self, answer: Answer<()>, newest: GoVersion, findings: &mut Findings) -> bool {
        let Self { object, form, chain, key } = self;
        let it = title(object);
        let (error, who) = match answer {
            Answer::Takes(_) => return true,
            Answer::Unchecked(reason) => {
                unchecked(object, form, &reason, findings);
                return true;
            }
            Answer::Refuses(error) => (error, None),
            Answer::Depends { error, who } => (error, Some(who.to_string())),
        };
        let error = error.to_string();
        let half = if first(chain, newest).is_ok() { form.key } else { form.chain };
        if let Some(who) = who {
            let mend = format!("{}, then {}", anew(&error), write(object, &[form.chain, form.key]));
            let values = [("key", half), ("who", &who), ("error", &error), ("mend", &mend)];
            findings.add_in("secret-version", object.file, &it, &values);
            return true;
        }
        let is_certificate = half == form.chain;
        let content = if is_certificate { chain } else { key.map(Vec::as_slice).unwrap_or_default() };
        if is_joined(content) {
            // Reported with every other text whose lines are joined.
            return !is_certificate;
        }
        if error.starts_with("tls: private key ") {
            let write = write(object, &[form.chain, form.key]);
            if let Some(number) = key.and_then(|key| number_of(key, chain)) {
                let values = [
                    ("key", form.key),
                    ("chain", form.chain),
                    ("number", &number.to_string()),
                    ("error", &error),
                    ("write", &write),
                ];
                findings.add_in("secret-chain-order", object.file, &it, &values);
                return true;
            }
            let values = [("key", form.key), ("chain", form.chain), ("error", &error), ("write", &write)];
            findings.add_in("secret-key-pair", object.file, &it, &values);
        } else if !is_certificate && is_encrypted(content) {
            let (take, write) = (take(object, form.key), write(object, &[form.key]));
            let values = [("key", form.key), ("error", error.as_str()), ("take", &take), ("write", &write)];
            findings.add_in("secret-encrypted", object.file, &it, &values);
        } else {
            let what = if is_certificate { "certificate" } else { "private key" };
            let cause = if is_encoded_twice(content) { "it is base64 twice; once is right" } else { anew(&error) };
            let mend = format!("{cause}: {}", write(object, &[form.chain, form.key]));
            let values = [("key", half), ("what", what), ("error", error.as_str()), ("mend", &mend)];
            findings.add_in("secret-broken", object.file, &it, &values);
        }
        !is_certificate
    }
}

/// Reports that nobody knows whether the certificate of a Secret is right.
pub(super) fn unchecked(secret: &Object<'_>, form: &Form, reason: &str, findings: &mut Findings) {
    let values = [("what", form.chain), ("reason", reason)];
    findings.add_in("object-unchecked", secret.file, &title(secret), &values);
}

/// Returns what a person does about a certificate or a key that cannot be read.
fn anew(error: &str) -> &'static str {
    if error.contains("switched") || error.contains("certificate rather than a key") {
        "the two are swapped; put each under its own name"
    } else if error.contains("elliptic curve") {
        "make key and certificate anew on P-256 (`openssl ecparam -name prime256v1 -genkey -noout`)"
    } else {
        "make key and certificate anew, in PEM"
    }
}

/// Returns the first certificate of a file, which is the leaf of a chain.
fn first(chain: &[u8], go: GoVersion) -> Result<GoCertificate, GoError> {
    match blocks(chain).iter().find(|block| block.kind == "CERTIFICATE") {
        Some(block) => GoCertificate::parse(&block.content, go),
        // Without any certificate no key is looked at.
        None => check_key_pair(chain, &[], go).and_then(|found| {
            let absent = || GoError::Malformed("tls: failed to find any PEM data in certificate input".to_owned());
            found.into_iter().next().ok_or_else(absent)
        }),
    }
}

/// Returns the certificates that Go finds in a text and that can be read, in order.
pub(super) fn certificates(pem: &[u8]) -> Vec<ReadCertificate> {
    let found = blocks(pem).into_iter().filter(|block| block.kind == "CERTIFICATE");
    found.filter_map(|block| ReadCertificate::from_der(&block.content).ok()).collect()
}

/// Returns an object's title and file: `Secret metallb-system/webhook-server-cert in objects.yaml`.
pub(super) fn title(object: &Object<'_>) -> String {
    format!("{} in {}", object.title(), object.file)
}

/// Returns whether a Secret has a value that is not empty.
pub(super) fn has(secret: &Object<'_>, key: &str) -> bool {
    let text = secret.text(&["stringData", key]).or_else(|| secret.text(&["data", key]));
    text.is_some_and(|text| !text.is_empty())
}

/// Returns whether a key can be read and does not belong to the certificate.
pub(super) fn is_other_key(key: &[u8], certificate: &ReadCertificate) -> bool {
    let of_certificate = public_key_bits(certificate.spki_der());
    read_pem(key).is_ok_and(|contents| contents.public_keys.first() != of_certificate.as_ref())
}

/// Returns which certificate of a chain belongs to a key, counted from 1, if it is not the first.
pub(super) fn number_of(key: &[u8], chain: &[u8]) -> Option<usize> {
    let place = certificates(chain).iter().position(|certificate| !is_other_key(key, certificate))?;
    (place > 0 && read_pem(key).is_ok()).then_some(place + 1)
}

/// Returns whether what should be PEM is base64 of PEM.
fn is_encoded_twice(content: &[u8]) -> bool {
    let text = std::str::from_utf8(content).ok();
    text.and_then(decode_base64).is_some_and(|once| once.starts_with(b"-----BEGIN "))
}

/// Returns whether a key is encrypted, as PKCS#8 or as OpenSSL once did.
fn is_encrypted(pem: &[u8]) -> bool {
    let is_encrypted = |kind: &str, headers: &[String]| {
        kind == "ENCRYPTED PRIVATE KEY"
            || (kind.ends_with("PRIVATE KEY") && headers.iter().any(|header| header == "Proc-Type"))
    };
    blocks(pem).iter().any(|block| is_encrypted(&block.kind, &block.headers))
}

/// Returns whether the line that ends a block goes on with the next block.
pub(super) fn is_joined(pem: &[u8]) -> bool {
    contains(pem, b"----------BEGIN ")
}

pub(super) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// Returns the command that writes a Secret's value to the standard output.
pub(super) fn take(object: &Object<'_>, key: &str) -> String {
    let [namespace, name] = [object.namespace, object.name].map(shell_word);
    let path = shell_word(&format!("{{.data.{}}}", key.replace('.', r"\.")));
    format!("kubectl -n {namespace} get secret {name} -o jsonpath={path} | base64 -d")
}

/// Returns the command that writes values of a Secret, each from a file that is named for it in capitals. `printf` is
/// the shell's own, so that no key stands among the arguments of a program.
pub(super) fn write(object: &Object<'_>, keys: &[&str]) -> String {
    let pairs: Vec<_> = keys.iter().map(|key| format!("\"{key}\":\"%s\"")).collect();
    let file = |key: &&str| if key.contains("key") { "\"$(base64 -w0 KEY)\"" } else { "\"$(base64 -w0 CRT)\"" };
    let files: Vec<_> = keys.iter().map(file).collect();
    let (pairs, files) = (pairs.join(","), files.join(" "));
    format!("`printf '{{\"data\":{{{pairs}}}}}' {files} | {}`", patch(object))
}

/// Returns the command that takes a patch of a Secret from the standard input.
pub(super) fn patch(object: &Object<'_>) -> String {
    let [namespace, name] = [object.namespace, object.name].map(shell_word);
    format!("kubectl -n {namespace} patch secret {name} --patch-file=/dev/stdin")
}

impl TlsSecret<'_> {
    /// Returns whether the Secret has the names of type kubernetes.io/tls.
    pub(super) fn is_tls(&self) -> bool {
        self.form.chain == "tls.crt"
    }

    /// Returns the certificates as a client gets them from the server, the leaf first.
    ///
    /// # Errors
    /// Fails with Go's text when one of them cannot be read. Source: crypto/tls/handshake_client.go
    /// `verifyServerCertificate`.
    pub(super) fn sent(&self, go: GoVersion) -> Result<(GoCertificate, Vec<GoCertificate>), GoError> {
        let mut sent = blocks(&self.chain).into_iter().filter(|block| block.kind == "CERTIFICATE").map(|block| {
            GoCertificate::parse(&block.content, go)
                .map_err(|error| GoError::Malformed(format!("tls: failed to parse certificate from server: {error}")))
        });
        let Some(leaf) = sent.next() else { return Err(GoError::UnknownAuthority(None)) };
        Ok((leaf?, sent.collect::<Result<_, _>>()?))
    }
}

/// Returns whether one certificate signed another. A signature that cannot be checked counts as one.
pub(super) fn signs(by: &ReadCertificate, signed: &ReadCertificate) -> bool {
    signed.is_signed_by(by).unwrap_or(true)
}
