//! The least of Docker's API that lets a kubelet 1.20 start: no image, no container, ever.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// Answers at that socket until the test program ends.
pub fn answer(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_one(&stream));
        }
    });
}

/// One request and its answer; a peer that goes away is none of the test's business.
fn answer_one(mut stream: &UnixStream) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    // None of these requests has a body.
    let _ = lines.find(String::is_empty);
    let (status, body) = respond(&request);
    let head = "Content-Type: application/json\r\nConnection: close";
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// A request line reads `GET /v1.24/version HTTP/1.1`.
fn respond(request: &str) -> (&'static str, &'static str) {
    let path = request.split([' ', '?']).nth(1).unwrap_or_default();
    let name = path.strip_prefix("/v").and_then(|path| path.split_once('/')).map_or(path, |(_, name)| name);
    match name {
        "version" => ("200 OK", r#"{"Version":"19.03.15","ApiVersion":"1.40","MinAPIVersion":"1.12"}"#),
        "info" => ("200 OK", r#"{"ServerVersion":"19.03.15","CgroupDriver":"cgroupfs","DockerRootDir":"/tmp"}"#),
        "containers/json" | "images/json" => ("200 OK", "[]"),
        "/_ping" => ("200 OK", "{}"),
        _ => ("404 Not Found", r#"{"message":"there is nothing here"}"#),
    }
}
