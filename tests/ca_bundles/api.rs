//! As much of an API server as kubectl needs to list, get and patch what webhooks are configured with.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Group, plural, kind; all of version v1.
const RESOURCES: [(&str, &str, &str); 4] = [
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "apiservices", "APIService"),
];

/// What a server has and was asked for.
#[derive(Default)]
struct State {
    /// By plural and name.
    objects: BTreeMap<(String, String), Value>,
    patches: Vec<(String, Value)>,
    is_read_only: bool,
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
        let (_, plural, _) = RESOURCES.iter().find(|(_, _, kind)| object["kind"] == *kind).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.state.lock().unwrap().objects.insert(((*plural).to_owned(), name), object.clone());
    }

    /// From now on every change is refused.
    pub fn refuse_changes(&self) {
        self.state.lock().unwrap().is_read_only = true;
    }

    /// An object.
    pub fn object(&self, plural: &str, name: &str) -> Value {
        self.state.lock().unwrap().objects[&(plural.to_owned(), name.to_owned())].clone()
    }

    /// Every patch so far: the object's name, and its operations.
    pub fn patches(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().patches.clone()
    }
}

/// One request and its answer.
fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split([' ', '?']).map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
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
    let (code, answer) = respond(&mut state.lock().unwrap(), &method, &path, &body);
    let (answer, head) = (answer.to_string(), "Content-Type: application/json\r\nConnection: close");
    write!(stream, "HTTP/1.1 {code} -\r\n{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
    });
    (code, status)
}

fn respond(state: &mut State, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["api"]) => (200, json!({ "kind": "APIVersions", "versions": [] })),
        ("GET", ["apis"]) => (200, groups()),
        ("GET", ["apis", group, "v1"]) => (200, resources(group)),
        ("GET", ["apis", group, "v1", plural]) => {
            let objects = state.objects.iter().filter(|((of, _), _)| of == plural);
            let items: Vec<_> = objects.map(|(_, object)| object.clone()).collect();
            let (_, _, kind) = RESOURCES.iter().find(|(_, known, _)| known == plural).unwrap();
            (200, json!({ "apiVersion": format!("{group}/v1"), "kind": format!("{kind}List"), "items": items }))
        }
        ("GET", ["apis", _, "v1", plural, name]) => {
            match state.objects.get(&((*plural).to_owned(), (*name).to_owned())) {
                Some(object) => (200, object.clone()),
                None => failure(404, "NotFound", "it is not there"),
            }
        }
        ("PATCH", ["apis", _, "v1", plural, name]) => {
            let operations: Value = serde_json::from_slice(body).unwrap();
            state.patches.push(((*name).to_owned(), operations.clone()));
            if state.is_read_only {
                return failure(403, "Forbidden", "nothing changes here");
            }
            let object = state.objects.get_mut(&((*plural).to_owned(), (*name).to_owned())).unwrap();
            match patched(object, &operations) {
                Ok(new) => {
                    *object = new;
                    (200, object.clone())
                }
                Err(error) => failure(422, "Invalid", &error),
            }
        }
        _ => failure(404, "NotFound", &format!("{method} {path}")),
    }
}

fn groups() -> Value {
    let mut names: Vec<_> = RESOURCES.iter().map(|(group, _, _)| *group).collect();
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
    let rows = RESOURCES.iter().filter(|(of, _, _)| *of == group).map(|(_, plural, kind)| {
        json!({ "name": plural, "singularName": "", "namespaced": false, "kind": kind, "verbs": ["get", "list", "patch"] })
    });
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/v1"),
        "resources": rows.collect::<Vec<_>>(),
    })
}

/// The object after operations of RFC 6902: all of them or none.
fn patched(object: &Value, operations: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in operations.as_array().unwrap() {
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
