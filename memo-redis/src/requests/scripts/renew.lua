-- KEYS: entry, lease. ARGV: token, time in ms. Returns whether the lease is that of the token.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
    return 0
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
