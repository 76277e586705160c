//! The store on real servers, which the tests start. Without `redis-server` they say so and pass.

mod access;
mod cluster;
mod failures;
mod fork;
mod proxy;
mod requests;
mod sentinel;
mod server;
mod tasks;
mod tier;
mod tls;
mod tracking;
mod watching;
