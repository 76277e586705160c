-- KEYS: entry, lease. The server pushes the name of a key that is removed only if there was one, so the script makes
-- one. A server whose memory is full refuses a SET, but not after another write in the same script.
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1])
return 1
