//! Results on disk. Run it twice, and look at the source of each result. Then kill it while it computes, and run it
//! again: what it has printed is there.
//!
//!     cargo run --example persist

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use memokit::{memoize, outcome};
use serde::{Deserialize, Serialize};

/// What is stored needs both traits of serde.
#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    text: String,
    words: usize,
}

/// `"target/answers"` would do as well; an expression is evaluated once, at the first call.
#[memoize(persist = directory(), max = 10_000)]
fn answer(question: &str) -> Result<Answer, String> {
    sleep(Duration::from_millis(200));
    let words = question.split_whitespace().count();
    if words == 0 {
        Err("no question".to_owned())
    } else {
        Ok(Answer { text: "42".to_owned(), words })
    }
}

fn directory() -> PathBuf {
    std::env::temp_dir().join("memokit-example-persist")
}

fn main() {
    for question in ["What is the answer?", "And to everything?", ""] {
        let found = outcome(|| answer(question));
        let source = found.source().expect("it is the value of a memoized function");
        match found.into_value() {
            Ok(Answer { text, words }) => println!("{source:?}: {question} {text} ({words} words)"),
            Err(error) => println!("{source:?}: {error}"),
        }
    }
    // A disk that fails never fails a call. Who wants to know asks.
    match answer_memo().health() {
        Ok(()) => println!("all is stored"),
        Err(error) => println!("nothing is stored: {error}"),
    }
}
