use memokit::memoize;

struct Connection;

#[memoize]
fn fetch(connection: &Connection, id: u32) -> u32 {
    let _ = connection;
    id
}

fn main() {}
