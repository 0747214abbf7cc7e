//! The files that a person has to bring to the profile.

use time::Date;

use super::authorities::{Authorities, Authority, KeyPlace, described, is_root};
use super::finding::{Finding, Subject};
use super::objects::Objects;
use crate::kubernetes::CertificatesDir;
use crate::x509::instant;

/// Lists the files to bring.
pub(super) fn list(authorities: &Authorities, objects: &Objects, issued_at: Date, findings: &mut Vec<Finding>) {
    let (all, service_account) = (&authorities.all, &authorities.service_account);
    let mut add = |subject: Subject, text: String| findings.push(Finding::new(subject, text));
    let missing = if objects.nodes.is_empty() { "no survey has it" } else { "no survey of such a node was given" };
    for authority in all {
        match &authority.certificate {
            Some(certificate) => {
                let (value, path) = (&certificate.value, authority.certificate_path());
                add(
                    Subject::Note,
                    format!(
                        "{path}: {}, from {}, ends {}",
                        described(value),
                        certificate.source,
                        instant(value.not_after())
                    ),
                );
                if value.not_after() < issued_at.midnight().assume_utc() {
                    let (subject, then) = match is_root(value) {
                        true => (Subject::Otherwise, "a bundle renews it, over the same key"),
                        false => (Subject::Unknown, "only its issuer can renew it"),
                    };
                    let text = format!(
                        "the CA of [ca.{}] ended {}: nobody believes it or what it signed; {then} (`certferry help expired`)",
                        authority.table,
                        instant(value.not_after())
                    );
                    add(subject, text);
                }
                let top = authority.issuers.last().unwrap_or(value);
                if !is_root(top) {
                    add(
                        Subject::Unknown,
                        format!(
                            "{path}: the certificate of its issuer {}, which belongs behind it in the file",
                            top.issuer()
                        ),
                    );
                }
                if !value.is_ca() {
                    add(
                        Subject::Unknown,
                        format!(
                            "{path}: it is not the certificate of a CA, though {} takes it for one",
                            certificate.source
                        ),
                    );
                }
            }
            None => add(
                Subject::Bring,
                format!(
                    "{}: the certificate of the CA of [ca.{}]; {missing}",
                    authority.certificate_path(),
                    authority.table,
                ),
            ),
        }
        bring_key(
            &authority.key_path(),
            &format!("the key of the CA of [ca.{}]", authority.table),
            &authority.key,
            &mut add,
        );
    }
    let keyless: Vec<_> = all
        .iter()
        .filter(|authority| authority.certificate.is_some() && authority.key == KeyPlace::Nowhere)
        .map(|authority| format!("[ca.{}]", authority.table))
        .collect();
    if authorities.has_control_plane && !keyless.is_empty() {
        add(
            Subject::Bring,
            format!(
                "where the key of {} is kept: there a bundle is built, and no node gets it. When nobody has it any more, nothing new \
                 can be signed below that CA, and a new one takes its place: `certferry help rotation`",
                keyless.join(", "),
            ),
        );
    }
    bring_key("adopted/sa.key", "the key that signs the tokens of service accounts", service_account, &mut add);
    if let Some(command) = at_once(all, service_account) {
        add(Subject::Bring, command);
    }
}

/// Returns the command that takes all keys along, where one node has them in one folder under kubeadm's names.
fn at_once(all: &[Authority], service_account: &KeyPlace) -> Option<String> {
    let (mut node, mut folder): (Option<&str>, Option<&str>) = (None, None);
    let places = all.iter().map(|authority| (&authority.key, format!("{}.key", authority.stem)));
    let mut files = Vec::new();
    for (place, file) in places.chain([(service_account, "sa.key".to_owned())]) {
        let KeyPlace::Node { label, path } = place else { return None };
        let found = path.strip_suffix(file.as_str())?.strip_suffix('/')?;
        // What is read is untrusted, and here it is to be typed into a shell.
        CertificatesDir::parse(&format!("/{found}")).ok()?;
        if folder.is_some_and(|known| known != found) || node.is_some_and(|known| known != label) {
            return None;
        }
        (node, folder) = (Some(label.as_str()), Some(found));
        files.push(file);
    }
    Some(format!(
        "all of them at once, as root on {}: (umask 077 && tar -C /{} -cf adopted.tar {}); then in the folder of the profile: tar -C adopted -xf adopted.tar && rm adopted.tar",
        node?,
        folder?,
        files.join(" ")
    ))
}

fn bring_key(to: &str, what: &str, place: &KeyPlace, add: &mut impl FnMut(Subject, String)) {
    match place {
        KeyPlace::Node { label, path } => add(Subject::Bring, format!("{to}: {what}, /{path} of {label}")),
        KeyPlace::Unread { label, path, reason } => {
            add(Subject::Bring, format!("{to}: {what}, probably /{path} of {label}, which was not read: {reason}"));
        }
        KeyPlace::Nowhere => add(Subject::Bring, format!("{to}: {what}; it is on no node that was surveyed")),
    }
}
