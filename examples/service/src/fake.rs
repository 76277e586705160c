//! A source of users and orders, as another team would run it: it takes 100 ms, counts its revisions, and fails when it
//! is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use std::{future, io};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::source::{Order, Profile};

#[derive(Default)]
struct Fake {
    asked: AtomicU64,
    failures: AtomicU64,
}

/// Starts a source on a port that the system chooses, and returns its address.
pub(crate) async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/profile/{user}", get(profile))
        .route("/orders/{user}", get(orders))
        .route("/asked", get(asked))
        .route("/fail/{times}", post(fail))
        .with_state(Arc::default());
    tokio::spawn(future::IntoFuture::into_future(axum::serve(listener, routes)));
    Ok(address)
}

async fn profile(
    fake: State<Arc<Fake>>,
    Path(user): Path<u64>,
) -> Result<Json<Profile>, StatusCode> {
    let revision = fake.answer().await?;
    Ok(Json(Profile { user, name: format!("user {user}"), revision }))
}

async fn orders(
    fake: State<Arc<Fake>>,
    Path(user): Path<u64>,
) -> Result<Json<Vec<Order>>, StatusCode> {
    let revision = fake.answer().await?;
    let order = |number| Order { number: user * 100 + number, revision };
    Ok(Json((1..=3).map(order).collect()))
}

async fn asked(fake: State<Arc<Fake>>) -> String {
    fake.asked.load(Relaxed).to_string()
}

/// The next requests fail.
async fn fail(fake: State<Arc<Fake>>, Path(times): Path<u64>) {
    fake.failures.store(times, Relaxed);
}

impl Fake {
    /// Returns how often the source was asked.
    async fn answer(&self) -> Result<u64, StatusCode> {
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        sleep(Duration::from_millis(100)).await;
        match self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
            Err(_) => Ok(asked),
        }
    }
}
