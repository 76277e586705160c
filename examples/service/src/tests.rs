//! Tests in one process that do not meet: each has a source of its own and an isolation. A runtime of one thread, as
//! `#[tokio::test]` makes it, may hold the guard across an `await`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use memokit::{clock, isolated};
use tokio::task::yield_now;
use tower::ServiceExt;

use crate::client::Client;
use crate::source::Source;
use crate::{fake, routes};

/// Returns the address of a new source, and the routes in front of it.
async fn start() -> (SocketAddr, Router) {
    let address = fake::start().await.unwrap();
    (address, routes::routes(Arc::new(Source { client: Client::new(address) })))
}

async fn request(service: &Router, method: &str, path: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn profile(service: &Router) -> String {
    request(service, "GET", "/users/7").await.1
}

#[tokio::test]
async fn a_change_reaches_the_profile() {
    let _isolated = isolated();
    let (_, service) = start().await;
    assert!(profile(&service).await.ends_with(r#""revision":1}"#));
    assert!(profile(&service).await.ends_with(r#""revision":1}"#));
    assert_eq!(request(&service, "POST", "/users/7/changed").await.0, StatusCode::NO_CONTENT);
    assert!(profile(&service).await.ends_with(r#""revision":2}"#));
}

#[tokio::test]
async fn a_newer_answer_is_fetched_behind_the_caller() {
    let _isolated = isolated();
    clock::pause();
    let (address, service) = start().await;
    let first = profile(&service).await;
    clock::advance(Duration::from_secs(61));
    assert_eq!(profile(&service).await, first);
    while Source::profile_memo().computing() > 0 {
        yield_now().await;
    }
    assert!(profile(&service).await.ends_with(r#""revision":2}"#));
    let asked: u64 = Client::new(address).ask("/asked".to_owned()).await.unwrap();
    assert_eq!(asked, 2);
}
