//! Renders the settings of etcd's members, and what Prometheus reads of them.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::plan::EtcdFile;
use crate::template::render as render_template;
use crate::yaml::scalar;

const ENVIRONMENT: &str = include_str!("../../templates/etcd/etcd.env");
const DROP_IN: &str = include_str!("../../templates/etcd/etcd.drop-in");
const PROMETHEUS: &str = include_str!("../../templates/etcd/prometheus.yaml");

pub(super) fn render(file: &EtcdFile) -> Result<Zeroizing<String>, LayoutError> {
    let rendered = match file {
        EtcdFile::Environment { name, client_url, peer_url, cluster, members, certificates_dir } => {
            let members = members.join(",");
            let values = [
                ("name", name.as_str()),
                ("client_url", client_url),
                ("peer_url", peer_url),
                ("cluster", cluster),
                ("members", &members),
                ("certificates_dir", &certificates_dir.to_string()),
            ];
            render_template(ENVIRONMENT, &values)
        }
        EtcdFile::DropIn { name, certificates_dir } => {
            render_template(DROP_IN, &[("name", name), ("certificates_dir", &certificates_dir.to_string())])
        }
        EtcdFile::Prometheus { cluster, targets } => {
            let targets: String = targets.iter().map(|target| format!("    - {}\n", scalar(target))).collect();
            render_template(PROMETHEUS, &[("cluster", &scalar(cluster)), ("targets", &targets)])
        }
    };
    rendered.map_err(LayoutError::Template)
}
