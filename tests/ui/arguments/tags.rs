use memokit::memoize;

struct Plain;

#[memoize(tags = "user")]
fn text(user: u32) -> u32 {
    user
}

#[memoize(tags = ("user", user))]
fn tuple(user: u32) -> u32 {
    user
}

#[memoize(skip(user), tags = [("user", user)])]
fn skipped(user: u32, n: u32) -> u32 {
    user + n
}

#[memoize(key = n, tags = [("user", user)])]
fn no_part_of_the_key(user: u32, n: u32) -> u32 {
    user + n
}

#[memoize(tags = [Plain])]
fn no_tag(n: u32) -> u32 {
    n
}

#[memoize(tags = n)]
fn no_tags(n: u32) -> u32 {
    n
}

#[memoize(tags_with = |n| [n])]
fn no_tags_of_the_result(n: u32) -> u32 {
    n
}

#[memoize(tag = [n])]
fn misspelt(n: u32) -> u32 {
    n
}

fn main() {}
