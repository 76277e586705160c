//! A service whose cache is seen from outside: `/metrics` is what Prometheus reads, `/explain/NAME` says how a key
//! stands, and the log has the spans of computations and the events of the cache. Its argument is the port.

use std::convert::Infallible;
use std::error::Error;
use std::io::stderr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use memokit::memoize;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Looks a name up somewhere slow.
#[memoize(name = "greeting", max = 100, ttl = "1m", explain)]
async fn greeting(name: &str) -> String {
    sleep(Duration::from_millis(20)).await;
    format!("Hello {name}")
}

async fn greet(Path(name): Path<String>) -> String {
    greeting(&name).await
}

async fn explain(Path(name): Path<String>) -> String {
    greeting_memo().explain(&greeting_key(&name)).to_string()
}

/// What Prometheus reads. The statistics are published now and not by each call.
async fn metrics(State(prometheus): State<PrometheusHandle>) -> String {
    memokit::metrics::record();
    prometheus.render()
}

/// Without buckets, the exporter would make summaries of histograms.
fn prometheus() -> Result<PrometheusHandle, Box<dyn Error>> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let buckets = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0];
    Ok(PrometheusBuilder::new().set_buckets_for_metric(seconds, &buckets)?.install_recorder()?)
}

#[tokio::main]
async fn main() -> Result<Infallible, Box<dyn Error>> {
    // Try `RUST_LOG=memokit=debug`.
    let filter = EnvFilter::from_default_env();
    let log = tracing_subscriber::fmt().with_writer(stderr).with_env_filter(filter);
    log.with_span_events(FmtSpan::CLOSE).init();
    let port = std::env::args().nth(1).map_or(Ok(3000), |port| port.parse())?;
    let routes = Router::new()
        .route("/hello/{name}", get(greet))
        .route("/explain/{name}", get(explain))
        .route("/metrics", get(metrics))
        .with_state(prometheus()?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Err("the server has ended".into())
}
