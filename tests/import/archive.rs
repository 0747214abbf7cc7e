//! Archives of nodes: where the root is in them, and where links lead.

use std::path::PathBuf;

use certferry::host::{NodeArchive, NodeRoot};

fn roots(entries: &[(&str, &[u8])]) -> Vec<(PathBuf, NodeRoot)> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        if let Some(target) = content.strip_prefix(b"-> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            builder.append_link(&mut header, path, std::str::from_utf8(target).unwrap()).unwrap();
        } else {
            header.set_size(content.len() as u64);
            header.set_mode(0o640);
            header.set_uid(7);
            header.set_gid(0);
            // By hand, because the library writes no path that leads upwards.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
    }
    let bytes = builder.into_inner().unwrap();
    assert!(NodeArchive::is_tar(&bytes));
    let roots = NodeArchive::read(&*bytes, false).unwrap().roots();
    roots.into_iter().map(|(place, files)| (place, NodeRoot::of_archive(files))).collect()
}

#[test]
fn a_root_is_found_wherever_it_is() {
    for (path, found) in [
        ("etc/kubernetes/pki/ca.crt", ""),
        ("./etc/kubernetes/pki/ca.crt", ""),
        ("backup/cp-1/etc/kubernetes/pki/ca.crt", "backup/cp-1"),
        ("kubernetes/pki/ca.crt", "kubernetes"),
        ("pki/ca.crt", ""),
    ] {
        let roots = roots(&[(path, b"x"), ("readme", b"y")]);
        let [(place, root)] = roots.as_slice() else { unreachable!("{path}: {} roots", roots.len()) };
        assert_eq!(place.to_str(), Some(found), "{path}");
        assert_eq!(root.read("etc/kubernetes/pki/ca.crt", 10).unwrap().as_slice(), b"x", "{path}");
        assert_eq!(
            (root.mode("etc/kubernetes/pki/ca.crt").unwrap(), root.owner("etc/kubernetes/pki/ca.crt").unwrap()),
            (0o640, (7, 0))
        );
        assert_eq!(root.names("etc/kubernetes/pki").unwrap(), ["ca.crt"]);
        assert!(root.files("etc/kubernetes").0.contains(&"etc/kubernetes/pki/ca.crt".to_owned()));
    }
    assert!(roots(&[("readme", b"y")]).is_empty());
    let nodes = roots(&[("cp-1/etc/kubernetes/admin.conf", b"a"), ("cp-2/var/lib/kubelet/config.yaml", b"b")]);
    assert_eq!(nodes.iter().map(|(place, _)| place.to_str().unwrap()).collect::<Vec<_>>(), ["cp-1", "cp-2"]);
}

#[test]
fn links_lead_to_what_is_in_the_archive() {
    let roots = roots(&[
        ("etc/kubernetes/ssl/ca.crt", b"x"),
        ("etc/kubernetes/pki", b"-> /etc/kubernetes/ssl"),
        ("etc/kubernetes/out", b"-> ../../../../etc/passwd"),
        ("etc/kubernetes/round", b"-> round"),
        ("../etc/kubernetes/above", b"z"),
    ]);
    let root = &roots[0].1;
    assert_eq!(root.read("etc/kubernetes/pki/ca.crt", 10).unwrap().as_slice(), b"x");
    assert_eq!(root.leads_to("etc/kubernetes/pki/ca.crt").unwrap(), "etc/kubernetes/ssl/ca.crt");
    assert!(root.is_folder("etc/kubernetes/pki") && !root.is_there("etc/kubernetes/above"));
    for place in ["etc/kubernetes/out", "etc/kubernetes/round", "etc/kubernetes", "nowhere"] {
        assert!(root.read(place, 10).is_err(), "{place}");
    }
    assert_eq!(root.read("etc/kubernetes/ssl/ca.crt", 0).unwrap_err().to_string(), "longer than 0 bytes");
}
