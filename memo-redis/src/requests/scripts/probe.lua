-- KEYS: a key that nobody else uses. Makes the server push its name, also while memory is full, and leaves nothing.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1])
return 1
