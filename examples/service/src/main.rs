//! A service in front of a slow source that fails at times. Look at source.rs, which has the two memoized functions
//! with their settings, at `changed` here, which invalidates what both hold of a user, and at the end of `main`, which
//! flushes. README.md has commands that show it.

mod client;
mod fake;
mod metrics;
#[path = "../../shared/src/shutdown.rs"]
mod shutdown;
mod source;

use std::env;
use std::error::Error;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use memokit::Session;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use client::Failed;
use source::{Order, Profile};

async fn profile(Path(user): Path<u64>) -> Result<Json<Profile>, Failed> {
    source::profile(user).await.map(Json)
}

async fn orders(Path(user): Path<u64>) -> Result<Json<Vec<Order>>, Failed> {
    source::orders(user).await.map(Json)
}

/// What the owner of the data calls after a change. The removal is on disk when this answers.
async fn changed(Path(user): Path<u64>) -> StatusCode {
    let removal = spawn_blocking(move || memokit::invalidate_tag(("user", user)));
    if removal.await.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// The page shows no arguments: a user's number is nobody else's business.
async fn report() -> Html<String> {
    Html(memokit::report().without_keys().to_html())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let session = Session::new();
    let fake = TcpListener::bind("127.0.0.1:0").await?;
    println!("the source is http://{}", fake.local_addr()?);
    client::set_address(fake.local_addr()?);
    tokio::spawn(async { axum::serve(fake, fake::routes()).await });

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/users/{user}", get(profile))
        .route("/users/{user}/orders", get(orders))
        .route("/users/{user}/changed", post(changed))
        .route("/report", get(report))
        .route("/metrics", get(metrics::render))
        .with_state(metrics::install()?);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown::signalled()).await?;
    // All that was computed and invalidated is on disk then, or the program says why not.
    session.end()?;
    println!("ended");
    Ok(())
}
