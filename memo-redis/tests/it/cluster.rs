//! A cluster: where keys are, move and fail over to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{Leased, Put, Store, StoreError, Token};
use memo_redis::Builder;

use crate::access::{RULES, add_user};
use crate::server::{LONG, Server, is_installed};
use crate::tasks::{ask, runtime};
use crate::watching::{Machine, Seen, done, lease, put, soon, value};

/// Masters with a third of the slots each, and servers that joined later.
struct Cluster(Vec<Server>);

const MASTERS: usize = 3;
const SLOTS: usize = 16384;
/// A slot of the first master, and the tag of keys in it.
const SLOT: &str = "0";
const IN_SLOT: &str = "3560";

impl Cluster {
    fn start() -> Option<Self> {
        if !is_installed("redis-server") {
            return None;
        }
        let cluster = Self((0..MASTERS).map(|_| Self::node()).collect());
        for (index, server) in cluster.0.iter().enumerate() {
            let (first, end) = (SLOTS * index / MASTERS, SLOTS * (index + 1) / MASTERS);
            let slots: Vec<_> = (first..end).map(|slot| slot.to_string()).collect();
            let mut words = vec!["CLUSTER", "ADDSLOTS"];
            words.extend(slots.iter().map(String::as_str));
            assert_eq!(server.command(&words), "+OK\r\n");
            // Otherwise two of them may claim the same epoch for a while.
            server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        }
        for server in &cluster.0[1..] {
            cluster.meet(server);
        }
        cluster.wait_until_all_know(MASTERS);
        Some(cluster)
    }

    fn node() -> Server {
        Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1500"])
    }

    fn meet(&self, server: &Server) {
        let port = self.0[0].port.to_string();
        assert_eq!(server.command(&["CLUSTER", "MEET", "127.0.0.1", &port]), "+OK\r\n");
    }

    fn join(&mut self) {
        let server = Self::node();
        self.meet(&server);
        self.0.push(server);
        self.wait_until_all_know(self.0.len());
    }

    fn wait_until_all_know(&self, count: usize) {
        let count = format!("cluster_known_nodes:{count}\r\n");
        let knows = |server: &Server| {
            let info = server.command(&["CLUSTER", "INFO"]);
            let nodes = server.command(&["CLUSTER", "NODES"]);
            info.contains("cluster_state:ok")
                && info.contains(&count)
                && !nodes.contains("handshake")
        };
        until(|| self.0.iter().all(knows));
    }

    fn id(&self, index: usize) -> String {
        let id = self.0[index].command(&["CLUSTER", "MYID"]);
        id.lines().nth(1).unwrap().to_owned()
    }

    fn builder(&self) -> Builder {
        Builder::new(self.0[1].url()).or(self.0[2].url()).cluster()
    }

    /// Gives a slot with its keys to another node, as `redis-cli` does it. `between` runs while it has two owners.
    fn move_slot(&self, from: usize, to: usize, between: impl FnOnce()) {
        let (from_id, to_id) = (self.id(from), self.id(to));
        let (old, new) = (&self.0[from], &self.0[to]);
        assert_eq!(new.command(&["CLUSTER", "SETSLOT", SLOT, "IMPORTING", &from_id]), "+OK\r\n");
        assert_eq!(old.command(&["CLUSTER", "SETSLOT", SLOT, "MIGRATING", &to_id]), "+OK\r\n");
        between();
        let port = new.port.to_string();
        loop {
            let keys = old.command(&["CLUSTER", "GETKEYSINSLOT", SLOT, "10"]);
            let keys: Vec<_> = keys.lines().filter(|line| line.starts_with("memo:")).collect();
            if keys.is_empty() {
                break;
            }
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            words.extend(keys);
            let moved = old.command(&words);
            assert!(moved == "+OK\r\n" || moved == "+NOKEY\r\n", "{moved}");
        }
        for server in [new, old].into_iter().chain(&self.0) {
            // A replica or a node without slots need not know.
            server.command(&["CLUSTER", "SETSLOT", SLOT, "NODE", &to_id]);
        }
    }
}

