use memokit::memoize;

#[memoize]
fn found(n: u32) -> Result<Missing, String> {
    Err(n.to_string())
}

#[memoize]
fn plain(n: u32) -> Missing {
    loop {}
}

fn main() {}
