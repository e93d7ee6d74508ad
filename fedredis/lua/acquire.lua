-- Takes the master's lease of a run, and with it a new epoch that fences off earlier masters;
-- the run's status is running from then on.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] work   - stream that waiting workers block on
-- KEYS[4] events - stream of what happened
-- ARGV[1] token  - who asks
-- ARGV[2] ttl_ms - how long the lease lasts unless renewed
-- returns the epoch (1, 2, …), 0 if another master holds the lease, -1 if there is no such run
local run, lease, work, events = unpack(KEYS)
local token, ttl = ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', run) == 0 then
  return -1
end
local holder = redis.call('GET', lease)
if holder == token then
  return tonumber(redis.call('HGET', run, 'epoch'))
elseif holder then
  return 0
end
redis.call('SET', lease, token, 'PX', ttl)
redis.call('HSET', run, 'status', 'running', 'error', '')
-- They were to end some time after the run.
redis.call('PERSIST', work)
redis.call('PERSIST', events)
return redis.call('HINCRBY', run, 'epoch', 1)
