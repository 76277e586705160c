//! A tier of memokit that machines share: Redis, Valkey and what speaks their protocol.

mod answer;
mod builder;
#[cfg(feature = "tls-rustls")]
mod certificates;
mod cluster;
mod connection;
mod error;
mod events;
mod finder;
mod guard;
mod health;
mod links;
mod names;
mod query;
mod random;
mod redis;
mod script;
mod session;
mod settings;
mod signals;
mod source;
mod store;
mod thread;
mod topology;
mod tracker;

pub use self::builder::Builder;
pub use self::redis::Redis;
pub use self::store::RedisStore;
