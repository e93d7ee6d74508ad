-- Counts a slave's failed attempt; the slave goes back on the ID list, or is given up.
-- KEYS[1] round   - hash of the round
-- KEYS[2] ids     - zset, the ID list
-- KEYS[3] claims  - hash, slave id to "worker lease-end"
-- KEYS[4] arrived - counter of the updates that are in
-- KEYS[5] update  - hash, this slave's update
-- KEYS[6] slave   - hash of what is known of the slave
-- KEYS[7] open    - zset, labels of the open rounds
-- KEYS[8] work    - stream that waiting workers block on
-- KEYS[9] events  - stream of what happened
-- ARGV[1] label     - the round's name
-- ARGV[2] epoch     - the epoch in which the round was opened, as the claim said
-- ARGV[3] id        - the slave
-- ARGV[4] worker    - who claimed it
-- ARGV[5] attempts  - how many attempts a slave has
-- ARGV[6] traceback - what went wrong
-- returns 1 if put back, 2 if given up, 4 if the round is closed, 5 if stale
local round, ids, claims, arrived, update, slave, open, work, events = unpack(KEYS)
local label, epoch, id, worker, attempts, traceback = unpack(ARGV)

local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', 'given_up', 'quorum')
if state[1] ~= 'open' or redis.call('EXISTS', update) == 1 then
  return 4
elseif state[2] ~= epoch then
  return 5
end
-- Without a claim it was delivered before, or another worker holds the slave by now.
local claim = redis.call('HGET', claims, id)
if not claim or string.match(claim, '^(.*) %d+$') ~= worker then
  return redis.call('HEXISTS', round, 'given_up:' .. id) == 1 and 2 or 1
end
redis.call('HSET', slave, 'error', traceback)
redis.call('HINCRBY', slave, 'failures', 1)
redis.call('HDEL', claims, id)
local tried = redis.call('HINCRBY', round, 'attempts:' .. id, 1)
redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'failed', 'round', label,
  'slave', id, 'attempt', tried)
if tried < tonumber(attempts) then
  redis.call('ZADD', ids, 0, id)
  redis.call('XADD', work, 'MAXLEN', '~', 100, '*', 'round', label)
  return 1
end
redis.call('HSET', round, 'given_up:' .. id, 1)
local given_up = redis.call('HINCRBY', round, 'given_up', 1)
local counted = tonumber(redis.call('GET', arrived) or 0)
local expected, quorum = tonumber(state[3]), tonumber(state[5])
if expected - given_up < quorum or counted + given_up >= expected then
  redis.call('HSET', round, 'state', counted >= quorum and 'closed' or 'failed')
  redis.call('ZREM', open, label)
  -- A failed round may start over: that it was closed must not be heard of after that.
  if counted >= quorum then
    redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'closed', 'round', label)
  end
end
return 2
