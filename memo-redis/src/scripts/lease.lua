-- KEYS: entry, lease. ARGV: token, time in ms, window in ms.
-- Returns 0 (found), 1 (granted) or 2 (held), what the lease has left, what the entry has left, the entry.
local value = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if value and (left == -1 or left > tonumber(ARGV[3])) then
    return {0, 0, left, value}
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
    return {2, redis.call('PTTL', KEYS[2]), left, value}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, 0, left, value}
