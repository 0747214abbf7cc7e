//! A node's tree as openssl and kubectl read it, in the rows of the recorded facts.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::facts::{Fields, Place, Rows};
use crate::common::{succeed, tool};

/// Folders that every machine has; only what lies in them is looked at.
const HOST_FOLDERS: [&str; 6] = ["", "etc", "etc/kubernetes", "var", "var/lib", "var/lib/kubelet"];

/// Adds everything below a node's root to the rows.
pub fn observe(node: &str, root: &Path, rows: &mut Rows) {
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.unwrap();
        let relative = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
        if HOST_FOLDERS.contains(&relative) {
            continue;
        }
        let place = |table| {
            let path = relative.strip_prefix("etc/kubernetes/").map_or_else(|| format!("/{relative}"), str::to_owned);
            Place { table, node: node.to_owned(), path }
        };
        let mode = format!("{:04o}", entry.metadata().unwrap().permissions().mode() & 0o7777);
        if entry.path_is_symlink() {
            rows.insert(place("files"), fields(json!({ "link": fs::read_link(entry.path()).unwrap() })));
            continue;
        }
        let table = if entry.file_type().is_dir() { "folders" } else { "files" };
        rows.insert(place(table), fields(json!({ "mode": mode })));
        match entry.path().extension().and_then(|extension| extension.to_str()) {
            Some("crt") => {
                rows.insert(place("certificates"), certificate(entry.path()));
            }
            Some("conf") => {
                let kubeconfig = Kubeconfig::read(entry.path());
                rows.insert(place("certificates"), kubeconfig.certificate(root));
                kubeconfig.assert_trusts(root);
                rows.insert(place("kubeconfigs"), kubeconfig.fields);
            }
            _ => {}
        }
    }
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

/// A kubeconfig as kubectl reads it.
struct Kubeconfig {
    fields: Fields,
    ca: Vec<u8>,
    credentials: Credentials,
}

enum Credentials {
    Embedded(Vec<u8>),
    Path(String),
}

impl Kubeconfig {
    fn read(path: &Path) -> Self {
        let mut kubectl = tool("kubectl");
        let json = succeed(kubectl.args(["config", "view", "--raw", "--output", "json", "--kubeconfig"]).arg(path));
        let config: Value = serde_json::from_str(&json).unwrap();
        let only = |list: &str, kind: &str| {
            let [entry] = config[list].as_array().unwrap().as_slice() else {
                panic!("{}: not one entry in {list}", path.display())
            };
            (entry["name"].as_str().unwrap().to_owned(), entry[kind].clone())
        };
        let (cluster_name, cluster) = only("clusters", "cluster");
        let (user_name, user) = only("users", "user");
        let (context_name, context) = only("contexts", "context");
        assert_eq!(context, json!({ "cluster": cluster_name, "user": user_name }), "{}", path.display());
        assert_eq!(config["current-context"], context_name.as_str(), "{}", path.display());
        let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let (credentials, where_from) = match &user["client-certificate"] {
            Value::String(path) => {
                assert_eq!(user, json!({ "client-certificate": path, "client-key": path }));
                (Credentials::Path(path.clone()), path.as_str())
            }
            _ => {
                assert!(user["client-key-data"].is_string(), "{}: no key", path.display());
                (Credentials::Embedded(decode(&user["client-certificate-data"])), "embedded")
            }
        };
        let fields = fields(json!({
            "cluster": cluster_name,
            "context": context_name,
            "credentials": where_from,
            "server": cluster["server"],
            "user": user_name,
        }));
        Self { fields, ca: decode(&cluster["certificate-authority-data"]), credentials }
    }

    /// The client certificate, embedded or in the file that the kubeconfig names.
    fn certificate(&self, root: &Path) -> Fields {
        match &self.credentials {
            Credentials::Path(path) => certificate(&root.join(path.trim_start_matches('/'))),
            Credentials::Embedded(pem) => {
                let file = tempfile::NamedTempFile::new().unwrap();
                fs::write(file.path(), pem).unwrap();
                certificate(file.path())
            }
        }
    }

    /// A node that has the CA's certificate has the same one in its kubeconfigs.
    fn assert_trusts(&self, root: &Path) {
        if let Ok(ca) = fs::read(root.join("etc/kubernetes/pki/ca.crt")) {
            assert_eq!(self.ca, ca, "the CA in a kubeconfig of {}", root.display());
        }
    }
}

