//! A real node_exporter reads the metrics.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::common::{certferry, succeed, tool};
use crate::inspect::{AT, Ca, STACKED, pem, put, unpacked};

const FAR: time::OffsetDateTime = time::macros::datetime!(2100-01-01 0:00 UTC);

#[test]
fn every_sample_arrives_with_its_labels_and_value() {
    let folder = tempfile::tempdir().unwrap();
    let tree = unpacked(&STACKED, "cp-1");
    let (odd, quoted) = (Ca::new("a \"b\" \\ c\nd"), Ca::new("é"));
    // Two of one name, serial and file: an old kubeadm numbered every CA 0.
    put(folder.path(), "twins.crt", format!("{}{}", odd.pem(), quoted.pem()));
    let hostile = put(folder.path(), "q\"uo\\te\n.crt", pem(&odd.leaf("x", FAR)));
    let config = "kind: Config\nusers:\n- {name: a, user: {client-certificate: twins.crt}}\n- {name: a, user: {client-certificate: twins.crt}}\n";
    let config = put(folder.path(), "config", config);
    let mut command = certferry();
    command.arg("inspect").arg(&tree).arg(folder.path().join("twins.crt")).arg(&hostile).arg(&config);
    command.args(["-o", "prometheus", "--at", AT]);
    let metrics = succeed(&mut command);
    put(folder.path(), "metrics/x509.prom", &metrics);

    let page = Exporter::start(&folder.path().join("metrics")).metrics();
    assert!(page.contains("\nnode_textfile_scrape_error 0\n"), "{page}");
    let (ours, theirs) = (samples(&metrics), samples(&page));
    assert_eq!(ours, theirs);
    assert_eq!(ours.len() % 3, 0);
    assert!(ours.len() > 3 * 20, "{}", ours.len());
    assert!(page.contains("\ncertferry_missing_certificates{node=\"\"} 0\n"), "{page}");
    for metric in ["x509_cert_not_before", "x509_cert_not_after", "x509_cert_expired"] {
        assert!(page.contains(&format!("\n# TYPE {metric} gauge\n")), "{page}");
        assert!(!page.contains(&format!("# HELP {metric} Metric read from")), "the help is ours");
    }
    let apiserver =
        ours.iter().find(|(series, _)| series.contains("not_after") && series.contains("name=\"apiserver\""));
    assert_eq!(apiserver.unwrap().1.to_bits(), 8_075_116_800_f64.to_bits(), "2225-11-22, beyond 32 bits");
}

#[test]
fn what_has_ended_is_1() {
    let ends = |at: &str| {
        let mut command = certferry();
        command.arg("inspect").arg(unpacked(&STACKED, "worker-1")).args(["-o", "prometheus", "--at", at]);
        let samples = samples(&succeed(&mut command));
        samples.iter().filter(|(series, value)| series.starts_with("x509_cert_expired") && **value > 0.0).count()
    };
    assert_eq!(ends("2225-11-22T00:00:00Z"), 0, "the last second counts");
    assert_eq!(ends("2225-11-22T00:00:01Z"), 2);
    assert_eq!(ends("2226-11-22T00:00:01Z"), 3, "the CA, too");
}

/// Series to value, of our metrics alone; the exporter writes large numbers as powers of ten.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let ours = text.lines().filter(|line| line.starts_with("x509_cert_"));
    ours.map(|line| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.parse().unwrap())
    })
    .collect()
}

/// A node_exporter with nothing but the textfile collector, on a port of the system's choice.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(folder: &Path) -> Self {
        let mut command = tool("prometheus-node-exporter");
        command.args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults", "--collector.textfile"]);
        command.arg(format!("--collector.textfile.directory={}", folder.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs what tests need"));
        let mut log = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        // It says where it listens.
        let address = loop {
            let start = log.len();
            if lines.read_line(&mut log).unwrap() == 0 {
                let _ = child.wait();
                panic!("node_exporter ended\n{log}");
            }
            let line = &log[start..];
            if line.contains("Listening on") {
                break line.trim().rsplit_once("address=").unwrap().1.to_owned();
            }
        };
        // What it says later must not meet a closed pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address }
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 OK"), "{head}");
        body.to_owned()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
