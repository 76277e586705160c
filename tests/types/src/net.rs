//! Addresses, and parts of requests.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use serde::{Deserialize, Serialize};

use crate::row::Row;
use crate::subject::value;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Headers(#[serde(with = "http_serde::header_map")] HeaderMap);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Address(#[serde(with = "http_serde::uri")] Uri);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Verb(#[serde(with = "http_serde::method")] Method);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Status(#[serde(with = "http_serde::status_code")] StatusCode);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Protocol(#[serde(with = "http_serde::version")] Version);

pub fn rows() -> Vec<Row> {
    [http_parts(), addresses()].into_iter().flatten().collect()
}

/// A header `a` whose value is secret or not.
fn header(sensitive: bool) -> Headers {
    let mut value = HeaderValue::from_static("1");
    value.set_sensitive(sensitive);
    Headers(HeaderMap::from_iter([(http::header::ACCEPT, value)]))
}

fn address(text: &'static str) -> Address {
    Address(Uri::from_static(text))
}

fn http_parts() -> Vec<Row> {
    vec![
        value("http_serde::header_map", || {
            [
                ("plain", header(false)),
                ("sensitive", header(true)),
                ("empty", Headers(HeaderMap::new())),
            ]
        })
        .way("serde does not show the sensitive mark: give it an argument of its own"),
        value("http_serde::uri", || {
            [
                ("http://a.b/c", address("http://a.b/c")),
                ("http://A.B/c", address("http://A.B/c")),
                ("other", address("http://a.b/d")),
            ]
        })
        .seen(|uri| uri.0.to_string())
        .way("`==` ignores the case of the host"),
        value("http_serde::method", || [("GET", Verb(Method::GET)), ("PUT", Verb(Method::PUT))])
            .row(),
        value("http_serde::status_code", || {
            [("200", Status(StatusCode::OK)), ("404", Status(StatusCode::NOT_FOUND))]
        })
        .row(),
        value("http_serde::version", || {
            [("1.1", Protocol(Version::HTTP_11)), ("2", Protocol(Version::HTTP_2))]
        })
        .row(),
    ]
}

/// Parses text that is known to be valid.
fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("valid text")
}

fn addresses() -> Vec<Row> {
    vec![
        value("url::Url", || {
            [
                ("http://a.b/", parsed::<url::Url>("http://a.b/")),
                ("HTTP://A.B:80", parsed("HTTP://A.B:80")),
                ("http://a.b/%61", parsed("http://a.b/%61")),
            ]
        })
        .way("normalized when it is parsed; `%61` stays as it is"),
        value("url::Host", || {
            let host = |text| url::Host::parse(text).expect("valid text");
            [("a.b", host("a.b")), ("A.b", host("A.b")), ("127.0.0.1", host("127.0.0.1"))]
        })
        .row(),
        value("ipnet::IpNet", || {
            [
                ("10.0.0.0/8", parsed::<ipnet::IpNet>("10.0.0.0/8")),
                ("10.0.0.1/8", parsed("10.0.0.1/8")),
            ]
        })
        .way("bits of the host count: `key = net.trunc()`"),
        value("ipnetwork::IpNetwork", || {
            [
                ("10.0.0.0/8", parsed::<ipnetwork::IpNetwork>("10.0.0.0/8")),
                ("10.0.0.1/8", parsed("10.0.0.1/8")),
            ]
        })
        .way("bits of the host count"),
        value("cidr::IpCidr", || {
            [
                ("10.0.0.0/8", parsed::<cidr::IpCidr>("10.0.0.0/8")),
                ("fe80::/10", parsed("fe80::/10")),
            ]
        })
        .row(),
        value("macaddr::MacAddr6", || {
            [
                ("1", macaddr::MacAddr6::new(0, 0, 0, 0, 0, 1)),
                ("2", macaddr::MacAddr6::new(0, 0, 0, 0, 0, 2)),
            ]
        })
        .row(),
        value("email_address::EmailAddress", || {
            [
                ("a@b.cc", parsed::<email_address::EmailAddress>("a@b.cc")),
                ("a@B.CC", parsed("a@B.CC")),
                ("c@b.cc", parsed("c@b.cc")),
            ]
        })
        .seen(ToString::to_string)
        .way("`==` ignores the case of the domain"),
    ]
}
