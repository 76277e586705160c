use memokit::memoize;

#[memoize(key = text.into_bytes())]
fn moved(text: String) -> usize {
    text.len()
}

#[memoize(key = { let all = text; all.len() })]
async fn moved_by_a_task(text: String) -> usize {
    text.len()
}

#[memoize(key = { list.clear(); list.len() })]
fn changed(list: Vec<u32>) -> usize {
    list.len()
}

fn main() {}
