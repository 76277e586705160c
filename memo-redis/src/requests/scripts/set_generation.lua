-- KEYS: group. ARGV: generation. DEL lets the SET succeed while memory is full.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
return 1
