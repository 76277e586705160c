//! A source of users and orders, as another team would run it: it takes 100 ms, counts its revisions, and fails when it
//! is told to.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::time::sleep;

use crate::source::{Order, Profile};

static ASKED: AtomicU64 = AtomicU64::new(0);
static FAILURES: AtomicU64 = AtomicU64::new(0);

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/profile/{user}", get(profile))
        .route("/orders/{user}", get(orders))
        .route("/asked", get(async || ASKED.load(Relaxed).to_string()))
        .route("/fail/{times}", post(fail))
}

async fn profile(Path(user): Path<u64>) -> Result<Json<Profile>, StatusCode> {
    let revision = answer().await?;
    Ok(Json(Profile { user, name: format!("user {user}"), revision }))
}

async fn orders(Path(user): Path<u64>) -> Result<Json<Vec<Order>>, StatusCode> {
    let revision = answer().await?;
    let order = |number| Order { number: user * 100 + number, revision };
    Ok(Json((1..=3).map(order).collect()))
}

/// The next requests fail.
async fn fail(Path(times): Path<u64>) {
    FAILURES.store(times, Relaxed);
}

/// Returns how often the source was asked.
async fn answer() -> Result<u64, StatusCode> {
    let asked = ASKED.fetch_add(1, Relaxed) + 1;
    sleep(Duration::from_millis(100)).await;
    match FAILURES.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
        Err(_) => Ok(asked),
    }
}
