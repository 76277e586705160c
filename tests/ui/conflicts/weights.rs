use memokit::memoize;

#[memoize(weigh = |text: &String| text.len())]
fn unbounded(n: u32) -> String {
    n.to_string()
}

struct Quotes {
    limit: u64,
}

impl Quotes {
    #[memoize(skip(self), max_bytes = self.limit, weigh = |text| text.len() + self.limit as usize)]
    fn quote(&self, n: u32) -> String {
        n.to_string()
    }
}

fn main() {}
