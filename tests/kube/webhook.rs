//! What an API server calls: admission, conversion of custom resources, and an API of its own, in one small TLS server.
//!
//! The server is the test program itself, started once more on the machine: only there are the addresses of Services.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::machine::Machine;
use super::wait::wait_for;
use crate::common::write;

/// Where the machine keeps what the servers show: a folder for each address, with `tls.crt` and `tls.key`.
const SERVERS: &str = "/webhooks";
/// Set when this program is to be the server.
const TOLD: &str = "CERTFERRY_TEST_WEBHOOKS";
/// Objects with this label are not admitted.
pub const REFUSED: &str = "refused";

/// A server: the address that its Service has, and what its Secret holds.
pub struct Server<'a> {
    pub address: &'a str,
    pub certificate: &'a str,
    pub key: &'a str,
}

/// Starts the servers on the machine, each on port 443 of its address. `test` is the test of this program, by its
/// whole path, that calls [`serve_if_told`].
pub fn start(machine: &Machine, test: &str, servers: &[Server<'_>]) {
    for server in servers {
        let folder = machine.path(&format!("{SERVERS}/{}", server.address));
        fs::create_dir_all(&folder).unwrap();
        write(&folder, "tls.crt", server.certificate, 0o644);
        write(&folder, "tls.key", server.key, 0o600);
    }
    let program = std::env::current_exe().unwrap();
    machine.bind(program.parent().unwrap(), "/test");
    let program = format!("/test/{}", program.file_name().unwrap().to_str().unwrap());
    machine.serve("env", &[&format!("{TOLD}=1"), &program, test, "--exact", "--nocapture"].map(str::to_owned));
    for server in servers {
        wait_for(&format!("server at {}", server.address), || {
            let ready = machine.path(&format!("{SERVERS}/{}/ready", server.address));
            if ready.exists() { Ok(()) } else { Err(machine.log("env")) }
        });
    }
}

/// Serves until the machine ends, if this program was started for that.
pub fn serve_if_told() {
    if std::env::var_os(TOLD).is_none() {
        return;
    }
    let folders: Vec<_> = fs::read_dir(SERVERS).unwrap().map(|entry| entry.unwrap().path()).collect();
    thread::scope(|scope| {
        for folder in &folders {
            scope.spawn(|| serve(folder));
        }
    });
}

fn serve(folder: &Path) {
    let chain = CertificateDer::pem_file_iter(folder.join("tls.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("tls.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let address = folder.file_name().unwrap().to_str().unwrap();
    let listener = TcpListener::bind((address, 443)).unwrap_or_else(|error| panic!("{address}: {error}"));
    fs::write(folder.join("ready"), "").unwrap();
    for stream in listener.incoming().flatten() {
        let config = Arc::clone(&config);
        thread::spawn(move || {
            let connection = ServerConnection::new(config).unwrap();
            // A caller that does not trust the server goes away.
            if let Err(error) = answer(StreamOwned::new(connection, stream)) {
                println!("{error}");
            }
        });
    }
}

/// One request and its answer.
fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
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
    let review: Value = serde_json::from_slice(&body).unwrap_or_default();
    println!("{path} {}", review["request"]["uid"]);
    let (status, answer) = match respond(&path, &review) {
        Some(answer) => ("200 OK", answer.to_string()),
        None => ("404 Not Found", String::new()),
    };
    let head = "Content-Type: application/json\r\nConnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn respond(path: &str, review: &Value) -> Option<Value> {
    let request = &review["request"];
    let admission = |response: Value| json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response });
    match path {
        "/admit" => {
            let refused = !request["object"]["metadata"]["labels"][REFUSED].is_null();
            let status = json!({ "message": "it carries the label" });
            Some(admission(json!({ "uid": request["uid"], "allowed": !refused, "status": status })))
        }
        "/change" => {
            let patch = json!([{ "op": "add", "path": "/metadata/labels/changed", "value": "yes" }]);
            let patch = STANDARD.encode(patch.to_string());
            let response = json!({ "uid": request["uid"], "allowed": true, "patchType": "JSONPatch", "patch": patch });
            Some(admission(response))
        }
        "/convert" => {
            let mut objects = request["objects"].clone();
            for object in objects.as_array_mut()? {
                object["apiVersion"] = request["desiredAPIVersion"].clone();
            }
            let response =
                json!({ "uid": request["uid"], "result": { "status": "Success" }, "convertedObjects": objects });
            Some(json!({ "apiVersion": review["apiVersion"], "kind": "ConversionReview", "response": response }))
        }
        _ => {
            let version = path.strip_prefix("/apis/")?;
            Some(json!({ "apiVersion": "v1", "kind": "APIResourceList", "groupVersion": version, "resources": [] }))
        }
    }
}
