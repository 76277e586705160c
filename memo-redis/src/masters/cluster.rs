//! What a node of a cluster says of the masters.

use memo_core::remote::StoreError;
use redis::{ConnectionAddr, ConnectionInfo, Value};

use super::source::at;
use super::topology::{Place, Topology};
use crate::connection::{Connection, text};
use crate::error;

/// Asks a node of a cluster for all masters. `node` is how it was reached.
pub(crate) async fn masters(
    connection: &Connection,
    node: &ConnectionInfo,
) -> Result<Topology, StoreError> {
    let answer = connection.ask_one(redis::cmd("CLUSTER").arg("NODES").take()).await?;
    if let Value::ServerError(error) = &answer {
        return Err(error::while_connecting(error::from_server(error)));
    }
    let lines = text(&answer).ok_or_else(|| error::unexpected("to CLUSTER NODES"))?;
    let mut places: Vec<_> = lines.lines().filter_map(|line| master(line, node)).collect();
    places.sort_by(|one, other| one.id.cmp(&other.id));
    if places.is_empty() {
        return Err(error::disconnected("the cluster has no masters"));
    }
    Ok(Topology(places))
}

/// Reads one line: an id, an address, flags, five fields that do not matter, and slots.
fn master(line: &str, node: &ConnectionInfo) -> Option<Place> {
    let mut fields = line.split(' ');
    let (id, address, flags) = (fields.next()?, fields.next()?, fields.next()?);
    // A slot that moves is in brackets.
    let slots: Vec<_> = fields.skip(5).filter_map(slots).collect();
    let is = |flag| flags.split(',').any(|one| one == flag);
    // One that failed and has no slot is not waited for. One without slots may get some at any time.
    let is_gone = is("handshake") || is("noaddr") || is("fail") && slots.is_empty();
    if !is("master") || is_gone {
        return None;
    }
    let (server, alias) = server(address, node)?;
    Some(Place { server, id: id.to_owned(), alias, slots })
}

/// Reads `HOST:PORT@BUS`, behind which there may be the name of the host, and more.
fn server(address: &str, node: &ConnectionInfo) -> Option<(ConnectionInfo, Option<String>)> {
    let mut parts = address.split(',');
    let (host, port) = parts.next()?.split('@').next()?.rsplit_once(':')?;
    let name = parts.next().filter(|name| !name.is_empty());
    let port = port.parse().ok()?;
    let host = match (host, node.addr()) {
        // A node does not know its own address before another has told.
        ("", ConnectionAddr::Tcp(own, _) | ConnectionAddr::TcpTls { host: own, .. }) => {
            own.as_str()
        }
        _ => host,
    };
    // A certificate is for a name.
    match (name, node.addr()) {
        (Some(name), ConnectionAddr::TcpTls { .. }) => {
            Some((at(node, name, port), Some(host.to_owned())))
        }
        (name, _) => Some((at(node, host, port), name.map(str::to_owned))),
    }
}

fn slots(field: &str) -> Option<(u16, u16)> {
    let (first, last) = field.split_once('-').unwrap_or((field, field));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo;

    use super::*;

    fn read(line: &str) -> Option<Place> {
        master(line, &"redis://seed:7".into_connection_info().unwrap())
    }

    #[test]
    fn masters_are_read() {
        let place = read(
            "07c3 127.0.0.1:30001@31001,host master - 0 14262 1 connected 0-5460 5470 [93->-292f]",
        );
        let place = place.unwrap();
        assert_eq!(
            (place.id.as_str(), place.slots.as_slice()),
            ("07c3", &[(0, 5460), (5470, 5470)][..])
        );
        assert!(place.is_called("127.0.0.1:30001") && place.is_called("host:30001"));
        assert!(!place.is_called("127.0.0.1:3000") && !place.is_called("host:3"));
        let myself = read("a :30002@31002 myself,master - 0 0 1 connected").unwrap();
        assert!(myself.is_called("seed:30002") && myself.slots.is_empty());
        assert!(
            read("a ::1:30002@31002 master - 0 0 1 connected 1").unwrap().is_called("::1:30002")
        );
    }

    #[test]
    fn replicas_and_what_is_gone_are_not() {
        for line in [
            "",
            "a",
            "a 127.0.0.1:1@2 slave b 0 0 1 connected",
            "a :0@0 master,noaddr - 0 0 1 disconnected",
            "a 127.0.0.1:1@2 master,fail - 0 0 1 disconnected",
            "a 127.0.0.1:1@2 handshake - 0 0 1 connected",
            "a 127.0.0.1:x@2 master - 0 0 1 connected",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert!(read("a 127.0.0.1:1@2 master,fail - 0 0 1 disconnected 1-2").is_some());
    }
}
