//! `openssl verify -x509_strict`: each certificate holds for its purposes while it is valid, and for nothing else.

use std::collections::{BTreeMap, BTreeSet};

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::common::{run, tool};
use crate::openssl::asn1::Certificates;
use crate::openssl::unpacked::{Ca, Found, Unpacked};

/// X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, _CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED, _INVALID_PURPOSE of OpenSSL.
const NO_ISSUER: u32 = 20;
const NOT_YET_VALID: u32 = 9;
const EXPIRED: u32 = 10;
const WRONG_PURPOSE: u32 = 26;

/// Errors by file; none for one that verifies.
type Errors = BTreeMap<String, BTreeSet<u32>>;

pub(crate) fn check(unpacked: &Unpacked) {
    let validity = validity(unpacked);
    for ca in Ca::ALL {
        let authority = unpacked.ca_file(ca);
        let leaves: Vec<&Found> = unpacked.leaves(ca).collect();
        for at in times(leaves.iter().map(|leaf| validity[&leaf.file])) {
            for purpose in ["sslserver", "sslclient"] {
                let errors = verify(unpacked, authority, Some(purpose), at, &leaves);
                for leaf in &leaves {
                    let usable = leaf.purpose.unwrap();
                    let usable = if purpose == "sslserver" { usable.server } else { usable.client };
                    let mut expected = errors_of_time(validity[&leaf.file], at);
                    expected.extend((!usable).then_some(WRONG_PURPOSE));
                    assert_eq!(errors[&leaf.file], expected, "{} as {purpose} at {at}", leaf.place);
                }
            }
        }
        check_authority(unpacked, ca, validity[authority]);
        let strangers: Vec<&Found> = unpacked.found.iter().filter(|found| found.ca != ca).collect();
        for (file, errors) in verify(unpacked, authority, None, validity[authority].0, &strangers) {
            assert!(!errors.is_empty(), "{file} is not of {ca:?}");
            // A stranger CA is its own issuer and not trusted: another error than a leaf's.
            let is_leaf = strangers.iter().any(|found| found.file == file && found.purpose.is_some());
            assert!(!is_leaf || errors == BTreeSet::from([NO_ISSUER]), "{file} under {ca:?}: {errors:?}");
        }
    }
}

fn check_authority(unpacked: &Unpacked, ca: Ca, validity: (i64, i64)) {
    let itself: Vec<&Found> = unpacked.found.iter().filter(|it| it.ca == ca && it.purpose.is_none()).collect();
    for at in times([validity].into_iter()) {
        let errors = verify(unpacked, unpacked.ca_file(ca), None, at, &itself);
        assert_eq!(errors[unpacked.ca_file(ca)], errors_of_time(validity, at), "{ca:?} at {at}");
    }
}

/// The times to look at: some years, and each begin and end to the second.
///
/// The end itself is left out. It belongs to the validity (RFC 5280, section 4.1.2.5), as Go and certferry have it,
/// but OpenSSL's X509_cmp_time takes "equal" for "past".
fn times(validity: impl Iterator<Item = (i64, i64)> + Clone) -> BTreeSet<i64> {
    let days = ["2026-11-23", "2049-01-01", "2051-01-01", "2200-01-01"];
    let mut times: BTreeSet<_> = days.into_iter().map(|day| seconds(&format!("{day}T00:00:00Z"))).collect();
    for (begin, end) in validity.clone() {
        times.extend([begin - 1, begin, end - 1, end + 1]);
    }
    for (_, end) in validity {
        times.remove(&end);
    }
    times
}

/// OpenSSL's program goes on after an expired certificate, so that a wrong purpose shows too.
fn errors_of_time((begin, end): (i64, i64), at: i64) -> BTreeSet<u32> {
    let mut errors = BTreeSet::new();
    errors.extend((at < begin).then_some(NOT_YET_VALID));
    errors.extend((at > end).then_some(EXPIRED));
    errors
}

/// One process for all files. `openssl verify` prints `FILE: OK`, or its errors and then
/// `error FILE: verification failed`.
fn verify(unpacked: &Unpacked, ca: &str, purpose: Option<&str>, at: i64, files: &[&Found]) -> Errors {
    let mut command = tool("openssl");
    command.current_dir(&unpacked.flat).args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", ca]);
    command.args(["-attime", &at.to_string()]);
    if let Some(purpose) = purpose {
        command.args(["-purpose", purpose]);
    }
    let output = run(command.args(files.iter().map(|found| &found.file)));
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let mut found: Errors =
        stdout.lines().filter_map(|line| line.strip_suffix(": OK")).map(|file| (file.into(), [].into())).collect();
    let mut errors = BTreeSet::new();
    for line in stderr.lines().filter_map(|line| line.strip_prefix("error ")) {
        match line.strip_suffix(": verification failed") {
            Some(file) => assert!(found.insert(file.to_owned(), std::mem::take(&mut errors)).is_none(), "{file} twice"),
            None => assert!(errors.insert(line.split(' ').next().unwrap().parse().unwrap())),
        }
    }
    let names: Vec<_> = found.keys().collect();
    let mut expected: Vec<_> = files.iter().map(|found| &found.file).collect();
    expected.sort();
    assert_eq!(names, expected, "one answer for each file\n{stderr}");
    assert_eq!(output.status.success(), found.values().all(BTreeSet::is_empty), "{stderr}");
    found
}

/// First and last second of each certificate, as OpenSSL reads them.
fn validity(unpacked: &Unpacked) -> BTreeMap<String, (i64, i64)> {
    let certificates = Certificates::read(&unpacked.flat, unpacked.found.iter().map(|found| found.file.as_str()));
    let times = certificates.values.iter().map(|certificate| {
        let validity = &certificate.children[0].children[4].children;
        (instant(&validity[0].text), instant(&validity[1].text))
    });
    unpacked.found.iter().map(|found| found.file.clone()).zip(times).collect()
}

/// `261121000000Z` or `22251122000000Z`.
fn instant(text: &str) -> i64 {
    let text = if text.len() == 13 { format!("20{text}") } else { text.to_owned() };
    let (day, time) = text.split_at(8);
    let field = |text: &str, from: usize| text[from..from + 2].parse::<u8>().unwrap();
    let month = time::Month::try_from(field(day, 4)).unwrap();
    let day = Date::from_calendar_date(day[..4].parse().unwrap(), month, field(day, 6)).unwrap();
    let time = day.with_hms(field(time, 0), field(time, 2), field(time, 4)).unwrap();
    time.assume_utc().unix_timestamp()
}

/// An RFC 3339 instant in seconds since 1970.
fn seconds(text: &str) -> i64 {
    OffsetDateTime::parse(text, &Rfc3339).unwrap().unix_timestamp()
}
