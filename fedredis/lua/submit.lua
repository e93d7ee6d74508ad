-- Counts a slave's update in, once however often it is delivered; the last one closes the round.
-- KEYS[1] round   - hash of the round
-- KEYS[2] ids     - zset, the ID list
-- KEYS[3] claims  - hash, slave id to "worker lease-end"
-- KEYS[4] arrived - counter of the updates that are in
-- KEYS[5] update  - hash, this slave's update
-- KEYS[6] slave   - hash of what is known of the slave
-- KEYS[7] open    - zset, labels of the open rounds
-- KEYS[8] events  - stream of what happened
-- ARGV[1] label   - the round's name
-- ARGV[2] epoch   - the epoch in which the round was opened, as the claim said
-- ARGV[3] id      - the slave
-- ARGV[4] samples - how many rows the update stands for
-- ARGV[5] blob    - the arrays
-- ARGV[6] facts   - JSON object of fields for the slave's hash
-- returns 1 if counted, 2 if counted as the last, 3 if a duplicate, 4 if late, 5 if stale
local round, ids, claims, arrived, update, slave, open, events = unpack(KEYS)
local label, epoch, id, samples, blob = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local facts = cjson.decode(ARGV[6])
local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', 'given_up')
local refusal
if state[1] ~= 'open' then
  refusal = {4, 'late'}
elseif state[2] ~= epoch then
  refusal = {5, 'stale'}
elseif redis.call('EXISTS', update) == 1 then
  refusal = {3, 'duplicate'}
end
if refusal then
  redis.call('ZREM', ids, id)
  redis.call('HDEL', claims, id)
  redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
    'type', refusal[2], 'round', label, 'slave', id)
  return refusal[1]
end
redis.call('HSET', update, 'samples', samples, 'blob', blob)
redis.call('ZREM', ids, id)
redis.call('HDEL', claims, id)
redis.call('HINCRBY', slave, 'updates', 1)
for name, value in pairs(facts) do
  redis.call('HSET', slave, name, value)
end
local last = redis.call('INCR', arrived) + (tonumber(state[4]) or 0) >= tonumber(state[3])
if last then
  redis.call('HSET', round, 'state', 'closed')
  redis.call('ZREM', open, label)
end
redis.call('XADD', events, 'MAXLEN', '~', 10000, '*',
  'type', last and 'closed' or 'arrived', 'round', label, 'slave', id)
return last and 2 or 1
