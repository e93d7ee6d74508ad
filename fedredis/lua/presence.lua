-- Keeps a list of who is there: marks one as present for a while, forgets those not seen since.
-- What is no list is removed: slaves may write there.
-- KEYS[1] present - zset, name by the time (ms) until which it counts as present
-- ARGV[1] name   - who is there
-- ARGV[2] ttl_ms - for how long
-- returns 1 if it is new, else 0
local present = KEYS[1]
local name, ttl = ARGV[1], tonumber(ARGV[2])

keep('zset', present)
local time = now()
redis.call('ZREMRANGEBYSCORE', present, '-inf', whole(time))
local new = redis.call('ZADD', present, whole(time + ttl), name)
redis.call('PEXPIRE', present, ttl)
return new
