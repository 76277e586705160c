#!/usr/bin/env bash
# CLIENT TRACKING in default mode does not track what SORT, GEORADIUS, BITFIELD GET, GETEX and SET with GET have read.
# guess: GETEX with a new end and SET are writes and are not tracked; a SORT, a GEORADIUS, a BITFIELD or a GETEX that
# only reads is, and after CLIENT CACHING YES each of them.
# Expected: "the server remembers the keys that the client accessed". A plain SORT changes nothing.
# Seen: the server goes by the name of the command, and counts each that has a form that writes among the writes. Only
# SORT_RO, GEORADIUS_RO, BITFIELD_RO and GET are tracked. CLIENT CACHING YES says OK and changes nothing.
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


def pushes(setup, read, change, opt_in):
    writer = Client()
    writer.call("DEL", "key")
    writer.call(*setup)
    reader = Client("ON", *(["OPTIN"] if opt_in else []))
    if opt_in:
        assert reader.call("CLIENT", "CACHING", "YES") == "OK"
    first = reader.call(*read)
    writer.call(*change)
    seen = reader.pushed()
    again = reader.call(*read)
    mode = "OPTIN" if opt_in else "default"
    print(f"{mode:7} {' '.join(map(str, read)):29} {first!s:10} then {again!s:15} pushes {seen}")
    assert first != again
    return seen


LIST = ("RPUSH", "key", 2, 1), ("RPUSH", "key", 3)
POINTS = ("GEOADD", "key", 1, 1, "a"), ("GEOADD", "key", 1, 1, "b")
TEXT = ("SET", "key", "a"), ("SET", "key", "b")
tracked = [(LIST, ("SORT_RO", "key")), (POINTS, ("GEORADIUS_RO", "key", 1, 1, 9, "km")),
           (TEXT, ("BITFIELD_RO", "key", "GET", "u8", 0)), (TEXT, ("GET", "key"))]
untracked = [(LIST, ("SORT", "key")), (POINTS, ("GEORADIUS", "key", 1, 1, 9, "km")),
             (TEXT, ("BITFIELD", "key", "GET", "u8", 0)), (TEXT, ("GETEX", "key")),
             (TEXT, ("SET", "key", "a", "KEEPTTL", "GET"))]
for opt_in in False, True:
    for (setup, change), read in tracked:
        assert pushes(setup, read, change, opt_in) == [["key"]]
    for (setup, change), read in untracked:
        assert pushes(setup, read, change, opt_in) == [], "it is tracked now"
END
