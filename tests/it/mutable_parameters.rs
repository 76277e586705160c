//! Parameters behind `&mut` that are no part of the key.

use memokit::memoize;

struct Client {
    requests: u32,
}

impl Client {
    fn get(&mut self, page: u32) -> u32 {
        self.requests += 1;
        page * 2
    }
}

#[memoize(skip(client))]
fn skipped(client: &mut Client, page: u32) -> u32 {
    client.get(page)
}

#[memoize(key = page)]
fn beside_a_key(mut client: &mut Client, page: u32) -> Result<u32, String> {
    client = &mut *client;
    Ok(client.get(page))
}

#[memoize(skip(client))]
async fn skipped_async(client: &mut Client, page: u32) -> u32 {
    std::future::ready(()).await;
    client.get(page)
}

#[memoize(skip(source))]
fn generic(source: &mut impl Iterator<Item = u32>, page: u32) -> u32 {
    source.next().unwrap_or_default() + page
}

struct Pages {
    client: Client,
}

impl Pages {
    #[memoize(skip(self))]
    fn page(&mut self, page: u32) -> u32 {
        self.client.get(page)
    }

    #[memoize(key = page)]
    async fn page_async(&mut self, page: u32) -> u32 {
        self.client.get(page)
    }
}

#[test]
fn skipped_mutable_references_reach_the_body_on_misses_only() {
    let mut client = Client { requests: 0 };
    assert_eq!([skipped(&mut client, 1), skipped(&mut client, 1)], [2, 2]);
    assert_eq!(client.requests, 1);
    assert_eq!(skipped(&mut Client { requests: 0 }, 1), 2);
    assert_eq!(skipped_memo().stats().misses, 1);
    assert_eq!(skipped_uncached(&mut client, 1), 2);
    assert_eq!(client.requests, 2);
    assert!(skipped_memo().get(&skipped_key(1)).is_some());
}

#[test]
fn a_key_may_leave_mutable_references_out() {
    let mut client = Client { requests: 0 };
    assert_eq!(beside_a_key(&mut client, 3), Ok(6));
    assert_eq!(beside_a_key(&mut client, 3), Ok(6));
    assert_eq!(client.requests, 1);
}

#[test]
fn async_functions_may_skip_mutable_references() {
    let mut client = Client { requests: 0 };
    assert_eq!(smol::block_on(skipped_async(&mut client, 2)), 4);
    assert_eq!(smol::block_on(skipped_async(&mut client, 2)), 4);
    assert_eq!(client.requests, 1);
}

#[test]
fn a_skipped_mutable_reference_may_be_of_any_type() {
    let mut numbers = 5..;
    assert_eq!(generic(&mut numbers, 1), 6);
    assert_eq!(generic(&mut numbers, 1), 6);
    assert_eq!(numbers.next(), Some(6));
}

#[test]
fn a_method_may_skip_a_mutable_self() {
    let mut pages = Pages { client: Client { requests: 0 } };
    assert_eq!([pages.page(4), pages.page(4)], [8, 8]);
    assert_eq!(smol::block_on(pages.page_async(5)), 10);
    assert_eq!(smol::block_on(pages.page_async(5)), 10);
    assert_eq!(pages.client.requests, 2);
}
