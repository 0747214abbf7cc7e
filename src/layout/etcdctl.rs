//! Renders the environment of `etcdctl`.

use zeroize::Zeroizing;

use super::LayoutError;
use crate::template::render as render_template;

const TEMPLATE: &str = include_str!("../../templates/etcdctl.env");

pub(super) fn render(endpoints: &[String]) -> Result<Zeroizing<String>, LayoutError> {
    render_template(TEMPLATE, &[("endpoints", &endpoints.join(","))]).map_err(LayoutError::Template)
}
