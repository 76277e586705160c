#!/usr/bin/env bash
# CLIENT TRACKING in BCAST mode with NOLOOP hides another client's write.
# guess: NOLOOP leaves out the push for one's own changes only. That for another client's SET comes, whatever follows.
# Expected: "don't send notifications about keys modified by this connection itself". A client that caches what it read
# learns of the SET of another client.
# Seen: no push, if one's own command on the key, a mere PEXPIRE, follows within the same turn of the server's event
# loop. In BCAST mode the server keeps only the last writer of a key until the turn ends. The old value stays cached.
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
import re
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


def turn(option, order):
    """The writes of two clients in one turn of the event loop: both wait for the end of a pause."""
    reader, writer, third = Client("ON", "BCAST", *option), Client(), Client()
    clients = {"other": (writer, ("SET", "key", "new")), "own": (reader, ("PEXPIRE", "key", 60000))}
    writer.call("SET", "key", "old")
    assert reader.pushed() == [["key"]]
    cached = reader.call("GET", "key")
    third.call("CLIENT", "PAUSE", 20000, "WRITE")
    for name in order:
        client, command = clients[name]
        number = client.call("CLIENT", "ID")
        client.send(*command)
        while not re.search(r" flags=\w*b", third.call("CLIENT", "LIST", "ID", number)):
            time.sleep(0.01)
    third.call("CLIENT", "UNPAUSE")
    for name in order:
        clients[name][0].reply()
    pushes = reader.pushed()
    print(f"{' '.join(['BCAST', *option]):13} {' then '.join(order):15} pushes {pushes}, cached {cached!r}, "
          f"stored {reader.call('GET', 'key')!r}")
    return pushes


assert turn([], ["other", "own"]) == [["key"]]
assert turn(["NOLOOP"], ["own", "other"]) == [["key"]]
assert turn(["NOLOOP"], ["other"]) == [["key"]]
assert turn(["NOLOOP"], ["other", "own"]) == [], "it is pushed now"
END
