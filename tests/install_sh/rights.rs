//! Lists of rights (ACLs), attributes and owners of what is kept stay as they are, with a cp that copies them and with one
//! that does not.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, setxattr};
use walkdir::WalkDir;

use crate::common::rights::{Right, lacks, let_user_read, rights_list};
use crate::common::shells::{Tools, find};
use crate::common::write;
use crate::install_sh::node::{FIRST, Node, SECOND};

const PKI: &str = "etc/kubernetes/pki";
const NAME: &str = "worker-1";

/// Mode, owner and attributes of everything below a root that is not certferry's own.
type Rights = BTreeMap<String, (u32, u32, u32, BTreeMap<String, Vec<u8>>)>;

fn rights(node: &Node) -> Rights {
    let walk = WalkDir::new(node.root()).into_iter().filter_entry(|entry| entry.file_name() != ".certferry");
    let of = |path: &Path| {
        let mut names = [0_u8; 4096];
        let length = llistxattr(path, &mut names[..]).unwrap();
        let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let value = |name: &[u8]| {
            let name = String::from_utf8(name.to_vec()).unwrap();
            let mut value = [0_u8; 4096];
            let length = lgetxattr(path, name.as_str(), &mut value[..]).unwrap();
            (name, value[..length].to_vec())
        };
        names.map(value).collect()
    };
    walk.map(|entry| {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(node.root()).unwrap().to_string_lossy().into_owned();
        let metadata = entry.path().symlink_metadata().unwrap();
        (path, (metadata.mode(), metadata.uid(), metadata.gid(), of(entry.path())))
    })
    .collect()
}

/// A cp that says it copies all, and loses what the mode does not tell.
fn losing() -> Tools {
    let tools = Tools::new(&["dash"], "mawk", "tar");
    let script = format!(
        "for word; do shift; [ \"$word\" = --preserve=all ] || set -- \"$@\" \"$word\"; done\nexec {} cp -p \"$@\"\n",
        find("busybox").display()
    );
    tools.add_script("cp", &script);
    tools
}

#[test]
fn what_is_kept_keeps_its_rights() {
    if lacks(&[Right::Owners, Right::Lists]) {
        return;
    }
    let begin = Node::with(&FIRST, NAME);
    let pki = begin.path(PKI);
    fs::create_dir(pki.join("mine")).unwrap();
    fs::set_permissions(pki.join("mine"), PermissionsExt::from_mode(0o700)).unwrap();
    for place in ["backup.key", "mine/odd name"] {
        chown(write(&pki, place, "a key", 0o600), Some(7), Some(8)).unwrap();
        let_user_read(&pki.join(place)).unwrap();
        setxattr(pki.join(place), "trusted.note", b"by hand", XattrFlags::empty()).unwrap();
    }
    for folder in [pki.clone(), pki.join("mine")] {
        let_user_read(&folder).unwrap();
        setxattr(&folder, "system.posix_acl_default", &rights_list(7, 5, 5), XattrFlags::empty()).unwrap();
    }
    let before = rights(&begin);
    let kept = ["etc/kubernetes/pki", "etc/kubernetes/pki/backup.key", "etc/kubernetes/pki/mine/odd name"];
    assert!(kept.iter().all(|place| before[*place].3.contains_key("system.posix_acl_access")));
    assert_eq!(before[kept[1]].0 & 0o777, 0o640, "the mode is that of the list's mask");
    // What kind of file system it is cannot be known without stat.
    let without_stat = Tools::new(&["dash"], "mawk", "tar");
    without_stat.remove("stat");
    let [dash, bash] = [("dash", "mawk"), ("bash", "gawk")].map(|(shell, awk)| Tools::new(&[shell], awk, "tar"));
    for tools in [dash, bash, Tools::busybox(), losing(), without_stat] {
        let node = begin.copy();
        let said = node.install(&tools, &SECOND, NAME, &[]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", tools.name());
        assert!(said.stdout.contains("  kept     etc/kubernetes/pki/backup.key\n"), "{}", said.stdout);
        let after = rights(&node);
        for place in kept.into_iter().chain(["etc/kubernetes/pki/mine"]) {
            assert!(after.get(place) == before.get(place), "{}: {place}: {:?}", tools.name(), after.get(place));
        }
        assert!(fs::read(node.path(PKI).join("ca.crt")).unwrap() != fs::read(pki.join("ca.crt")).unwrap());
        assert_eq!(node.rollback(&tools).code, Some(0));
        assert!(rights(&node) == before, "{}", tools.name());
        assert!(node.live() == begin.live());
    }
}
