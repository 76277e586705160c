//! The statistics of all caches, as Prometheus reads them.

use axum::extract::State;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Without buckets, the exporter would make summaries of histograms.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let buckets = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0];
    PrometheusBuilder::new().set_buckets_for_metric(seconds, &buckets)?.install_recorder()
}

/// The statistics are published now and not by each call.
pub(crate) async fn render(State(prometheus): State<PrometheusHandle>) -> String {
    memokit::metrics::record();
    prometheus.render()
}
