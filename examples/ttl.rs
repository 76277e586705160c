//! How long a result is kept. Look at the three attributes, and at which calls compute as the time goes on.
//!
//!     cargo run --example ttl

use std::time::Duration;

use memokit::{clock, memoize};

/// From its computation on.
#[memoize(ttl = "30s")]
fn price(article: u32) -> u32 {
    print!("  price");
    100 * article
}

/// As long as the result itself says.
#[memoize(ttl_with = |token: &Token| Some(token.lifetime))]
fn token(user: &str) -> Token {
    print!("  token");
    Token { text: format!("token of {user}"), lifetime: Duration::from_secs(60) }
}

#[derive(Clone)]
struct Token {
    text: String,
    lifetime: Duration,
}

/// From its last use on.
#[memoize(idle = "45s")]
fn session(user: &str) -> String {
    print!("  session");
    format!("session of {user}")
}

fn main() {
    // The clock of an isolation can be moved, so that nobody has to wait. The feature `test-util` has it.
    let _isolated = memokit::isolated();
    clock::pause();
    let mut now = 0;
    for seconds in [0, 25, 50, 75, 125, 150] {
        clock::advance(Duration::from_secs(seconds - now));
        now = seconds;
        print!("{seconds:>3} s, computed:");
        let held = (price(7), token("Ann").text, session("Ann"));
        assert_eq!(held, (700, "token of Ann".to_owned(), "session of Ann".to_owned()));
        println!();
    }
}
