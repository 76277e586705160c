//! Writes a page that shows what the caches of a program do. Look at the page:
//! `cargo run --example report --features report -- page.html`

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use memokit::memoize;

#[memoize(max = 300, advise)]
fn price(article: u64) -> f64 {
    work(200);
    article as f64 * 1.19
}

#[memoize(ttl = "50ms", max = 1000, stale = "1s")]
fn weather(city: &str) -> String {
    work(3000);
    format!("{city}: {} degrees", number(city) % 30)
}

#[memoize(max_bytes = "64KiB")]
fn thumbnail(path: &str, width: u32) -> Vec<u8> {
    work(1500);
    (0..number(path) % 4000 + u64::from(width)).map(|_| 0).collect()
}

#[memoize(max = 100, persist = std::env::temp_dir().join("memokit-example-report"))]
fn parsed(text: &str) -> Result<HashMap<String, u32>, String> {
    work(800);
    let pairs = text.split(',').map(|pair| pair.split_once('=').ok_or("no `=`"));
    let pair = |pair: Result<(&str, &str), &str>| {
        let (name, value) = pair?;
        Ok((name.to_owned(), value.parse().map_err(|_| format!("{value} is no number"))?))
    };
    pairs.map(pair).collect()
}

/// Stands for what a function does that takes its time.
fn work(micros: u64) {
    let end = Instant::now() + Duration::from_micros(micros);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn number(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    hash.finish()
}

fn main() -> std::io::Result<()> {
    memokit::sample_every(Duration::from_secs(1));
    let seconds = std::env::var("SECONDS_TO_RUN").map_or(4, |text| text.parse().unwrap_or(4));
    let (began, mut n) = (Instant::now(), 0_u64);
    let mut cities = ["Oslo", "Lima", "Rome", "<Cairo>"].into_iter().cycle();
    while began.elapsed() < Duration::from_secs(seconds) {
        n += 1;
        // Some articles are asked for much more often than others.
        let article = number(&n.to_string()) % (1 + number(&(n / 3).to_string()) % 1000);
        price(article);
        weather(cities.next().expect("they never end"));
        if n % 10 == 0 {
            thumbnail(&format!("/photos/{}.png", article % 60), 64);
        }
        if n % 7 == 0 {
            let _ = parsed(&format!("a={},b={}", article % 20, n % 5));
            let _ = parsed("a=1,b");
        }
    }
    let report = memokit::report();
    let page = std::env::args_os().nth(1).map(PathBuf::from);
    let page = page.unwrap_or_else(|| std::env::temp_dir().join("memokit-report.html"));
    std::fs::write(&page, report.to_html())?;
    println!("{report}\n\nwritten: {}", page.display());
    Ok(())
}
