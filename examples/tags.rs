//! A shop whose baskets depend on products and users. Look at `tags`: a change takes out all that depends on it, in
//! every function, by one call.
//!
//!     cargo run --example tags

use memokit::{Tag, invalidate_tag, memoize};

#[memoize(max = 10_000, tags = [("product", product)])]
fn price(product: u32) -> u32 {
    println!("    price of product {product} is computed");
    product * 100
}

#[memoize(max = 1_000, tags = [("user", user)], tags_with = |basket| products_in(basket))]
fn basket(user: u32) -> Vec<(u32, u32)> {
    println!("    basket of user {user} is computed");
    [user, user + 1].into_iter().map(|product| (product, price(product))).collect()
}

/// What else a basket belongs to.
fn products_in(basket: &[(u32, u32)]) -> Vec<Tag> {
    basket.iter().map(|(product, _)| Tag::new(&("product", product))).collect()
}

fn show() {
    println!("  baskets: {:?} {:?}", basket(1), basket(2));
}

fn main() {
    println!("first:");
    show();
    println!("nothing has changed:");
    show();
    println!("product 1 has changed, which only user 1 has:");
    invalidate_tag(("product", 1));
    show();
    println!("user 2 has changed:");
    invalidate_tag(("user", 2));
    show();
    assert_eq!(basket_memo().stats().misses, 4);
}
