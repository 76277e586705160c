//! Methods, associated functions and the functions of a trait. Look at what makes the key of each: `self` is a part of
//! it like any argument, unless `skip` or `key` says otherwise. A cache in each object: see `objects.rs`.
//!
//!     cargo run --example methods

use memokit::{companions, memoize};
use serde::Serialize;

#[derive(Serialize)]
struct Shop {
    discount: u32,
    /// Serde does not show it, so it is in no key.
    #[serde(skip)]
    log: Vec<String>,
}

impl Shop {
    /// `self` and `article` make the key: shops with the same discount share results.
    #[memoize]
    fn price(&self, article: u32) -> u32 {
        println!("  price of {article} at {} %", 100 - self.discount);
        article * (100 - self.discount)
    }

    /// `self` is not in the key, because the weight of an article is the same in all shops.
    #[memoize(skip(self))]
    fn weight(&self, article: u32) -> u32 {
        println!("  weight of {article}, written to a log of {} lines", self.log.len());
        article * 250
    }

    /// No `self` at all.
    #[memoize]
    fn name(article: u32) -> String {
        println!("  name of {article}");
        format!("article {article}")
    }
}

trait Summary {
    fn summary(&self, articles: &[u32]) -> u32;
}

/// In the impl of a trait there is no place for `summary_memo` and `summary_key`. `#[companions]` puts them beside it.
#[companions]
impl Summary for Shop {
    #[memoize]
    fn summary(&self, articles: &[u32]) -> u32 {
        println!("  summary of {articles:?}");
        articles.iter().map(|article| self.price(*article)).sum()
    }
}

fn main() {
    let shops = [10, 10, 20].map(|discount| Shop { discount, log: Vec::new() });
    for shop in &shops {
        println!("{} cents, {} g, {}", shop.price(7), shop.weight(7), Shop::name(7));
    }
    println!("{}, then {}", shops[0].summary(&[7, 8]), shops[1].summary(&[7, 8]));
    println!("{} hit", Shop::summary_memo().stats().hits);
}
