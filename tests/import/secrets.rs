//! The root of a node is somebody's /etc/kubernetes. What `init --from` writes and prints holds none of its keys.

use std::fmt::Write;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Fleet, init_from};
use crate::common::{certferry, changed_profile, end, files, succeed, tool, use_fast_keys};
use crate::survey::secrets::{WORD, laden};

/// The scalars of every EC key below a folder, in files and in kubeconfigs.
fn scalars(root: &std::path::Path) -> Vec<Vec<u8>> {
    let mut scalars = Vec::new();
    for file in files(root) {
        let Ok(text) = fs::read_to_string(root.join(&file)) else { continue };
        let embedded = text.lines().filter_map(|line| line.trim().strip_prefix("client-key-data: "));
        let texts =
            embedded.map(|data| String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()).chain([text.clone()]);
        for pem in texts {
            for block in pem.split("-----BEGIN EC PRIVATE KEY-----\n").skip(1) {
                let body: String = block.split("-----END").next().unwrap().split_whitespace().collect();
                let der = STANDARD.decode(body).unwrap();
                // SEQUENCE { INTEGER 1, OCTET STRING (RFC 5915, section 3).
                let start = der.windows(4).position(|window| window[..3] == [2, 1, 1] && window[3] == 4).unwrap() + 5;
                scalars.push(der[start..start + usize::from(der[start - 1])].to_vec());
            }
        }
    }
    scalars
}

fn assert_kept(scalars: &[Vec<u8>], text: &[u8], place: &str) {
    for scalar in scalars {
        let mut forms: Vec<Vec<u8>> = vec![scalar[..16].to_vec()];
        let hex = scalar.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        forms.push(hex.as_bytes()[..24].to_vec());
        forms.push(hex.to_uppercase().as_bytes()[..24].to_vec());
        for shift in 0..3 {
            // Wherever the scalar begins in a longer text, one of the three is in its base64.
            let encoded = STANDARD.encode(&scalar[shift..shift + 18]);
            forms.push(encoded.into_bytes());
            forms.push(URL_SAFE_NO_PAD.encode(&scalar[shift..shift + 18]).into_bytes());
        }
        for form in forms {
            assert!(!text.windows(form.len()).any(|window| window == form), "a key is in {place}");
        }
    }
}

#[test]
fn no_key_of_a_root_or_an_archive_is_written_or_printed() {
    const TOKEN: &str = "c4n4ry-t0ken-0123456789";
    let fleet = Fleet::of(&changed_profile("single-node", |profile| {
        use_fast_keys(profile);
        profile["node"][0]["name"] = "cp-1".into();
    }));
    fleet.write(
        "cp-1",
        "root/.kube/config",
        &format!("kind: Config\nusers:\n- name: a\n  user: {{token: {TOKEN}, password: {TOKEN}}}\n"),
    );
    fleet.write("cp-1", "etc/kubernetes/enc.yaml", &format!("kind: EncryptionConfiguration\nsecret: {TOKEN}\n"));
    let kubeadm = fleet.folder.path().join("kubeadm.yaml");
    let text = format!(
        "apiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\ncertificateKey: {TOKEN}\nbootstrapTokens: [{{token: {TOKEN}}}]\n---\n\
         apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\napiServer: {{extraArgs: {{oidc-client-id: {TOKEN}, etcd-password: {TOKEN}}}}}\n"
    );
    fs::write(&kubeadm, text).unwrap();
    let scalars = scalars(fleet.folder.path());
    assert!(scalars.len() > 10, "only {} keys", scalars.len());
    // The check itself finds one.
    let found = std::panic::catch_unwind(|| assert_kept(&scalars, &scalars[0], "itself"));
    assert!(found.is_err());

    let packed = fleet.folder.path().join("node.tar.gz");
    succeed(tool("tar").arg("-czf").arg(&packed).arg("-C").arg(fleet.root("cp-1")).args(["etc", "var", "root"]));
    let mut profiles = Vec::new();
    for source in [fleet.root("cp-1"), packed, fleet.root("cp-1").join("etc/kubernetes")] {
        let (folder, name, said) = init_from(&[&source, &kubeadm], &[]);
        let mut all = vec![("the output".to_owned(), said.into_bytes())];
        for file in files(folder.path()) {
            all.push((file.clone(), fs::read(folder.path().join(&file)).unwrap()));
        }
        assert_eq!(all.len(), 7, "{:?}", files(folder.path()));
        for (place, content) in &all {
            assert_kept(&scalars, content, place);
            let text = String::from_utf8_lossy(content);
            assert!(!text.contains(TOKEN) && !text.contains("PRIVATE KEY"), "{place}");
        }
        profiles.push(super::written(&folder, &name));
    }
    assert_eq!(profiles[0], profiles[1], "an archive is read like the root");
}

/// RSA keys in every form, tokens, and passwords in flags and environment: all that a survey leaves on the node.
#[test]
fn nothing_of_a_laden_control_plane_is_written_or_printed() {
    let (node, canaries) = laden();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ended = end(certferry().arg("init").arg("--from").arg(node.path("")).arg("--out").arg(&out));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let written = files(&out).into_iter().map(|file| fs::read(out.join(file)).unwrap());
    let all: Vec<_> = written.chain([ended.stdout.into_bytes(), ended.stderr.into_bytes()]).collect();
    assert!(all.len() > 6);
    for content in all {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains(WORD), "{:?}", text.lines().find(|line| line.contains(WORD)));
        assert_eq!(canaries.found_in(&content), None);
    }
}
