//! Which masters there are, and which slots each has.

use redis::{ConnectionAddr, ConnectionInfo};

pub(crate) const SLOTS: u16 = 16384;

/// The masters that have the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topology(pub(crate) Vec<Place>);

/// A master.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) server: ConnectionInfo,
    /// What a cluster calls it. Empty if there is no cluster.
    pub(crate) id: String,
    /// Another host name by which redirections may call it.
    pub(crate) alias: Option<String>,
    /// The first and the last slot of each range that it has.
    pub(crate) slots: Vec<(u16, u16)>,
}

impl Place {
    /// Returns a server that has all keys.
    pub(crate) fn alone(server: ConnectionInfo) -> Self {
        Self { server, id: String::new(), alias: None, slots: vec![(0, SLOTS - 1)] }
    }

    pub(crate) fn host(&self) -> &str {
        match self.server.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host,
            _ => "",
        }
    }

    /// Reports whether a host and a port are the address of this master.
    pub(crate) fn is_called(&self, address: &str) -> bool {
        let own = self.server.addr().to_string();
        let port = own.strip_prefix(self.host());
        let is_alias = |alias: &String| address.strip_prefix(alias.as_str()) == port;
        address == own || self.alias.as_ref().is_some_and(is_alias)
    }

    pub(crate) fn has(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

/// Nodes of a cluster are told apart by their names: not all see them at the same addresses.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        let is_named = !self.id.is_empty();
        (&self.id, &self.slots) == (&other.id, &other.slots)
            && (is_named || self.server.addr() == other.server.addr())
    }
}

impl Eq for Place {}

/// Returns the slot of a key: that of what stands between the first brace and the next closing one, or of all of it.
pub(crate) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_that_of_the_tag() {
        // The specification of Redis Cluster names this check value.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("a{foo}b{c}"), 12182);
        assert_eq!(slot("{}foo"), crc16(b"{}foo") % SLOTS);
        assert_eq!(slot("a{foo"), crc16(b"a{foo") % SLOTS);
    }
}
