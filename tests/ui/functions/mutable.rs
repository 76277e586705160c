use memokit::memoize;

#[memoize]
fn argument(list: &mut Vec<u32>, maybe: Option<&mut u32>) -> usize {
    list.len() + maybe.is_some() as usize
}

struct Counter(u32);

impl Counter {
    #[memoize]
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }

    #[memoize]
    fn pinned(self: std::pin::Pin<&mut Self>) -> u32 {
        self.0
    }
}

fn main() {}
