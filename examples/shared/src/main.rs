//! A service whose processes share prices by a Redis server. Look at price.rs, which has the memoized function with its
//! settings and the tier, and at `invalidate` and the end of `main` here. README.md has commands that show what two
//! processes share.

mod price;
mod shutdown;

use std::env;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use memokit::Session;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use price::{ASKED, PORT, Price, price, price_key, price_memo, redis};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    price: Price,
    source: String,
    process: u16,
}

async fn show(Path(product): Path<u64>) -> Result<Json<Answer>, (StatusCode, &'static str)> {
    let outcome = memokit::outcome_async(price(product)).await;
    let source = outcome.source().map(|source| format!("{source:?}")).unwrap_or_default();
    let price = outcome.into_value().map_err(|error| (StatusCode::NOT_FOUND, error))?;
    Ok(Json(Answer { price, source, process: PORT.load(Relaxed) }))
}

/// This waits until the server has removed the price, for at most `remote_limit`, so not on a thread that runs tasks.
async fn invalidate(Path(product): Path<u64>) -> StatusCode {
    let removal = spawn_blocking(move || price_memo().invalidate(&price_key(product)));
    if removal.await.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

async fn stats() -> String {
    let (asked, stats) = (ASKED.load(Relaxed), price_memo().stats());
    let (read, written) = (stats.remote_hits, stats.remote_writes);
    let table = memokit::report();
    format!("upstream asked {asked}, read from redis {read}, written there {written}\n{table}\n")
}

/// The service is well without Redis too, so this is never an error.
async fn health() -> String {
    price_memo().health().map_or_else(|error| format!("{error}\n"), |()| "ok\n".to_owned())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let session = Session::new();
    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = env::args().nth(1).or_else(|| env::var("PORT").ok());
    let listener =
        TcpListener::bind(format!("{host}:{}", port.as_deref().unwrap_or("8081"))).await?;
    PORT.store(listener.local_addr()?.port(), Relaxed);
    // Connects now and not at the first request.
    let _tier = redis();
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/price/{product}", get(show))
        .route("/price/{product}/invalidate", post(invalidate))
        .route("/stats", get(stats))
        .route("/health", get(health));
    axum::serve(listener, routes).with_graceful_shutdown(shutdown::signalled()).await?;
    // All that was computed and invalidated is at the server then.
    session.end().map_err(io::Error::other)
}
