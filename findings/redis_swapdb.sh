#!/usr/bin/env bash
# SWAPDB changes the values of all keys of two databases and invalidates nothing in clients that track them.
# guess: SWAPDB pushes a null, which means "drop everything", as FLUSHDB does; FLUSHDB of a database without keys, which
# changes no value, pushes nothing.
# Expected: a key that was read, and that has another value after SWAPDB, is invalidated. WATCH, which stands on the
# same marks of changed keys, does notice: EXEC is refused.
# Seen: no push in default mode nor in BCAST mode; the old value stays cached. FLUSHDB of an empty database pushes a
# null to every client that tracks, so that all of them drop everything they have.
set -euo pipefail

scratch=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -qq -o APT::Sandbox::User=root download redis-tools=5:7.0.15-1~deb12u10 libatomic1 libjemalloc2 liblzf1
for package in *.deb; do dpkg -x "$package" .; done
ln -s redis-check-rdb usr/bin/redis-server
export LD_LIBRARY_PATH=$(echo "$PWD"/usr/lib/*-linux-gnu)
usr/bin/redis-server --port 0 --unixsocket sock --save '' >log &
server=$!
echo "redis-server 7.0.15"
timeout 50 python3 - <<'END'
import socket
import time


class Client:
    """A connection that speaks RESP3 and keeps the keys of each invalidation apart from the replies."""

    def __init__(self, *tracking):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        for _ in range(500):
            if self.socket.connect_ex("sock") == 0:
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


writer = Client()
for database, value in (1, "new"), (0, "old"):
    writer.call("SELECT", database)
    writer.call("SET", "key", value)
readers = {"default": Client("ON"), "BCAST": Client("ON", "BCAST")}
cached = {mode: reader.call("GET", "key") for mode, reader in readers.items()}
watcher = Client()
watcher.call("WATCH", "key")
writer.call("SWAPDB", 0, 1)
swapped = {mode: reader.pushed() for mode, reader in readers.items()}
stored = {mode: reader.call("GET", "key") for mode, reader in readers.items()}
watcher.call("MULTI")
watcher.call("GET", "key")
refused = watcher.call("EXEC") is None
print(f"cached {cached}, stored after SWAPDB {stored}")
print(f"pushes after SWAPDB {swapped}, EXEC after WATCH refused: {refused}")
writer.call("SELECT", 9)
size = writer.call("DBSIZE")
writer.call("FLUSHDB")
flushed = {mode: reader.pushed() for mode, reader in readers.items()}
print(f"pushes after FLUSHDB of a database with {size} keys {flushed}")
assert set(cached.values()) == {"old"} and set(stored.values()) == {"new"} and refused
assert swapped == {"default": [], "BCAST": []}, "SWAPDB pushes now"
assert flushed == {"default": [None], "BCAST": [None]}, "FLUSHDB of nothing pushes something else now"
END
