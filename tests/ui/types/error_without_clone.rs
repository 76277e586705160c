use memokit::memoize;

#[memoize(cache_err)]
fn read(path: &str) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

fn main() {}
