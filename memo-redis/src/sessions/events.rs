//! What happens on connections without being asked for.

use std::sync::Arc;

use redis::{PushInfo, PushKind, Value};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::connection::text;

/// Something that happened on a connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// The key with this name was changed.
    Changed(String),
    /// All keys may have been changed.
    AllChanged,
    /// The connection for requests to the node with this index ended.
    RequestsEnded(usize),
    /// A connection that tells of changes ended.
    TrackingEnded,
}

/// What the name of a probe is, and who waits for it.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) key: String,
    pub(crate) seen: Notify,
}

/// Takes what comes on a connection for requests.
pub(crate) fn of_requests(
    node: usize,
    events: UnboundedSender<Event>,
) -> impl Fn(PushInfo) + Send + Sync + 'static {
    move |push| {
        if push.kind == PushKind::Disconnection {
            let _ = events.send(Event::RequestsEnded(node));
        }
    }
}

/// Takes what comes on a connection that tells of changes. Names that begin with `probes` are nobody's keys.
pub(crate) fn of_tracking(
    events: UnboundedSender<Event>,
    probe: Arc<Probe>,
    probes: String,
) -> impl Fn(PushInfo) + Send + Sync + 'static {
    move |push| match push.kind {
        PushKind::Disconnection => drop(events.send(Event::TrackingEnded)),
        PushKind::Invalidate => match push.data.as_slice() {
            [Value::Array(names)] => {
                for name in names.iter().filter_map(text) {
                    if name == probe.key {
                        probe.seen.notify_one();
                    } else if !name.starts_with(&probes) {
                        let _ = events.send(Event::Changed(name.to_owned()));
                    }
                }
            }
            // Null, for all keys. What nobody has seen yet means that too.
            _ => drop(events.send(Event::AllChanged)),
        },
        // The message of a redirection that ended and such are found by asking.
        _ => {}
    }
}
