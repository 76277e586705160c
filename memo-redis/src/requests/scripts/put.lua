-- KEYS: entry, lease. ARGV: bytes, time in ms, the token that allows it or nothing. Returns whether it was written.
if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
