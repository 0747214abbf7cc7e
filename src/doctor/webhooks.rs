//! Finds the places where objects say which CA the API server trusts when it calls a server in the cluster.

use super::finding::shell_word;
use super::objects::Object;
use super::words::listed;
use crate::x509::AltName;
use crate::yaml::Yaml;

/// A `caBundle`, or the place for one.
#[derive(Clone, Copy)]
pub(super) struct Bundle<'a> {
    object: Object<'a>,
    place: Place<'a>,
    /// The service that is called, or `None` when a server is called by URL.
    pub(super) service: Option<Service<'a>>,
    url: Option<&'a str>,
    data: Option<&'a str>,
}

/// A service that the API server calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Service<'a> {
    pub(super) namespace: &'a str,
    name: &'a str,
}

/// The place of a `caBundle` in its object.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// A webhook, by its number from 0 and its name.
    Webhook(usize, &'a str),
    /// The conversion of a CRD, by the path of its client configuration.
    Conversion(&'static [&'static str]),
    ApiService,
}

/// The paths of the client configuration of a conversion. Source: apiextensions.k8s.io/v1 and v1beta1.
const CONVERSIONS: [&[&str]; 2] =
    [&["spec", "conversion", "webhook", "clientConfig"], &["spec", "conversion", "webhookClientConfig"]];

/// Returns every `caBundle` of the objects, in order. Source: admissionregistration.k8s.io/v1, apiextensions.k8s.io/v1
/// and v1beta1, apiregistration.k8s.io/v1.
pub(super) fn bundles<'a>(objects: &[Object<'a>]) -> Vec<Bundle<'a>> {
    objects.iter().flat_map(of_object).collect()
}

fn of_object<'a>(object: &Object<'a>) -> Vec<Bundle<'a>> {
    match object.kind {
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            let webhooks = object.yaml.get("webhooks").map(Yaml::items).unwrap_or_default();
            let bundle = |(number, webhook): (usize, &'a Yaml)| {
                let name = webhook.get("name").and_then(Yaml::text).unwrap_or_default();
                client_config(object, webhook.get("clientConfig")?, Place::Webhook(number, name))
            };
            webhooks.iter().enumerate().filter_map(bundle).collect()
        }
        "CustomResourceDefinition" => {
            let bundle =
                |path: &&'static [&'static str]| client_config(object, object.yaml.at(path)?, Place::Conversion(path));
            CONVERSIONS.iter().filter_map(bundle).collect()
        }
        "APIService" => {
            let spec = object.yaml.get("spec").filter(|spec| spec.get("service").is_some());
            let is_lax = |spec: &Yaml| spec.get("insecureSkipTLSVerify").and_then(Yaml::text) == Some("true");
            let spec = spec.filter(|spec| !is_lax(spec));
            spec.and_then(|spec| client_config(object, spec, Place::ApiService)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn client_config<'a>(object: &Object<'a>, yaml: &'a Yaml, place: Place<'a>) -> Option<Bundle<'a>> {
    let text = |path: &[&str]| yaml.at(path).and_then(Yaml::text).filter(|text| !text.is_empty());
    let service = text(&["service", "namespace"]).zip(text(&["service", "name"]));
    let service = service.map(|(namespace, name)| Service { namespace, name });
    // A server that is called by URL may have a certificate of the public web, and then needs no `caBundle`.
    let data = text(&["caBundle"]);
    let url = text(&["url"]).filter(|_| service.is_none());
    (service.is_some() || data.is_some()).then_some(Bundle { object: *object, place, service, url, data })
}

impl Service<'_> {
    /// Returns the name by which the API server calls the service. Source: Kubernetes v1.20.2,
    /// apiserver/pkg/util/webhook/client.go.
    pub(super) fn host(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }
}

impl Bundle<'_> {
    /// Returns whether the `caBundle` is MetalLB's own. The webhooks of frr-k8s, which comes with MetalLB, have a
    /// Secret of their own.
    pub(super) fn is_metallbs(&self) -> bool {
        let name = match self.place {
            Place::Webhook(_, name) => name,
            Place::Conversion(_) | Place::ApiService => self.object.name,
        };
        name.ends_with(".metallb.io") && !name.starts_with("frr")
    }

    /// Returns the server that is called: a service, or the host of a URL.
    fn host(&self) -> Option<String> {
        let of_url = || self.url.and_then(AltName::of_url).map(|host| host.to_string());
        self.service.map(|service| service.host()).or_else(of_url)
    }

    fn is_in_object_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.object.yaml, other.object.yaml)
    }

    /// Returns what the API server writes at the beginning of the line whose end is the error of Go. Source: Kubernetes
    /// v1.20.2, apiserver/pkg/admission/plugin/webhook, apiextensions-apiserver/pkg/apiserver/conversion,
    /// kube-aggregator/pkg/controllers/status.
    fn caller(&self) -> String {
        match self.place {
            Place::Webhook(_, name) => format!("failed calling webhook \"{name}\""),
            Place::Conversion(_) => "conversion webhook for".to_owned(),
            Place::ApiService => "failing or missing response from".to_owned(),
        }
    }

    /// Returns the path of the field. `number` is that of a webhook, or a variable of a shell.
    fn field(&self, number: &str) -> String {
        match self.place {
            Place::Webhook(..) => format!("/webhooks/{number}/clientConfig/caBundle"),
            Place::Conversion(path) => format!("/{}/caBundle", path.join("/")),
            Place::ApiService => "/spec/caBundle".to_owned(),
        }
    }

    fn number(&self) -> String {
        match self.place {
            Place::Webhook(number, _) => number.to_string(),
            Place::Conversion(_) | Place::ApiService => String::new(),
        }
    }
}

