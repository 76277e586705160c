-- KEYS: entry, lease. ARGV: token, time in ms, what an entry that counts as none begins with, or nothing.
-- Returns the entry and what it has left, or what the lease of somebody else has left, or nothing if it was given.
local value = redis.call('GET', KEYS[1])
local void = ARGV[3]
if value and (void == '' or value:sub(1, #void) ~= void) then
    return {value, redis.call('PTTL', KEYS[1])}
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then
    return {redis.call('PTTL', KEYS[2])}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {}
