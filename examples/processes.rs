//! Many processes, one directory. The program starts itself four times, and each of the four asks for the same three
//! results at the same time. Look at the number of computations: whoever comes first computes, the others wait for it.
//!
//!     cargo run --example processes

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use memokit::memoize;

#[memoize(persist = directory())]
fn square(n: u64) -> u64 {
    sleep(Duration::from_millis(200));
    n * n
}

/// The parent names it.
fn directory() -> PathBuf {
    env::args_os().nth(1).map(PathBuf::from).expect("the first argument is the directory")
}

fn child() {
    assert_eq!([1, 2, 3].map(square), [1, 4, 9]);
    println!("{}", square_memo().stats().misses);
}

fn parent() -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let start = || {
        let mut child = Command::new(env::current_exe()?);
        child.arg(directory.path()).stdout(Stdio::piped()).spawn()
    };
    let children = (0..4).map(|_| start()).collect::<io::Result<Vec<_>>>()?;
    let mut computed = 0;
    for child in children {
        let output = child.wait_with_output()?;
        let misses = String::from_utf8_lossy(&output.stdout).trim().parse::<u32>();
        computed += misses.map_err(io::Error::other)?;
    }
    println!("4 processes, 12 calls, {computed} computations");
    Ok(())
}

fn main() -> io::Result<()> {
    if env::args_os().len() == 1 {
        return parent();
    }
    child();
    Ok(())
}
