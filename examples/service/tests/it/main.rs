//! The example as its users and its operators meet it, over loopback.
#![cfg(unix)]

mod http;
mod service;

use std::thread;
use std::time::{Duration, Instant};

use service::Service;

const LONG: Duration = Duration::from_secs(600);

#[test]
fn callers_at_once_ask_the_source_once_and_a_change_reaches_all_functions() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), LONG);
    let answers: Vec<String> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| service.get("/users/7"))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers, [r#"{"user":7,"name":"user 7","revision":1}"#; 8]);
    assert!(service.get("/users/7/orders").starts_with(r#"[{"number":701,"revision":2}"#));
    service.get("/users/8");
    assert_eq!(service.asked(), 3);

    assert_eq!(service.request("POST", "/users/7/changed").0, 204);
    assert!(service.get("/users/7").ends_with(r#""revision":4}"#));
    assert!(service.get("/users/7/orders").contains(r#""revision":5}"#));
    assert!(service.get("/users/8").ends_with(r#""revision":3}"#), "another user");
}

#[test]
fn errors_are_not_kept_and_older_answers_stand_in() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), Duration::from_millis(300));
    service.let_source_fail(1);
    let (status, body) = service.request("GET", "/users/7");
    assert_eq!((status, &*body), (502, "the source failed: 503 Service Unavailable\n"));
    let answer = service.get("/users/7");
    assert!(answer.ends_with(r#""revision":2}"#), "{answer}");

    service.let_source_fail(u64::MAX);
    thread::sleep(Duration::from_millis(400));
    let end = Instant::now() + Duration::from_secs(60);
    while service.asked() < 4 {
        assert_eq!(service.get("/users/7"), answer, "while the source fails");
        assert!(Instant::now() < end, "the source is not asked again");
    }
    service.let_source_fail(0);
    while service.get("/users/7") == answer {
        assert!(Instant::now() < end, "the answer stays old");
    }
}

#[test]
fn answers_outlive_the_process_and_operators_see_the_caches() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), LONG);
    let answer = service.get("/users/7");
    assert_eq!(service.terminate(), "ended\n");

    let service = Service::start(directory.path(), LONG);
    assert_eq!(service.get("/users/7"), answer);
    assert_eq!(service.get("/users/7"), answer);
    assert_eq!(service.asked(), 0);
    let metrics = service.get("/metrics");
    let profile = |name: &str| {
        let start = format!("{name}{{cache=\"service_example::source::profile\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {start}in:\n{metrics}")).to_owned()
    };
    assert_eq!(
        (profile("memokit_disk_hits_total"), profile("memokit_hits_total")),
        ("1".into(), "2".into())
    );
    let page = service.get("/report");
    assert!(page.contains("</html>") && page.contains("source::profile"), "{page}");
}
