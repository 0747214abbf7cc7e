//! What Kubernetes, kubeadm and the kubelet expect, as data, for both sides of the air gap.
//!
//! Why: the shape of a PKI is a set of facts about Kubernetes versions. Facts are rows with their source beside them,
//! not branches spread over the code. The side that makes the files and the side that checks them read the same rows.
//!
//! Input: nothing. Output: constants, and functions that look rows up. What follows from a row is decided by its
//! reader.
//!
//! Where to change what: a certificate, kubeconfig or CA of kubeadm is a row in `certificate.rs`, with what it is for,
//! which components read it, what kubeadm calls it and how it is made anew. A binding that newer kubeadm makes is a row
//! in `binding.rs`. What holds the old trust while a CA is replaced in phases is a row in `trap.rs`.

mod binding;
mod certificate;
mod certificate_row;
mod certificates_dir;
mod component;
mod key_id;
mod kubeadm_api;
mod kubeadm_files;
mod limits;
mod part_files;
mod part_name;
mod place;
mod purpose;
mod purpose_of;
mod readers;
mod registry;
mod role;
mod since;
mod trap;
mod unit_folder;
mod version;

pub use binding::{REQUIRED_BINDINGS, RequiredBinding};
pub use certificate::{AUTHORITIES, CA_HAS_ALT_NAME, CERTIFICATES};
pub use certificate_row::{
    AltNameRule, CaName, CaRow, CertificateRow, CommonName, ExpectedOn, Organizations, Output, Scope, Server,
};
pub use certificates_dir::{CertificatesDir, CertificatesDirRefusal, usual_place};
pub use component::Component;
pub use key_id::{KeyId, NotAKeyId, escape};
pub use kubeadm_api::{CLUSTER_NAME, KubeadmApi, encryption_algorithm, gates_dual_stack, has_systemd_cgroups};
pub use kubeadm_files::{authorities, is_shared, kubeconfigs};
pub use limits::JOINS_WITH_ECDSA_SERVICE_ACCOUNT;
pub use part_files::{PartFile, cluster_files, is_authority_key, node_files};
pub use part_name::{NotAPartName, PartName, is_label, is_subdomain};
pub use place::{
    API_SERVER_RESTART, API_SERVER_RESTART_DAYS, BOOTSTRAP, CA_CHAIN, CA_SIGNING, CLUSTER_CA, CLUSTER_CA_KEY, ETCD_CA,
    FILE_LIMIT, KUBELET_CONF, KUBELET_PKI, KUBERNETES, MANIFESTS, PKI, SIGNING_FLAGS, enable_api_server_restart,
    written_folder,
};
pub use purpose::Purpose;
pub use readers::{RELOADED, are_reloaded, readers, readers_by_path, to_restart};
pub use registry::{
    CERTS_D, HOSTS_TOML, REGISTRY_CA, TRUST_FOLDERS, TRUST_PREFIX, UPDATE_TRUST, in_certs_d, is_of_registry,
    is_trusted_by_system, registry_folder, registry_of_folder,
};
pub use role::Role;
pub use since::Since;
pub use trap::{Check, Learns, Rotating, TRAPS, Trap};
pub use unit_folder::{Swaps, UNIT_FOLDERS, UnitFolder};
pub use version::Version;
