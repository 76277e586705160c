use memokit::memoize;

#[memoize]
fn moved(text: String) -> String {
    let first = text;
    drop(text);
    first
}

#[memoize]
fn borrowed(n: u32) -> u32 {
    let mut list = vec![n];
    let first = &list[0];
    list.push(1);
    *first
}

#[memoize]
fn assigned(n: u32) -> u32 {
    n += 1;
    n
}

#[memoize]
fn returned(n: u32) -> &'static u32 {
    &n
}

#[memoize]
fn moved_out(text: &String) -> String {
    *text
}

struct Shop;

impl Shop {
    #[memoize(skip(self))]
    fn method(&self, text: String) -> String {
        drop(text);
        text
    }
}

#[memoize]
async fn task(text: String) -> String {
    drop(text);
    text
}

fn main() {}
