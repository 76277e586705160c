use memokit::memoize;

#[memoize(max_bytes = limit())]
fn sized(n: u32) -> String {
    n.to_string()
}

fn limit() -> usize {
    30
}

#[memoize(max_bytes = "1MiB", weigh = |text: &u32| *text as usize)]
fn weighed(n: u32) -> String {
    n.to_string()
}

fn main() {}
