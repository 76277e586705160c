//! The scripts that a server runs as one step. They are the files of the folder `scripts`.

use std::sync::LazyLock;

pub(crate) struct Script {
    pub(crate) text: &'static str,
    /// What a server that has run the script before knows it by.
    pub(crate) hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }
}

macro_rules! scripts {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!($file)));)*
    };
}

scripts! {
    LEASE = "scripts/lease.lua",
    RENEW = "scripts/renew.lua",
    RELEASE = "scripts/release.lua",
    PUT = "scripts/put.lua",
    REMOVE = "scripts/remove.lua",
    GENERATION = "scripts/generation.lua",
    SET_GENERATION = "scripts/set_generation.lua",
    PROBE = "scripts/probe.lua",
}
