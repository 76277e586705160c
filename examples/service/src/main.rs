//! A service in front of a slow source that fails at times. Look at source.rs, which has the two memoized methods with
//! their settings, at `changed` in routes.rs, which invalidates what both hold of a user, and at the end of `main`,
//! which flushes. tests.rs tests it within the process. README.md has commands that show it.

mod client;
mod fake;
mod metrics;
mod routes;
#[path = "../../shared/src/shutdown.rs"]
mod shutdown;
mod source;
#[cfg(test)]
mod tests;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use memokit::Session;
use tokio::net::TcpListener;

use client::Client;
use source::Source;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let session = Session::new();
    let address = fake::start().await?;
    println!("the source is http://{address}");
    let source = Arc::new(Source { client: Client::new(address) });

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/metrics", get(metrics::render))
        .with_state(metrics::install()?)
        .merge(routes::routes(source));
    axum::serve(listener, routes).with_graceful_shutdown(shutdown::signalled()).await?;
    // All that was computed and invalidated is on disk then, or the program says why not.
    session.end()?;
    println!("ended");
    Ok(())
}
