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

#[memoize(policy = "lfu")]
fn policy() {}

#[memoize(policy = "fifo")]
fn other_policy() {}

#[memoize(policy = "adaptve")]
fn mistyped_policy() {}

#[memoize(policy = adaptive)]
fn policy_without_quotes() {}

#[memoize(scope = "threads")]
fn scope() {}

#[memoize(scope = thread)]
fn scope_without_quotes() {}

#[memoize(jitter = 1.5)]
fn jitter() {}

#[memoize(in_impl = true)]
fn flag() {}

#[memoize(advise = true)]
fn valued_flag() {}

#[memoize(advice)]
fn other_flag() {}

#[memoize(cache_if = true)]
fn judged() {}

#[memoize(ttl_with = "5s")]
fn timed() {}

fn main() {}
