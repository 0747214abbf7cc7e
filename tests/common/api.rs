//! As much of an API server as kubectl needs to list, get, create, patch and delete some kinds of objects.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Group, plural, kind, whether they lie in namespaces; all of version v1.
const RESOURCES: [(&str, &str, &str, bool); 15] = [
    ("", "configmaps", "ConfigMap", true),
    ("", "namespaces", "Namespace", false),
    ("", "nodes", "Node", false),
    ("", "pods", "Pod", true),
    ("", "secrets", "Secret", true),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false),
    ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", false),
    ("apiregistration.k8s.io", "apiservices", "APIService", false),
    ("apps", "daemonsets", "DaemonSet", true),
    ("apps", "deployments", "Deployment", true),
    ("apps", "replicasets", "ReplicaSet", true),
    ("apps", "statefulsets", "StatefulSet", true),
    ("batch", "jobs", "Job", true),
    ("certificates.k8s.io", "certificatesigningrequests", "CertificateSigningRequest", false),
];

/// What the controllers of a cluster do after each change: they are given the objects by plural and title.
pub type Controllers = fn(&mut Objects);
/// Objects by plural and title: `NAMESPACE/NAME`, or the name alone.
pub type Objects = BTreeMap<(String, String), Value>;

/// What a server has and was asked for.
#[derive(Default)]
struct State {
    objects: Objects,
    patches: Vec<(String, Value)>,
    /// Every request that would change something: method and path.
    changes: Vec<String>,
    is_read_only: bool,
    controllers: Option<Controllers>,
    version: u64,
}

/// A server that answers until the test program ends.
pub struct Api {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Api {
    /// A server with these objects.
    pub fn start(objects: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        objects.iter().for_each(|object| api.put(object));
        let state = Arc::clone(&api.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || {
                    // A client that goes away is none of the test's business.
                    let _ = answer(&stream, &state);
                });
            }
        });
        api
    }

    /// Its address, for kubectl.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds an object, or replaces it.
    pub fn put(&self, object: &Value) {
        self.state.lock().unwrap().put(object);
    }

    /// From now on something happens after each change.
    pub fn control(&self, controllers: Controllers) {
        self.state.lock().unwrap().controllers = Some(controllers);
    }

    /// Changes objects as somebody else would.
    pub fn change(&self, change: impl FnOnce(&mut Objects)) {
        change(&mut self.state.lock().unwrap().objects);
    }

    /// Every request so far that would change something: `PATCH /api/v1/...`.
    pub fn changes(&self) -> Vec<String> {
        self.state.lock().unwrap().changes.clone()
    }

    /// From now on every change is refused.
    pub fn refuse_changes(&self) {
        self.state.lock().unwrap().is_read_only = true;
    }

    /// An object, by its plural and its title, without its version.
    pub fn object(&self, plural: &str, title: &str) -> Value {
        let mut object = self.state.lock().unwrap().objects[&(plural.to_owned(), title.to_owned())].clone();
        object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        object
    }

    /// Every patch so far: the object's name, and its operations.
    pub fn patches(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().patches.clone()
    }
}

impl State {
    fn put(&mut self, object: &Value) {
        let (_, plural, _, _) = RESOURCES.iter().find(|(_, _, kind, _)| object["kind"] == *kind).unwrap();
        let mut object = object.clone();
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(((*plural).to_owned(), title(&object)), object);
    }
}

fn title(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap();
    object["metadata"]["namespace"].as_str().map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

/// One request and its answer.
fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (code, answer) = respond(&mut state.lock().unwrap(), &method, path, query, &body);
    // A watch ends without an event.
    let answer = if answer.is_null() { String::new() } else { answer.to_string() };
    let (answer, head) = (answer, "Content-Type: application/json\r\nConnection: close");
    write!(stream, "HTTP/1.1 {code} -\r\n{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
    });
    (code, status)
}

/// What a path of the API is about.
struct Target<'a> {
    plural: &'static str,
    kind: &'static str,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    /// Whether something follows the name, such as `eviction`.
    has_more: bool,
}

fn of_path(path: &str) -> Option<Target<'_>> {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, "v1", rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let (plural, _) = rest.split_first()?;
    let (_, plural, kind, _) = RESOURCES.iter().find(|(of, known, _, _)| *of == group && known == plural)?;
    Some(Target { plural, kind, namespace, name: rest.get(1).copied(), has_more: rest.len() > 2 })
}

