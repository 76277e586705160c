use memokit::memoize;

#[memoize(persist = "")]
fn nowhere() {}

#[memoize(persist = 5)]
fn numbered() {}

#[memoize(persist = "cache", durability = "allways")]
fn slip() {}

#[memoize(persist = "cache", durability = "fsync")]
fn stranger() {}

#[memoize(persist = "cache", durability = always)]
fn unquoted() {}

#[memoize(name = "")]
fn nameless() {}

#[memoize(name = quotes)]
fn unquoted_name() {}

#[memoize(companion = "quote")]
fn quoted_companion() {}

#[memoize(crate = "memokit")]
fn quoted_crate() {}

fn main() {}
