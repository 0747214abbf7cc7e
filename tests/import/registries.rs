//! Registries, of which no source knows: they are added as for a new cluster.

use super::{Fleet, init_from, written};
use crate::common::{certferry, changed_profile, fail, use_fast_keys};

#[test]
fn a_registry_is_added_to_what_was_imported_or_refused_before_anything_is_written() {
    let fleet = Fleet::of(&changed_profile("single-node", use_fast_keys));
    let root = fleet.root(&fleet.profile.nodes[0].name);
    let (folder, name, _) = init_from(&[&root], &["--registry", "registry.lab:5000=tls"]);
    let profile = written(&folder, &name);
    assert!(profile.ends_with("\n[[registry]]\nhost = \"registry.lab:5000\"\nroot = \"tls\"\n"), "{profile}");
    let read = certferry::profile::parse(profile.as_bytes()).ok().unwrap().profile;
    assert_eq!(read.registries.len(), 1);
    let out = folder.path().join("other");
    let mut command = certferry();
    command.arg("init").arg("--from").arg(&root).arg("--out").arg(&out).args(["--registry", "docker.io:443=tls"]);
    let said = fail(&mut command, 2);
    assert!(said.starts_with("error: \"docker.io:443\" is not a registry of image names\n"), "{said}");
    assert!(!out.exists());
}
