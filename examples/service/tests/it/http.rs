//! A client that speaks enough HTTP for the tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Returns the status and the body of an answer.
pub(crate) fn request(address: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    (status.and_then(|status| status.parse().ok()).expect(head), body.to_owned())
}
