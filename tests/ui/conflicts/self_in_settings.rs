use memokit::memoize;

#[derive(serde::Serialize)]
struct Market {
    limit: usize,
}

impl Market {
    const LIMIT: usize = 5;

    #[memoize(max = Self::LIMIT)]
    fn quote(&self) -> usize {
        self.limit
    }

    #[memoize(max = self.limit)]
    fn limit(&self) -> usize {
        self.limit
    }
}

fn main() {}