fn until(mut is_done: impl FnMut() -> bool) {
    let end = soon();
    while !is_done() {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(10));
    }
}

fn entries() -> impl Iterator<Item = String> {
    (0..60).map(|number| format!("memo:{{{number}}}"))
}

#[test]
fn requests_go_to_all_masters_and_changes_come_from_all() {
    let Some(cluster) = Cluster::start() else { return };
    let builder = cluster.builder().heartbeat(LONG);
    let (one, two) = (Machine::connected(&builder), Machine::connected(&builder));
    for entry in entries() {
        assert_eq!(done(one.store.lease(&entry, lease(1), soon())), Ok(Leased::Granted));
        let put = Put { token: Some(Token(1)), ..put(&entry, entry.as_bytes()) };
        assert_eq!(done(one.store.put(put, soon())), Ok(true));
        two.sees(&value(&entry));
        assert_eq!(two.bytes(&entry), Some(entry.clone().into_bytes()));
        assert_eq!(done(two.store.remove(&entry, soon())), Ok(()));
        one.sees(&value(&entry));
    }
    for number in 0..10 {
        let group = format!("memo:group{number}");
        assert_eq!(done(one.store.generation(&group, number, soon())), Ok(number));
        assert_eq!(done(two.store.generation(&group, 99, soon())), Ok(number));
    }
    for server in &cluster.0 {
        assert!(server.command(&["DBSIZE"]) != ":0\r\n");
        server.command(&["FLUSHALL"]);
        one.sees(&Seen::All);
    }
}

#[test]
fn a_slot_moves_while_it_is_used() {
    let Some(cluster) = Cluster::start() else { return };
    for server in &cluster.0 {
        add_user(server, "few", &format!("{RULES} +cluster|nodes +asking"));
    }
    let builder = cluster.builder().username("few").password("secret");
    let builder = builder.heartbeat(Duration::from_millis(100));
    let (one, two) = (Machine::connected(&builder), Machine::connected(&builder));
    let entry = |number: usize| format!("memo:{{{IN_SLOT}}}{number}");
    assert_eq!(cluster.0[0].command(&["CLUSTER", "KEYSLOT", &entry(1)]), ":0\r\n");
    for number in 0..100 {
        one.put(&entry(number), b"0");
    }
    let is_over = AtomicBool::new(false);
    // Who may ask which server it is has a connection on the runtime of a task.
    let three = Machine::connected(&cluster.builder());
    let (end, writing, reading, of_task) = (soon(), &one.store, &two.store, &three.store);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (runtime, mut by_itself) = (runtime(), 0);
            let mut round = 0_u64;
            while !is_over.load(Ordering::Relaxed) && Instant::now() < end || round < 3 {
                round += 1;
                for number in 0..20 {
                    // A slot between two owners may have to wait.
                    let bytes = round.to_string().into_bytes();
                    assert_eq!(done(writing.put(put(&entry(number), &bytes), soon())), Ok(true));
                    let written = done(reading.get(&entry(number), soon())).unwrap();
                    assert_eq!(written.map(|written| written.bytes), Some(bytes.clone()));
                    let (written, was_by_itself) = ask(&runtime, of_task, &entry(number));
                    assert_eq!(written.unwrap().map(|written| written.bytes), Some(bytes));
                    by_itself += u32::from(was_by_itself);
                }
            }
            assert!(by_itself > 0);
        });
        cluster.move_slot(0, 1, || {
            // Reads go on meanwhile.
            assert_eq!(two.bytes(&entry(50)), Some(b"0".to_vec()));
        });
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap();
    });
    for machine in [&one, &two] {
        machine.sees(&Seen::Disconnected);
        machine.sees(&Seen::Connected);
    }
    one.put(&entry(7), b"new");
    two.sees(&value(&entry(7)));
    assert_eq!(two.bytes(&entry(50)), Some(b"0".to_vec()));
    assert!(cluster.0[1].command(&["GET", &entry(7)]).contains("new"));
}