/// All `caBundle`s with one service and one content. A fault of one is a fault of all.
pub(super) struct BundleGroup<'a> {
    /// The file of the first.
    pub(super) file: &'a str,
    /// The name for all of them, for example
    /// `5 of 6 webhooks of MutatingWebhookConfiguration x and the conversion of CustomResourceDefinition y in z.yaml`.
    pub(super) it: String,
    /// What the API server writes at the beginning of the line, for the first.
    pub(super) caller: String,
    pub(super) service: Option<Service<'a>>,
    /// The name or the address by which the API server calls, if it is known.
    pub(super) host: Option<String>,
    pub(super) data: Option<&'a str>,
    /// The commands that write the CA in `$CA` into all of them, in backticks.
    pub(super) patches: String,
}

/// Groups the `caBundle`s, in the order of the first of each group.
pub(super) fn groups<'a>(bundles: &[Bundle<'a>]) -> Vec<BundleGroup<'a>> {
    let mut groups: Vec<Vec<&Bundle<'a>>> = Vec::new();
    for bundle in bundles {
        let is_of = |group: &&mut Vec<&Bundle<'a>>| {
            let is_same = |first: &&Bundle<'a>| {
                (first.service, first.data) == (bundle.service, bundle.data) && first.host() == bundle.host()
            };
            group.first().is_some_and(is_same)
        };
        match groups.iter_mut().find(is_of) {
            Some(group) => group.push(bundle),
            None => groups.push(vec![bundle]),
        }
    }
    groups.iter().filter_map(|group| together(group, bundles)).collect()
}

fn together<'a>(group: &[&Bundle<'a>], all: &[Bundle<'a>]) -> Option<BundleGroup<'a>> {
    let first = *group.first()?;
    let of_objects = group.chunk_by(|left, right| left.is_in_object_of(right));
    let (mut names, mut patches, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for of_object in of_objects {
        let Some(one) = of_object.first() else { continue };
        let total = all.iter().filter(|other| other.is_in_object_of(one) && other.host() == one.host()).count();
        push_new(&mut names, name(of_object, total));
        push_new(&mut patches, patch(of_object));
        push_new(&mut files, one.object.file.to_owned());
    }
    Some(BundleGroup {
        file: first.object.file,
        it: format!("{} in {}", listed(&names), listed(&files)),
        caller: first.caller(),
        service: first.service,
        host: first.host(),
        data: first.data,
        patches: patches.join("; "),
    })
}

/// Adds a text that is not in the list yet, because the same object may have been saved twice.
fn push_new(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

/// Returns the name for some of the `total` `caBundle`s in one object.
fn name(of_object: &[&Bundle<'_>], total: usize) -> String {
    let Some(one) = of_object.first() else { return String::new() };
    let title = one.object.title();
    match (one.place, of_object.len()) {
        (Place::Webhook(_, name), 1) => format!("webhook {name} of {title}"),
        (Place::Webhook(..), count) if count == total => format!("all {count} webhooks of {title}"),
        (Place::Webhook(..), count) => format!("{count} of {total} webhooks of {title}"),
        (Place::Conversion(_), _) => format!("the conversion of {title}"),
        (Place::ApiService, _) => title,
    }
}

/// Returns the command that writes the CA into some `caBundle`s of one object.
fn patch(of_object: &[&Bundle<'_>]) -> String {
    let Some(one) = of_object.first() else { return String::new() };
    let (kind, name) = (one.object.kind.to_ascii_lowercase(), shell_word(one.object.name));
    let patch = |number: &str| {
        let field = one.field(number);
        format!(
            "kubectl patch {kind} {name} --type=json -p '[{{\"op\":\"add\",\"path\":\"{field}\",\"value\":\"'$CA'\"}}]'"
        )
    };
    let numbers: Vec<_> = of_object.iter().map(|bundle| bundle.number()).collect();
    match numbers.as_slice() {
        [number] => format!("`{}`", patch(number)),
        _ => format!("`for i in {}; do {}; done`", numbers.join(" "), patch("'$i'")),
    }
}
