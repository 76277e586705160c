use memokit::memoize;

#[memoize(persist = "words")]
fn word(n: u8) -> &'static str {
    if n == 0 { "none" } else { "some" }
}

#[memoize(persist = "words")]
fn words(n: u8) -> Result<Vec<&'static str>, &'static str> {
    if n == 0 { Err("none") } else { Ok(vec!["some"]) }
}

fn main() {}
