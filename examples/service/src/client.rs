//! Requests to the source.

use std::fmt::Display;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

/// Why the source did not answer.
#[derive(Debug)]
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

/// Asks at one address.
pub(crate) struct Client {
    address: SocketAddr,
    http: legacy::Client<HttpConnector, Body>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, http: legacy::Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: String) -> Result<T, Failed> {
        let uri = format!("http://{}{path}", self.address).parse().map_err(Failed::new)?;
        let answer = self.http.get(uri).await.map_err(Failed::new)?;
        if !answer.status().is_success() {
            return Err(Failed::new(answer.status()));
        }
        let body = answer.into_body().collect().await.map_err(Failed::new)?;
        serde_json::from_slice(&body.to_bytes()).map_err(Failed::new)
    }
}
