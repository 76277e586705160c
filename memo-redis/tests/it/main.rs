//! The store on real servers, which the tests start. Without `redis-server` they say so and pass.

mod failures;
mod fork;
mod proxy;
mod requests;
mod server;
mod tracking;
mod watching;
