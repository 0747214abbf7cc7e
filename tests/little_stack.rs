//! Where a process is granted little stack (`ulimit -s`), every command works as elsewhere.

use crate::canary::lab::LAB;
use crate::common::{succeed, tool};

const LITTLE: [&str; 4] = ["sh", "-euc", "ulimit -s 256; exec \"$@\"", "sh"];

#[test]
fn commands_run_with_little_stack() {
    assert_eq!(succeed(tool("sh").args(["-euc", "ulimit -s 256; ulimit -s"])), "256\n");
    let (desk, open) = (LAB.desk(), LAB.open());
    std::fs::create_dir(desk.path("node")).unwrap();
    let bundle = "out/lab-g1.tar.gz --key out/lab.pub";
    for line in [
        "help profile".to_owned(),
        "plan lab.toml".to_owned(),
        "identity new it.key".to_owned(),
        format!("seed check sealed.seed {open}"),
        format!("seed split sealed.seed {open} --shares 3 --threshold 2 --out shares"),
        "seed combine shares/share-1.txt shares/share-3.txt --out combined.seed --plain".to_owned(),
        format!("csr lab.toml --ca kubernetes --seed sealed.seed {open} --out ca.csr"),
        format!("build lab.toml --seed sealed.seed {open} --out out"),
        format!(
            "seal out/lab-g1.tar.gz --seed sealed.seed {open} --to cp-1={0} --to w-1={0} --cluster-to {0} --out sealed",
            LAB.recipient
        ),
        format!("verify sealed/lab-g1.sealed.tar --key out/lab.pub {open}"),
        format!("open sealed/lab-g1.sealed.tar {open} --part cp-1 --out slice.tar.gz"),
        format!("verify {bundle}"),
        format!("inspect {bundle}"),
        format!("unpack {bundle} --node cp-1 --root tree"),
        format!("apply {bundle} --node cp-1 --root node"),
        "doctor --root node".to_owned(),
    ] {
        let output = desk.wrapped(&LITTLE, &line).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code < 2), "{line}: {output:?}");
    }
}
