//! Redis, Valkey and what speaks their protocol, as a tier of memokit that machines share.
//!
//! ```no_run
//! use std::sync::LazyLock;
//!
//! use memo_redis::Redis;
//! use memokit::memoize;
//! use memokit::remote::Tier;
//!
//! static TIER: LazyLock<Tier> = LazyLock::new(|| Redis::connect("redis://cache.internal"));
//!
//! #[memoize(ttl = "10m", remote = TIER.clone())]
//! fn price(article: u64) -> f64 {
//!     // slow
//! #   article as f64
//! }
//! ```
//!
//! [`Redis::builder`] has the settings: [`Builder::sentinel`], [`Builder::cluster`], certificates, a user, and what the
//! tier does.
//!
//! # Servers
//!
//! Redis from 6.0 on, and Valkey, with RESP3. Tested with Redis 7.0. Replicas are not read.
//!
//! A user needs no more than this, with the namespace in place of `default`:
//!
//! ```text
//! resetchannels ~memokit:default:* -@all +get +set +del +pttl +pexpire +getrange
//! +eval +evalsha +client|tracking
//! ```
//!
//! A cluster needs `+cluster|nodes +asking` besides. With `+client|trackinginfo`, which Redis has since 6.2,
//! a server is asked whether it still tells what changes; without, a key that is written and removed at each
//! [heartbeat](Builder::heartbeat) shows it. With `+info` it is also noticed if a proxy leads to another server.
//!
//! When the memory of the server is full (`maxmemory` with `noeviction`), results are not stored, and what is
//! invalidated is removed all the same. With an eviction policy, a generation that is evicted makes the results of its
//! function misses. `maxmemory-clients` keeps a machine that does not read what it is told, such as one that was
//! stopped, from filling the memory of the server.
//!
//! # Connections
//!
//! One thread of each [`Tier`](memo_core::remote::Tier), `memokit-redis`, has all connections, two to each master: one
//! for requests, which share round trips, and one by which the server tells what changes (`CLIENT TRACKING` with
//! `BCAST`). Threads that wait for an answer anyway have more ([`Builder::pool`]), and so has each tokio runtime whose
//! tasks ask ([`Builder::on_runtimes`]), up to 64 of them; both if the server tells by `INFO` which one it is. Changes
//! count as told only once a key that was written by the one was told by the other. They count as missed as soon as
//! either connection ends, the server becomes a replica, a cluster or sentinels name other masters, or the server has
//! not answered on the second for two heartbeats. Then all is connected anew, as long as it takes: after 50 ms, then
//! after twice as long each time, up to 5 s, less a random part. What fails while there is no connection costs a
//! computation and no more.
//!
//! A process that was forked uses no connection of its parent. It connects for itself at its first request.
//!
//! # What is not guaranteed
//!
//! A server answers that it has written before other machines know: they return the former result for one way over
//! the network, and for two heartbeats (1 s) if their connection is lost in silence. A failover may lose what was
//! written and invalidated last, because replicas follow behind. A master that is cut off from its cluster or its
//! sentinels serves those who still reach it until it notices.

mod blocking;
mod builder;
#[cfg(feature = "tls-rustls")]
mod certificates;
mod connection;
mod error;
mod links;
mod local;
mod masters;
mod random;
mod redis;
mod requests;
mod sessions;
mod store;
mod thread;

pub use self::builder::Builder;
pub use self::redis::Redis;
pub use self::store::RedisStore;
