//! What the store asks of a server about a key, as commands and scripts.

use std::time::Duration;

use memo_core::remote::{Lease, Put, Token};
use redis::{Cmd, Pipeline};

use super::names;
use super::script::{self, Script};

/// A question about the keys of one slot.
pub(crate) struct Query {
    /// It decides which node of a cluster is asked.
    pub(crate) key: String,
    body: Body,
}

enum Body {
    Commands(Vec<Cmd>),
    Script { script: &'static Script, keys: Vec<String>, arguments: Vec<Vec<u8>> },
}

/// How a query is put into commands.
#[derive(Clone, Copy, Default)]
pub(crate) struct Form {
    /// With the text of the script: the server does not know its hash.
    pub(crate) in_full: bool,
    /// For the node that is being given the slot. It answers only whoever says that he knows.
    pub(crate) asking: bool,
}

/// Times longer than this are this long: the server adds them to its clock. A hundred years.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

impl Query {
    /// Is answered by the bytes and by the milliseconds that they have left. Both are not one step: a replacement in
    /// between is pushed to whoever watches.
    pub(crate) fn get(entry: &str) -> Self {
        let command = |name| redis::cmd(name).arg(entry).take();
        Self { key: entry.to_owned(), body: Body::Commands(vec![command("GET"), command("PTTL")]) }
    }

    pub(crate) fn lease(entry: &str, lease: Lease) -> Self {
        let void = lease.void.unwrap_or_default();
        Self::of_entry(entry, &script::LEASE, vec![token(lease.token), time(lease.time), void])
    }

    pub(crate) fn head(entry: &str, len: usize) -> Self {
        // A range ends with its last byte, and -1 is the last one of all.
        let (first, last) = if len == 0 { (1, 0) } else { (0, len - 1) };
        let command = redis::cmd("GETRANGE").arg(entry).arg(first).arg(last).take();
        Self { key: entry.to_owned(), body: Body::Commands(vec![command]) }
    }

    pub(crate) fn renew(entry: &str, holder: Token, lasting: Duration) -> Self {
        Self::of_entry(entry, &script::RENEW, vec![token(holder), time(lasting)])
    }

    pub(crate) fn release(entry: &str, holder: Token) -> Self {
        Self::of_entry(entry, &script::RELEASE, vec![token(holder)])
    }

    pub(crate) fn put(put: Put) -> Self {
        let holder = put.token.map(token).unwrap_or_default();
        Self::of_entry(&put.entry, &script::PUT, vec![put.bytes, time(put.left), holder])
    }

    pub(crate) fn remove(entry: &str) -> Self {
        Self::of_entry(entry, &script::REMOVE, Vec::new())
    }

    pub(crate) fn generation(group: &str, fresh: u64) -> Self {
        Self::of_key(group, &script::GENERATION, vec![decimal(fresh)])
    }

    pub(crate) fn set_generation(group: &str, generation: u64) -> Self {
        Self::of_key(group, &script::SET_GENERATION, vec![decimal(generation)])
    }

    pub(crate) fn probe(key: &str) -> Self {
        Self::of_key(key, &script::PROBE, Vec::new())
    }

    fn of_entry(entry: &str, script: &'static Script, arguments: Vec<Vec<u8>>) -> Self {
        let keys = vec![entry.to_owned(), names::lease(entry)];
        Self { key: entry.to_owned(), body: Body::Script { script, keys, arguments } }
    }

    fn of_key(key: &str, script: &'static Script, arguments: Vec<Vec<u8>>) -> Self {
        Self {
            key: key.to_owned(),
            body: Body::Script { script, keys: vec![key.to_owned()], arguments },
        }
    }

    /// Returns how many commands it is.
    pub(crate) fn len(&self) -> usize {
        match &self.body {
            Body::Commands(commands) => commands.len(),
            Body::Script { .. } => 1,
        }
    }

    /// Returns the commands. With [`Form::asking`], one that answers `OK` stands before each.
    pub(crate) fn pipeline(&self, form: Form) -> Pipeline {
        let mut pipeline = redis::pipe();
        self.add_to(&mut pipeline, form);
        pipeline
    }

    /// Adds the commands to others.
    pub(crate) fn add_to(&self, pipeline: &mut Pipeline, form: Form) {
        let mut add = |command| {
            if form.asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(command);
        };
        match &self.body {
            Body::Commands(commands) => commands.iter().cloned().for_each(add),
            Body::Script { script, keys, arguments } => {
                add(call(script, keys, arguments, form.in_full));
            }
        }
    }
}

fn call(script: &Script, keys: &[String], arguments: &[Vec<u8>], in_full: bool) -> Cmd {
    let mut command = if in_full { redis::cmd("EVAL") } else { redis::cmd("EVALSHA") };
    command.arg(if in_full { script.text } else { &script.hash });
    command.arg(keys.len()).arg(keys);
    for argument in arguments {
        command.arg(argument.as_slice());
    }
    command
}

fn token(token: Token) -> Vec<u8> {
    format!("{:032x}", token.0).into_bytes()
}

/// Returns a time as the milliseconds after which a key expires, which is at least one.
fn time(time: Duration) -> Vec<u8> {
    decimal(whole_millis(time).max(1))
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(LONGEST)
}

fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}
