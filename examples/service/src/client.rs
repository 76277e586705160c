//! Requests to the source.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{LazyLock, OnceLock};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

/// Why the source did not answer.
pub(crate) struct Failed(String);

impl Failed {
    fn new(error: impl Display) -> Self {
        Self(format!("the source failed: {error}\n"))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, self.0).into_response()
    }
}

static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();

/// Says where the source is, once.
pub(crate) fn set_address(address: SocketAddr) {
    ADDRESS.set(address).expect("one source");
}

pub(crate) async fn ask<T: DeserializeOwned>(path: String) -> Result<T, Failed> {
    static CLIENT: LazyLock<Client<HttpConnector, Body>> =
        LazyLock::new(|| Client::builder(TokioExecutor::new()).build_http());
    let address = ADDRESS.get().expect("the source is set before the service starts");
    let uri = format!("http://{address}{path}").parse().map_err(Failed::new)?;
    let answer = CLIENT.get(uri).await.map_err(Failed::new)?;
    if !answer.status().is_success() {
        return Err(Failed::new(answer.status()));
    }
    let body = answer.into_body().collect().await.map_err(Failed::new)?;
    serde_json::from_slice(&body.to_bytes()).map_err(Failed::new)
}