fn respond(state: &mut State, method: &str, path: &str, query: &str, body: &[u8]) -> (u16, Value) {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["api"]) => return (200, json!({ "kind": "APIVersions", "versions": ["v1"] })),
        ("GET", ["apis"]) => return (200, groups()),
        ("GET", ["api", "v1"]) => return (200, resources("")),
        ("GET", ["apis", group, "v1"]) => return (200, resources(group)),
        _ => {}
    }
    let Some(Target { plural, kind, namespace, name, has_more }) = of_path(path) else {
        return failure(404, "NotFound", &format!("{method} {path}"));
    };
    let key = |name: &str| {
        let title = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
        (plural.to_owned(), title)
    };
    if method != "GET" {
        state.changes.push(format!("{method} {path}"));
    }
    let answer = match (method, name) {
        // Nothing happens while somebody watches.
        ("GET", None) if query.contains("watch=true") => (200, Value::Null),
        ("GET", None) => (200, list(state, plural, kind, namespace, query)),
        ("GET", Some(name)) => match state.objects.get(&key(name)) {
            Some(object) => (200, object.clone()),
            None => failure(404, "NotFound", "it is not there"),
        },
        ("PATCH", Some(name)) => {
            let operations: Value = serde_json::from_slice(body).unwrap();
            state.patches.push((name.to_owned(), operations.clone()));
            if state.is_read_only {
                return failure(403, "Forbidden", "nothing changes here");
            }
            let object = &state.objects[&key(name)];
            match patched(object, &operations) {
                Ok(new) => {
                    state.put(&new);
                    (200, state.objects[&key(name)].clone())
                }
                Err(error) => failure(422, "Invalid", &error),
            }
        }
        _ if state.is_read_only => return failure(403, "Forbidden", "nothing changes here"),
        // An eviction.
        ("POST", Some(name)) if has_more => {
            state.objects.remove(&key(name));
            (201, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
        }
        ("POST", None) => {
            let mut object: Value = serde_json::from_slice(body).unwrap();
            object["metadata"]["creationTimestamp"] = "2026-12-01T12:00:00Z".into();
            if let Some(namespace) = namespace {
                object["metadata"]["namespace"] = namespace.into();
            }
            state.put(&object);
            (201, object)
        }
        ("DELETE", Some(name)) => match state.objects.remove(&key(name)) {
            Some(_) => (200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })),
            None => failure(404, "NotFound", "it is not there"),
        },
        _ => failure(404, "NotFound", &format!("{method} {path}")),
    };
    if let (true, Some(controllers)) = (method != "GET", state.controllers) {
        controllers(&mut state.objects);
    }
    answer
}

/// A list, of those that a field selector for name or type selects.
fn list(state: &State, plural: &str, kind: &str, namespace: Option<&str>, query: &str) -> Value {
    let wanted = query.split('&').find_map(|part| part.strip_prefix("fieldSelector=")).unwrap_or_default();
    let wanted = wanted.replace("%3D", "=").replace("%2F", "/");
    let is_selected = |object: &Value| match wanted.split_once('=') {
        Some(("type", value)) => object["type"] == value,
        Some(("metadata.name", value)) => object["metadata"]["name"] == value,
        _ => true,
    };
    let label = query.split('&').find_map(|part| part.strip_prefix("labelSelector=")).unwrap_or_default();
    let label = label.replace("%3D", "=");
    let has_label =
        |object: &Value| label.split_once('=').is_none_or(|(name, value)| object["metadata"]["labels"][name] == value);
    let objects = state.objects.iter().filter(|((of, _), object)| {
        of == plural
            && namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
            && is_selected(object)
            && has_label(object)
    });
    let items: Vec<_> = objects.map(|(_, object)| object.clone()).collect();
    let (group, _, _, _) = RESOURCES.iter().find(|(_, known, _, _)| *known == plural).unwrap();
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    json!({ "apiVersion": version, "kind": format!("{kind}List"), "metadata": {}, "items": items })
}

fn groups() -> Value {
    let mut names: Vec<_> = RESOURCES.iter().map(|(group, _, _, _)| *group).filter(|group| !group.is_empty()).collect();
    names.dedup();
    let group = |name: &str| {
        let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
        json!({ "name": name, "versions": [version], "preferredVersion": version })
    };
    json!({
        "kind": "APIGroupList", "apiVersion": "v1",
        "groups": names.into_iter().map(group).collect::<Vec<_>>(),
    })
}

fn resources(group: &str) -> Value {
    let rows = RESOURCES.iter().filter(|(of, _, _, _)| *of == group).map(|(_, plural, kind, is_namespaced)| {
        json!({
            "name": plural, "singularName": "", "namespaced": is_namespaced, "kind": kind,
            "verbs": ["get", "list", "patch", "create", "delete"],
        })
    });
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": rows.collect::<Vec<_>>(),
    })
}

/// The object after operations of RFC 6902, all of them or none, or after a merge (RFC 7386).
fn patched(object: &Value, operations: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    let Some(operations) = operations.as_array() else {
        let known = &operations["metadata"]["resourceVersion"];
        if !known.is_null() && *known != object["metadata"]["resourceVersion"] {
            return Err("the object has been modified".to_owned());
        }
        merge(&mut object, operations);
        return Ok(object);
    };
    for operation in operations {
        let path = operation["path"].as_str().unwrap();
        let (parent, key) = path.rsplit_once('/').unwrap();
        let there = object.pointer(path).cloned();
        let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
        match operation["op"].as_str().unwrap() {
            "test" if there.as_ref() == Some(&operation["value"]) => {}
            "add" if parent.is_some() => {
                parent.unwrap().insert(key.to_owned(), operation["value"].clone());
            }
            "remove" if there.is_some() => {
                parent.unwrap().remove(key);
            }
            _ => return Err(format!("this does not apply: {operation}")),
        }
    }
    Ok(object)
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut object[key], value);
        }
    }
}
