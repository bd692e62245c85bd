//! The names of all metrics, and the recorder behind `/metrics`.
//!
//! The core speaks through the `metrics` facade and knows no recorder; this module installs one, once per process. Labels come
//! from closed sets: an action without a row of its own in the route table is counted as `other`.

use std::sync::OnceLock;
use std::time::Duration;

use everreach_core::Mode;
use http::{Method, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Time from accepting a call to its envelope, seconds; labels `service`, `action`, `env`.
pub const DISPATCH_DURATION: &str = "everreach_dispatch_duration_seconds";
/// Dollars booked for calls in the cloud; labels `service`, `action`.
pub const CLOUD_COST: &str = "everreach_cloud_cost_usd";
/// Seconds since a local or hybrid process started.
pub const LOCAL_UPTIME: &str = "everreach_local_uptime_sec";
/// Seconds since a process in the cloud started.
pub const CLOUD_UPTIME: &str = "everreach_cloud_uptime_sec";
/// Always 1; label `version`.
pub const BUILD_INFO: &str = "everreach_build_info";
/// Answered requests; labels `route` (the pattern, `other` for none), `method`, `status`.
pub const HTTP_REQUESTS: &str = "everreach_http_requests_total";

const DISPATCH_BUCKETS: [f64; 5] = [0.1, 0.5, 1.0, 5.0, 30.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder, unless the process has one already. Calling it again does nothing.
pub fn install() {
    RECORDER.get_or_init(|| match try_install() {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "metrics go to the recorder that was here first; /metrics has none");
            None
        }
    });
}

fn try_install() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DISPATCH_DURATION.to_owned()), &DISPATCH_BUCKETS)?
        .install_recorder()?;
    metrics::describe_histogram!(DISPATCH_DURATION, metrics::Unit::Seconds, "Time from accepting a call to its envelope");
    metrics::describe_gauge!(CLOUD_COST, "Dollars spent or held for calls in the cloud since this process started");
    metrics::describe_gauge!(LOCAL_UPTIME, metrics::Unit::Seconds, "Seconds since this local process started");
    metrics::describe_gauge!(CLOUD_UPTIME, metrics::Unit::Seconds, "Seconds since this cloud process started");
    metrics::describe_gauge!(BUILD_INFO, "Always 1; the label says which version runs");
    metrics::describe_counter!(HTTP_REQUESTS, "Answered HTTP requests");
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Everything recorded so far; `None` when another recorder has it.
pub(crate) fn render(mode: Mode, uptime: Duration) -> Option<String> {
    let handle = RECORDER.get()?.as_ref()?;
    metrics::gauge!(if mode == Mode::Cloud { CLOUD_UPTIME } else { LOCAL_UPTIME }).set(uptime.as_secs_f64());
    handle.run_upkeep();
    Some(handle.render())
}

/// Folds what histograms have gathered; without it they grow until somebody scrapes.
pub(crate) fn upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// Counts an answered request.
pub(crate) fn count_request(route: Option<&str>, method: &Method, status: StatusCode) {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let route = route.map_or(std::borrow::Cow::Borrowed("other"), |route| route.to_owned().into());
    metrics::counter!(HTTP_REQUESTS, "route" => route, "method" => method, "status" => status.as_str().to_owned()).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_carries_the_published_names_and_buckets() {
        install();
        install();
        metrics::histogram!(DISPATCH_DURATION, "service" => "dm", "action" => "dm.stats", "env" => "local").record(0.2);
        count_request(Some("/dispatch"), &Method::POST, StatusCode::OK);
        let page = render(Mode::Local, Duration::from_secs(3)).expect("our own recorder");
        assert!(page.contains("everreach_local_uptime_sec 3"), "{page}");
        assert!(page.contains(r#"everreach_http_requests_total{route="/dispatch",method="POST",status="200"}"#), "{page}");
        assert!(page.contains("everreach_build_info{version="), "{page}");
        for bucket in ["0.1", "0.5", "1", "5", "30", "+Inf"] {
            assert!(
                page.contains(&format!(
                    r#"everreach_dispatch_duration_seconds_bucket{{service="dm",action="dm.stats",env="local",le="{bucket}"}}"#
                )),
                "{page}"
            );
        }
    }
}
