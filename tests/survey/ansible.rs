//! The playbook that brings a survey of each host, run by real Ansible on this machine.

use std::fs;

use super::{control_plane, survey_of};
use crate::common::desk::Desk;
use crate::common::{end, is_root, skip_even_in_ci, tool};

#[test]
fn ansible_brings_what_certferry_says() {
    if !is_root() {
        return skip_even_in_ci("keys are for root alone");
    }
    let (desk, node) = (Desk::new(), control_plane());
    desk.succeed("ansible --out ansible");
    let root = node.path("").display().to_string();
    let play = || {
        let mut command = tool("ansible-playbook");
        command
            .current_dir(desk.path(""))
            .env("PWD", desk.path(""))
            .env("HOME", desk.path("home"))
            .env("LC_ALL", "C.UTF-8");
        command.env("ANSIBLE_CONFIG", "ansible/ansible.cfg").args([
            "-i",
            "cp-1,",
            "-c",
            "local",
            "certferry.fleet.survey",
        ]);
        end(command.args(["-e", &format!("certferry_survey_root={root}")]))
    };
    let ended = play();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(desk.text("surveys/cp-1.toml"), survey_of(&node.path("")).stdout);
    let again = play();
    assert!(again.stdout.contains("changed=0"), "{}", again.stdout);
    // What is missing is said at the end, and what is there is brought.
    fs::File::create(node.path("etc/kubernetes/pki/giant.crt")).unwrap().set_len(5 << 20).unwrap();
    let ended = play();
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stdout.contains("etc/kubernetes/pki/giant.crt  larger than 4194304 bytes"), "{}", ended.stdout);
    assert_eq!(desk.text("surveys/cp-1.toml"), survey_of(&node.path("")).stdout);
}
