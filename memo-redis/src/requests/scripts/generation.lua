-- KEYS: group. ARGV: the generation of a group that the server does not know. Returns the generation.
local generation = redis.call('GET', KEYS[1])
if generation then
    return generation
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
