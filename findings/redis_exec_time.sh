#!/usr/bin/env bash
# Within EXEC or a script a key outlives its PX, and other commands of the same EXEC or script say so.
# guess: time stands still for all commands of a script, TIME and PTTL among them; from one command of an EXEC to the
# next it goes on, so that GET gives nothing.
# Expected: time either stands still for all commands that run as one or for none of them.
# Seen: TIME and PTTL go on in both: the end is past, and 0 ms are left. GET gives the value all the same, and SET with
# NX, which would take a lease that is over, is refused.
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


PX, WAIT = 50, 200
BUSY = f"""local function ms() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local start = ms() repeat until ms() >= start + {WAIT} """
SCRIPT = f"""redis.call('SET', KEYS[1], 'value', 'PX', {PX}) {BUSY}
return {{ms() - start, redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1]) or 'none',
redis.call('SET', KEYS[1], 'mine', 'NX') and 'taken' or 'refused'}}"""


def report(name, elapsed, left, value, lease):
    after = client.call("GET", "key")
    print(f"{name:6} PX {PX}, {elapsed} ms later: PTTL {left}, GET {value}, SET NX {lease}; after its end GET {after}")
    assert int(elapsed) >= WAIT and after is None
    assert (left, value, lease) == ("0", "value", "refused"), f"{name} behaves otherwise now"


client = Client()
client.call("MULTI")
client.call("SET", "key", "value", "PX", PX)
client.call("EVAL", BUSY + "return ms() - start", 0)
client.call("PTTL", "key")
client.call("GET", "key")
client.call("SET", "key", "mine", "NX")
_, elapsed, left, value, taken = client.call("EXEC")
report("EXEC", elapsed, left, value, "taken" if taken else "refused")
report("script", *client.call("EVAL", SCRIPT, 1, "key"))
END
