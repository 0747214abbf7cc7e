//! `--expiring-within`: which rows, which exit code.

use crate::common::{certferry, fail, succeed};
use crate::inspect::{Ca, STACKED, inspect, names, pem, put, stderr, stdout, unpacked};

#[test]
fn only_what_ends_in_time_is_listed_and_it_is_a_no() {
    let archive = STACKED.archive.to_str().unwrap();
    let within = |period: &str, at: &str| {
        let key = STACKED.public_key.to_str().unwrap();
        inspect(["--key", key, "--expiring-within", period, "--at", at, archive])
    };
    // alice and backup end at 2031-11-22T00:00:00Z.
    let output = within("1d", "2031-11-21");
    assert_eq!(output.status.code(), Some(1), "the last second counts");
    assert_eq!(names(&stdout(&output)), ["CERTIFICATE", "alice", "backup"]);
    assert_eq!(stderr(&output), "error: 2 certificates end by 2031-11-22T00:00:00Z\n");
    let output = within("23h", "2031-11-21");
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
    let output = within("0h", "2032-01-01");
    assert_eq!(output.status.code(), Some(1), "what has ended, too");
    assert!(stdout(&output).contains(" <invalid> "));
    let output = within("199y", "2026-11-22");
    assert_eq!(output.status.code(), Some(1));
    assert!(!stdout(&output).contains("CERTIFICATE AUTHORITY   EXPIRES"), "CAs end a year later");
    assert_eq!(within("200y", "2026-11-22").status.code(), Some(1));
    assert!(stdout(&within("200y", "2026-11-22")).contains("\nfront-proxy-ca "));
}

#[test]
fn every_format_lists_the_same() {
    let tree = unpacked(&STACKED, "worker-1");
    let run =
        |format: &str, at: &str| inspect(["--expiring-within", "1y", "-o", format, "--at", at, tree.to_str().unwrap()]);
    for (at, code, rows) in [("2225-01-01", 1, 2), ("2226-01-01", 1, 3), ("2200-01-01", 0, 0)] {
        let output = run("json", at);
        assert_eq!(output.status.code(), Some(code), "{at}");
        let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(document["certificates"].as_array().unwrap().len(), rows, "{at}");
        let output = run("prometheus", at);
        assert_eq!(output.status.code(), Some(code), "{at}");
        assert_eq!(stdout(&output).matches("\nx509_cert_not_after{").count(), rows, "{at}");
    }
}

#[test]
fn a_period_is_a_number_and_a_unit() {
    for wrong in ["90", "d", "1w", "-1d", "1y6d", ""] {
        let error = fail(certferry().args(["inspect", &format!("--expiring-within={wrong}")]), 2);
        assert!(error.contains("--expiring-within"), "{error}");
    }
    let error = fail(certferry().args(["inspect", "--at", "tomorrow"]), 2);
    assert!(error.contains("--at tomorrow is not a time"), "{error}");
}

#[test]
fn a_broken_file_goes_before_an_ending_one() {
    let folder = tempfile::tempdir().unwrap();
    let ends =
        put(folder.path(), "ends.crt", pem(&Ca::new("a").leaf("b", time::macros::datetime!(2020-01-01 0:00 UTC))));
    let broken = put(folder.path(), "broken.crt", "-----BEGIN CERTIFICATE-----\n");
    let output = inspect([ends.as_os_str(), broken.as_os_str(), "--expiring-within=1d".as_ref()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("ends.crt"), "listed all the same");
    assert!(stderr(&output).contains("broken.crt  has a PEM block that is cut off or not base64\n"));
}

#[test]
fn the_manual_tells_every_key_and_label() {
    let manual = succeed(certferry().args(["help", "inspect", "--markdown"]));
    for row in crate::inspect::json(&unpacked(&STACKED, "cp-1")) {
        for key in row.as_object().unwrap().keys() {
            assert!(manual.contains(&format!("`{key}`")), "{key} is not in the manual");
        }
    }
    let metrics = succeed(certferry().arg("inspect").arg(unpacked(&STACKED, "worker-1")).args(["-o", "prometheus"]));
    let sample = metrics.lines().find(|line| !line.starts_with('#')).unwrap();
    let labels = sample.split(['{', ',']).skip(1).filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
    for label in labels {
        assert!(manual.contains(&format!("`{label}`")), "{label} is not in the manual");
    }
}