#[test]
fn a_node_that_joins_is_followed_before_it_has_slots() {
    let Some(mut cluster) = Cluster::start() else { return };
    let machine = Machine::connected(&cluster.builder().heartbeat(Duration::from_millis(100)));
    let entry = format!("memo:{{{IN_SLOT}}}");
    machine.put(&entry, b"old");
    cluster.join();
    machine.sees(&Seen::Disconnected);
    machine.sees(&Seen::Connected);
    cluster.move_slot(0, MASTERS, || {
        // The new node already answers for keys that the old one does not have.
        assert_eq!(
            done(machine.store.generation(&format!("memo:{{{IN_SLOT}}}group"), 5, soon())),
            Ok(5)
        );
        machine.sees(&value(&format!("memo:{{{IN_SLOT}}}group")));
    });
    machine.put(&entry, b"new");
    assert!(cluster.0[MASTERS].command(&["GET", &entry]).contains("new"));
    machine.sees(&Seen::Disconnected);
    machine.sees(&Seen::Connected);
    machine.put(&entry, b"newer");
    machine.sees(&value(&entry));
}

#[test]
fn a_replica_takes_over_and_the_other_masters_serve_meanwhile() {
    let Some(mut cluster) = Cluster::start() else { return };
    cluster.join();
    let first = cluster.id(0);
    let replica = &cluster.0[MASTERS];
    until(|| replica.command(&["CLUSTER", "REPLICATE", &first]) == "+OK\r\n");
    until(|| replica.command(&["INFO", "replication"]).contains("master_link_status:up"));
    until(|| {
        cluster.0.iter().all(|server| {
            server.command(&["CLUSTER", "NODES"]).contains(" slave ")
                || server.command(&["CLUSTER", "NODES"]).contains("myself,slave")
        })
    });
    let machine = Machine::connected(&cluster.builder().heartbeat(Duration::from_millis(200)));
    let entry = format!("memo:{{{IN_SLOT}}}");
    machine.put(&entry, b"old");
    until(|| replica.command(&["DBSIZE"]) == ":1\r\n");
    cluster.0[0].stop();
    machine.sees(&Seen::Disconnected);
    let error = done(machine.store.get(&entry, soon()));
    assert!(matches!(error, Err(StoreError::Disconnected(_))), "{error:?}");
    // Keys of the others, until the cluster notices that not all slots are served.
    let others = entries().filter(|entry| {
        let slot = cluster.0[1].command(&["CLUSTER", "KEYSLOT", entry]);
        slot[1..].trim().parse::<usize>().unwrap() > SLOTS / MASTERS + 1
    });
    let other = others.into_iter().next().unwrap();
    let served = done(machine.store.get(&other, soon()));
    assert!(
        matches!(&served, Ok(None))
            || served.as_ref().is_err_and(|error| error.to_string().contains("CLUSTERDOWN")),
        "{served:?}"
    );
    machine.sees(&Seen::Connected);
    assert_eq!(machine.bytes(&entry), Some(b"old".to_vec()));
    machine.put(&entry, b"new");
    machine.sees(&value(&entry));
}

#[test]
fn a_cluster_and_a_single_server_are_not_mistaken_for_each_other() {
    let Some(cluster) = Cluster::start() else { return };
    let server = Server::start(&[]);
    for (builder, reason) in
        [(cluster.0[0].builder(), "cluster"), (server.builder().cluster(), "cluster")]
    {
        let machine = Machine::new(&builder);
        let error = done(machine.store.get("memo:{a}", soon())).unwrap_err();
        assert!(
            matches!(&error, StoreError::Disconnected(text) if text.contains(reason)),
            "{error:?}"
        );
    }
}