/// A certificate as openssl prints it.
fn certificate(path: &Path) -> Fields {
    let mut openssl = tool("openssl");
    openssl.args(["x509", "-noout", "-text", "-nameopt", "sep_multiline,lname,utf8", "-certopt"]);
    openssl.arg("no_header,no_version,no_serial,no_signame,no_validity,no_pubkey,no_sigdump").arg("-in").arg(path);
    let text = succeed(&mut openssl);
    let mut names = Sections::read(&text, 8);
    let subject = Name::read(&names.take("Subject:"));
    let issuer = Name::read(&names.take("Issuer:"));
    assert_eq!(issuer.organizations, [""; 0], "{}", path.display());
    let mut extensions = Sections::read(&names.take("X509v3 extensions:").join("\n"), 12);
    let order: Vec<_> = extensions.0.iter().map(|(head, _)| Extension::of(head).name).collect();
    let usages = extensions.values("X509v3 Key Usage: critical", |usage| match usage {
        "Digital Signature" => "digitalSignature".to_owned(),
        "Key Encipherment" => "keyEncipherment".to_owned(),
        "Certificate Sign" => "keyCertSign".to_owned(),
        other => panic!("key usage {other}"),
    });
    let extended_usages = extensions.values("X509v3 Extended Key Usage:", |usage| match usage {
        "TLS Web Server Authentication" => "serverAuth".to_owned(),
        "TLS Web Client Authentication" => "clientAuth".to_owned(),
        other => panic!("extended key usage {other}"),
    });
    let constraints = extensions.values("X509v3 Basic Constraints: critical", str::to_owned);
    let (is_ca, basic_constraints) = match constraints.as_slice() {
        [] => (false, "absent"),
        [text] if text == "CA:FALSE" => (false, "critical"),
        [text] if text == "CA:TRUE" => (true, "critical"),
        other => panic!("basic constraints {other:?}"),
    };
    fields(json!({
        "alt_names": extensions.values("X509v3 Subject Alternative Name:", alt_name),
        "basic_constraints": basic_constraints,
        "common_name": subject.common_name,
        "extended_key_usages": extended_usages,
        "extensions": order,
        "is_ca": is_ca,
        "issuer": issuer.common_name,
        "key_usages": usages,
        "organizations": subject.organizations,
    }))
}

fn alt_name(text: &str) -> String {
    match text.split_once(':') {
        Some(("DNS", name)) => format!("DNS:{name}"),
        // openssl writes an IPv6 address in full.
        Some(("IP Address", address)) => format!("IP:{}", address.parse::<IpAddr>().unwrap()),
        _ => panic!("alternative name {text}"),
    }
}

struct Name {
    organizations: Vec<String>,
    common_name: String,
}

impl Name {
    /// Groups in one RDN, then the common name, as Go writes them; one line is one RDN.
    fn read(lines: &[String]) -> Self {
        let (last, before) = lines.split_last().unwrap();
        let common_name = last.trim().strip_prefix("commonName=").unwrap().to_owned();
        let organizations = match before {
            [] => Vec::new(),
            [line] => line.trim().split(" + ").map(|name| name.strip_prefix("organizationName=").unwrap()).collect(),
            more => panic!("{more:?}"),
        };
        Self { organizations: organizations.into_iter().map(str::to_owned).collect(), common_name }
    }
}

/// An extension as openssl names it. Whether it is critical never changes.
struct Extension {
    head: &'static str,
    name: &'static str,
}

impl Extension {
    const ALL: [Self; 6] = [
        Self { head: "X509v3 Key Usage: critical", name: "keyUsage" },
        Self { head: "X509v3 Extended Key Usage:", name: "extendedKeyUsage" },
        Self { head: "X509v3 Basic Constraints: critical", name: "basicConstraints" },
        Self { head: "X509v3 Subject Key Identifier:", name: "subjectKeyIdentifier" },
        Self { head: "X509v3 Authority Key Identifier:", name: "authorityKeyIdentifier" },
        Self { head: "X509v3 Subject Alternative Name:", name: "subjectAltName" },
    ];

    fn of(head: &str) -> &'static Self {
        let known = Self::ALL.iter().find(|extension| extension.head == head);
        known.unwrap_or_else(|| panic!("an extension that kubeadm does not write: {head}"))
    }
}

/// Heads at one indentation, each with the deeper lines below it.
struct Sections(Vec<(String, Vec<String>)>);

impl Sections {
    fn read(text: &str, indentation: usize) -> Self {
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if line.len() - line.trim_start().len() <= indentation {
                sections.push((line.trim().to_owned(), Vec::new()));
            } else {
                sections.last_mut().unwrap().1.push(line.to_owned());
            }
        }
        Self(sections)
    }

    /// The lines below a head, which must be there.
    fn take(&mut self, head: &str) -> Vec<String> {
        let index = self.0.iter().position(|(name, _)| name == head);
        self.0.remove(index.unwrap_or_else(|| panic!("no {head}"))).1
    }

    /// The comma-separated values below a head; none when it is not there.
    fn values(&mut self, head: &str, value: impl Fn(&str) -> String) -> Vec<String> {
        let lines = self.0.iter().find(|(name, _)| name == head).map_or(&[][..], |(_, lines)| lines);
        lines.iter().flat_map(|line| line.trim().split(", ")).map(value).collect()
    }
}
