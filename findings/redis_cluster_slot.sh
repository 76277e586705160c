#!/usr/bin/env bash
# A cluster node that loses a slot deletes the slot's keys and invalidates nothing in clients that track them.
# guess: the node pushes each key that it deletes, as it does for one that MIGRATE has moved away.
# Expected: each key that goes from a node, by DEL, PX, eviction or MIGRATE, is invalidated by that node.
# Seen: MIGRATE pushes. The keys that are left when another master takes the slot go without a push, in default mode and
# in BCAST mode. The connection stays up and the client has no cause to ask, so the old value stays cached, whatever the
# new owner is told.
set -euo pipefail

scratch=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -qq -o APT::Sandbox::User=root download redis-tools=5:7.0.15-1~deb12u10 libatomic1 libjemalloc2 liblzf1
for package in *.deb; do dpkg -x "$package" .; done
ln -s redis-check-rdb usr/bin/redis-server
export LD_LIBRARY_PATH=$(echo "$PWD"/usr/lib/*-linux-gnu)

# Two ports; the cluster's own traffic takes those that are higher by 10,000.
free() { python3 -c 'import socket, sys; [socket.socket().bind(("127.0.0.1", int(p))) for p in sys.argv[1:]]' "$@"; }
ports=()
while [ ${#ports[@]} -lt 2 ]; do
    port=$((20000 + RANDOM % 10000))
    if [[ " ${ports[*]} " != *" $port "* ]] && free "$port" $((port + 10000)) 2>/dev/null; then ports+=("$port"); fi
done
for port in "${ports[@]}"; do
    mkdir "$port"
    usr/bin/redis-server --bind 127.0.0.1 --port "$port" --unixsocket "$PWD/$port/sock" --dir "$PWD/$port" --save '' \
        --cluster-enabled yes --cluster-require-full-coverage no >"$port/log" &
    servers+=($!)
done
export PORTS="${ports[*]}"
echo "redis-server 7.0.15"
timeout 50 python3 - <<'END'
import os
import socket
import time


class Client:
    """A connection that speaks RESP3 and keeps the keys of each invalidation apart from the replies."""

    def __init__(self, port, *tracking):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        for _ in range(500):
            if self.socket.connect_ex(f"{port}/sock") == 0:
                break
            time.sleep(0.02)
        self.lines, self.pushes = self.socket.makefile("rb"), []
        self.call("HELLO", 3)
        if tracking:
            self.call("CLIENT", "TRACKING", *tracking)

    def send(self, *words):
        words = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def read(self):
        line = self.lines.readline()
        kind, rest = line[:1], line[1:-2].decode()
        if kind in b"*>%":
            items = [self.read() for _ in range(int(rest) * (2 if kind == b"%" else 1))]
            return tuple(items) if kind == b">" else items
        if kind in b"$=":
            return self.lines.read(int(rest) + 2)[:-2].decode()
        assert kind != b"-", rest
        return {b"_": None, b":": rest, b"+": rest}[kind]

    def reply(self):
        while isinstance(answer := self.read(), tuple):
            self.pushes.append(answer[1])
        return answer

    def call(self, *words):
        self.send(*words)
        return self.reply()

    def pushed(self):
        """What came since the last look: a push for an earlier command comes before the reply to PING."""
        self.call("PING")
        pushes, self.pushes = self.pushes, []
        return pushes


def until(condition):
    while not condition():
        time.sleep(0.05)


old_port, new_port = os.environ["PORTS"].split()
old, new = Client(old_port), Client(new_port)
old.call("CLUSTER", "SET-CONFIG-EPOCH", 1)
new.call("CLUSTER", "SET-CONFIG-EPOCH", 2)
old.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
old.call("CLUSTER", "MEET", "127.0.0.1", new_port)
old_name, new_name = old.call("CLUSTER", "MYID"), new.call("CLUSTER", "MYID")
until(lambda: "0-16383" in new.call("CLUSTER", "NODES") and new_name in old.call("CLUSTER", "NODES"))
until(lambda: "cluster_state:ok" in old.call("CLUSTER", "INFO") and "cluster_state:ok" in new.call("CLUSTER", "INFO"))

keys = ["{tag}:moved", "{tag}:left"]
slot = old.call("CLUSTER", "KEYSLOT", "{tag}")
for key in keys:
    old.call("SET", key, "old")
readers = {"default": Client(old_port, "ON"), "BCAST": Client(old_port, "ON", "BCAST")}
cached = {mode: [reader.call("GET", key) for key in keys] for mode, reader in readers.items()}
new.call("CLUSTER", "SETSLOT", slot, "IMPORTING", old_name)
old.call("CLUSTER", "SETSLOT", slot, "MIGRATING", new_name)
old.call("MIGRATE", "127.0.0.1", new_port, keys[0], 0, 10000)
moved = {mode: reader.pushed() for mode, reader in readers.items()}
new.call("CLUSTER", "SETSLOT", slot, "NODE", new_name)
until(lambda: old.call("CLUSTER", "COUNTKEYSINSLOT", slot) == "0")
new.call("SET", keys[1], "new")
left = {mode: reader.pushed() for mode, reader in readers.items()}
print(f"cached from the old owner {cached}")
print(f"pushes after MIGRATE of {keys[0]} {moved}")
print(f"pushes after the slot went with {keys[1]} {left}; the new owner says {new.call('GET', keys[1])!r}")
assert moved == {"default": [keys[:1]], "BCAST": [keys[:1]]}
assert left == {"default": [], "BCAST": []}, "the old owner pushes now"
END
