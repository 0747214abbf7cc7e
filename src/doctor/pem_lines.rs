//! Finds PEM in objects whose lines were joined: files that ended without a line break, one behind the other.

use super::finding::{Findings, shell_word};
use super::objects::Object;
use super::secrets::{is_joined, patch, take, title};
use crate::go::blocks;
use crate::yaml::Yaml;

/// Looks at every text of a Secret or a ConfigMap.
pub(super) fn check(objects: &[Object<'_>], findings: &mut Findings) {
    for object in objects.iter().filter(|object| matches!(object.kind, "Secret" | "ConfigMap")) {
        let places = ["stringData", "data"].iter().filter_map(|place| object.yaml.get(place));
        let pairs = places.flat_map(Yaml::pairs);
        for (key, value) in pairs {
            let content = match object.kind {
                "Secret" => object.data(key),
                _ => value.text().map(|text| zeroize::Zeroizing::new(text.as_bytes().to_vec())),
            };
            let Some(content) = content.filter(|content| is_joined(content)) else { continue };
            let all = content.windows(11).filter(|window| *window == b"-----BEGIN ").count().to_string();
            let found = blocks(&content).len().to_string();
            let it = format!("{key} of {}", title(object));
            let mend = mend(object, key);
            let values = [("found", found.as_str()), ("all", &all), ("mend", &mend)];
            findings.add_in("pem-joined", object.file, &it, &values);
        }
    }
}

const PART: &str = r"sed 's/----------BEGIN /-----\n-----BEGIN /g'";

fn mend(object: &Object<'_>, key: &str) -> String {
    if object.kind == "Secret" {
        let patched = format!("sed 's|.*|{{\"data\":{{\"{key}\":\"&\"}}}}|' | {}", patch(object));
        return format!("`{} | {PART} | base64 -w0 | {patched}`", take(object, key));
    }
    let [namespace, name] = [object.namespace, object.name].map(shell_word);
    let path = shell_word(&format!("{{.data.{}}}", key.replace('.', r"\.")));
    let kubectl = |verb: &str| format!("kubectl -n {namespace} {verb} configmap {name}");
    let [get, create, patch] = ["get", "create", "patch"].map(kubectl);
    let made = format!("{create} --from-file={}=/dev/stdin --dry-run=client -o yaml", shell_word(key));
    format!("`{get} -o jsonpath={path} | {PART} | {made} | {patch} --patch-file=/dev/stdin`")
}
