//! Servers that the API server calls, and what it says of their certificates.

use certferry::x509::oid;
use serde_json::json;
use time::macros::datetime;
use x509_cert::ext::pkix::KeyUsages;

use crate::doctor::Node;
use crate::doctor::objects::{HOST, authority, ca, changed, list, private, secret, serving, webhook};
use crate::doctor::secrets::only;
use crate::planting::forge::{Forge, Key, names, pem};

/// A server outside, or one inside that is called by its name.
#[test]
fn a_webhook_by_url_is_called_by_its_host() {
    let node = Node::control_plane(|_, _| {});
    let by_url = |url: &str, bundle: Option<&str>| {
        let mut webhook = webhook(bundle);
        let config = &mut webhook["webhooks"][0]["clientConfig"];
        config.as_object_mut().unwrap().remove("service");
        config["url"] = url.into();
        webhook
    };
    let at = |host: &str| secret(&[("tls.crt", &serving(21, &[host], &Key::new(31))), ("tls.key", &private(31))]);
    for (url, host) in [
        ("https://webhook.lab:8443/validate", "webhook.lab"),
        ("https://[fd00::1]:8443/validate", "fd00::1"),
        ("https://10.0.0.1", "10.0.0.1"),
    ] {
        node.save(&list(&[by_url(url, Some(&ca(21))), at(host)]));
        assert_eq!(node.rules(), [].into(), "{url}");
        node.save(&list(&[by_url(url, Some(&ca(22))), at(host)]));
        only(&node, "ca-bundle");
        // A certificate of the public web, and a server that nobody saved.
        node.save(&list(&[by_url(url, None), at("other.lab")]));
        assert_eq!(node.rules(), [].into(), "{url}");
    }
    // Two servers with one CA are two.
    let mut two = by_url("https://a.lab", Some(&ca(22)));
    let other = by_url("https://b.lab", Some(&ca(22)))["webhooks"][0].take();
    two["webhooks"].as_array_mut().unwrap().push(other);
    node.save(&list(&[two, at("b.lab")]));
    let said = only(&node, "ca-bundle");
    assert!(said.contains("/webhooks/1/clientConfig/caBundle") && !said.contains("/webhooks/0/"), "{said}");
}

/// An aggregated API server that nobody verifies still has to load its pair.
#[test]
fn what_is_called_without_verification_needs_no_ca() {
    let node = Node::control_plane(|_, _| {});
    let lax = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": "v1beta1.metrics.k8s.io" },
        "spec": { "service": { "name": "webhook-service", "namespace": "metallb-system" }, "insecureSkipTLSVerify": true },
    });
    let own = serving(22, &[HOST], &Key::new(31));
    node.save(&list(&[lax.clone(), secret(&[("tls.crt", &own), ("tls.key", &private(31))])]));
    assert_eq!(node.rules(), [].into());
    node.save(&list(&[lax, secret(&[("tls.crt", &own), ("tls.key", &private(32))])]));
    only(&node, "secret-key-pair");
}

/// An intermediate that leaves serverAuth out, one that has ended, and a root that may not sign.
#[test]
fn what_stands_above_a_servers_certificate_is_judged_as_go_does() {
    let node = Node::control_plane(|_, _| {});
    let (root, root_key) = authority(21);
    let chain = |change: fn(&mut Forge)| {
        let between_key = Key::new(40);
        let mut between = Forge::authority("between", &between_key);
        change(&mut between);
        let mut leaf = Forge::leaf(&[], "webhook", &[oid::SERVER_AUTH], &Key::new(31));
        leaf.alt_names = names(&[HOST]);
        let leaf = pem(&leaf.sign(Some(&between.subject), &between_key));
        leaf + &pem(&between.sign(Some(&root.subject), &root_key))
    };
    for (change, error, mend) in [
        (
            (|forge| forge.usages = Some(vec![oid::CLIENT_AUTH])) as fn(&mut Forge),
            "x509: certificate specifies an incompatible key usage",
            "a CA above it has an extendedKeyUsage without serverAuth: have another CA sign it",
        ),
        (
            |forge| forge.not_after = datetime!(2026-12-31 0:00 UTC),
            "x509: certificate has expired or is not yet valid: current time 2027-01-01T00:00:00Z is after 2026-12-31T00:00:00Z",
            "a CA above it has expired",
        ),
        (
            |forge| forge.key_usage = Some(vec![KeyUsages::DigitalSignature]),
            "x509: invalid signature: parent certificate cannot sign this kind of certificate",
            "what signed it may sign no certificates",
        ),
    ] {
        node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &chain(change)), ("tls.key", &private(31))])]));
        let said = only(&node, "webhook-certificate");
        assert!(said.contains(error) && said.contains(mend), "{said}");
        // Another CA has to be trusted, too.
        assert!(said.contains("`CA=$(base64 -w0 CA.crt)`, then `kubectl patch"), "{said}");
    }
    node.save(&list(&[webhook(Some(&ca(21))), secret(&[("tls.crt", &chain(|_| {})), ("tls.key", &private(31))])]));
    assert_eq!(node.rules(), [].into());
}

/// cert-manager's own webhook keeps a CA in a Secret, and signs its certificate in memory. One that is for another host
/// is told all the same when it is a CA for itself, as `openssl req -x509` makes it.
#[test]
fn a_ca_that_a_server_signs_with_is_no_certificate_of_a_server() {
    let node = Node::control_plane(|_, _| {});
    let own = secret(&[("tls.crt", &ca(21)), ("tls.key", &private(21)), ("ca.crt", &ca(21))]);
    node.save(&list(&[webhook(Some(&ca(21))), own]));
    assert_eq!(node.rules(), [].into());
    let (mut for_itself, key) = authority(21);
    for_itself.alt_names = names(&["other.metallb-system.svc"]);
    let for_itself = pem(&for_itself.sign(None, &key));
    node.save(&list(&[webhook(Some(&for_itself)), secret(&[("tls.crt", &for_itself), ("tls.key", &private(21))])]));
    only(&node, "webhook-alt-name");
    let (mut for_itself, key) = authority(21);
    for_itself.alt_names = names(&[HOST]);
    let for_itself = pem(&for_itself.sign(None, &key));
    node.save(&list(&[webhook(Some(&for_itself)), secret(&[("tls.crt", &for_itself), ("tls.key", &private(21))])]));
    assert_eq!(node.rules(), [].into());
}

/// What somebody writes into a Secret of cert-manager's does not stay there.
#[test]
fn a_certificate_of_cert_managers_is_made_anew_by_it() {
    let node = Node::control_plane(|_, _| {});
    let [webhook, mut secret] = changed(|leaf, _| leaf.usages = Some(vec![oid::CLIENT_AUTH]));
    secret["metadata"]["annotations"] =
        json!({ "cert-manager.io/issuer-name": "web", "cert-manager.io/certificate-name": "webhook" });
    node.save(&list(&[webhook, secret]));
    let said = only(&node, "webhook-certificate");
    let mend = "have the same CA sign it anew, with extendedKeyUsage serverAuth, in its Certificate or at its issuer, because \
                cert-manager writes this Secret; then `cmctl renew -n metallb-system webhook`, and restart the server if it \
                does not read it again by itself";
    assert!(said.ends_with(mend), "{said}");
}
