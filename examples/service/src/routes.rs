//! What the service answers to its users.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::task::spawn_blocking;

use crate::client::Failed;
use crate::source::{Order, Profile, Source};

pub(crate) fn routes(source: Arc<Source>) -> Router {
    Router::new()
        .route("/users/{user}", get(profile))
        .route("/users/{user}/orders", get(orders))
        .route("/users/{user}/changed", post(changed))
        .route("/report", get(report))
        .with_state(source)
}

async fn profile(
    State(source): State<Arc<Source>>,
    Path(user): Path<u64>,
) -> Result<Json<Profile>, Failed> {
    source.profile(user).await.map(Json)
}

async fn orders(
    State(source): State<Arc<Source>>,
    Path(user): Path<u64>,
) -> Result<Json<Vec<Order>>, Failed> {
    source.orders(user).await.map(Json)
}

/// What the owner of the data calls after a change. The removal is on disk when this answers. `inherit` takes the
/// isolation of a test along, which another thread would not be in.
async fn changed(Path(user): Path<u64>) -> StatusCode {
    let removal = memokit::inherit(move || memokit::invalidate_tag(("user", user)));
    let removed = spawn_blocking(removal).await;
    if removed.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// The page shows no arguments: a user's number is nobody else's business.
async fn report() -> Html<String> {
    Html(memokit::report().without_keys().to_html())
}
