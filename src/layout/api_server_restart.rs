//! Renders the script and the systemd units that restart a control plane's API server.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::kubernetes::{API_SERVER_RESTART, enable_api_server_restart};
use crate::plan::ApiServerRestart;
use crate::template::render as render_template;

const SCRIPT: &str = include_str!("../../templates/restart-kube-apiserver.sh");
const SERVICE: &str = include_str!("../../templates/restart-kube-apiserver.service");
const TIMER: &str = include_str!("../../templates/restart-kube-apiserver.timer");

/// The age in days from which on an API server is restarted. With a chance in each month it is then never much older
/// than half the year after which its certificate for its own calls ends, and a few chances may pass unused.
const DAYS: &str = "180";

pub(super) fn render(file: &ApiServerRestart) -> Result<Zeroizing<String>, LayoutError> {
    let rendered = match file {
        ApiServerRestart::Script { own, others } => {
            render_template(SCRIPT, &[("days", DAYS), ("own", own), ("others", &others.join(" "))])
        }
        ApiServerRestart::Service => render_template(SERVICE, &[("script", &format!("/{API_SERVER_RESTART}.sh"))]),
        ApiServerRestart::Timer { number, count } => {
            let (day, number, count) = (format!("{number:02}"), number.to_string(), count.to_string());
            let enable = enable_api_server_restart();
            let values = [("day", &*day), ("number", &number), ("count", &count), ("days", DAYS), ("enable", &enable)];
            render_template(TIMER, &values)
        }
    };
    rendered.map_err(LayoutError::Template)
}
