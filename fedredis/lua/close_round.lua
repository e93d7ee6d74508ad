-- Closes a round whose deadline has passed, if a quorum has arrived; the others are missing.
-- KEYS[1] run     - hash of the run
-- KEYS[2] round   - hash of the round
-- KEYS[3] arrived - counter of the updates that are in
-- KEYS[4] open    - zset, labels of the open rounds
-- KEYS[5] events  - stream of what happened
-- ARGV[1] epoch - the caller's epoch
-- ARGV[2] label - the round's name
-- returns 1 if closed, 0 if it is not time or not open, -1 if below quorum at the deadline,
--   -2 if another master has taken over (fenced)
local run, round, arrived, open, events = unpack(KEYS)
local epoch, label = ARGV[1], ARGV[2]

if redis.call('HGET', run, 'epoch') ~= epoch then
  return -2
end
local state = redis.call('HMGET', round, 'state', 'deadline', 'quorum')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if state[1] ~= 'open' or now < tonumber(state[2]) then
  return 0
end
if tonumber(redis.call('GET', arrived) or 0) < tonumber(state[3]) then
  return -1
end
redis.call('HSET', round, 'state', 'closed')
redis.call('ZREM', open, label)
redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'type', 'closed', 'round', label)
return 1
