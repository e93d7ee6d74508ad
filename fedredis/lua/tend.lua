-- Tends an open round: prolongs its master's lease, puts slaves whose claim has run out back on
-- the ID list, and at the deadline closes the round if a quorum has arrived.
-- A lease that ran out while nobody else took over is taken up again.
-- KEYS[1] run     - hash of the run
-- KEYS[2] lease   - string, the token of the master in charge
-- KEYS[3] round   - hash of the round
-- KEYS[4] ids     - zset, the ID list
-- KEYS[5] claims  - hash, slave id to "worker lease-end"
-- KEYS[6] arrived - counter of the updates that are in
-- KEYS[7] open    - zset, labels of the open rounds
-- KEYS[8] work    - stream that waiting workers block on
-- KEYS[9] events  - stream of what happened
-- KEYS[10] attached - zset, workers that stay with the run, by the time (ms) until which they do
-- ARGV[1] epoch  - the caller's epoch
-- ARGV[2] token  - the caller's token
-- ARGV[3] ttl_ms - how long the lease lasts from now
-- ARGV[4] label  - the round's name
-- returns {state, arrived, worker, …} with the workers attached: state 1 if open, 0 if closed, -1 if its quorum can't be had any more,
--   -2 if another master has taken over (fenced)
local run, lease, round, ids, claims, arrived, open, work, events, attached = unpack(KEYS)
local epoch, token, ttl, label = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

if redis.call('HGET', run, 'epoch') ~= epoch then
  return {-2, 0}
end
redis.call('SET', lease, token, 'PX', ttl)
local state = redis.call('HMGET', round, 'state', 'deadline', 'quorum')
local count = tonumber(redis.call('GET', arrived) or 0)
if state[1] ~= 'open' then
  return {state[1] == 'closed' and 0 or -1, count}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(state[2]) then
  if count < tonumber(state[3]) then
    return {-1, count}
  end
  redis.call('HSET', round, 'state', 'closed')
  redis.call('ZREM', open, label)
  redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'closed', 'round', label)
  return {0, count}
end
local held, dead = redis.call('HGETALL', claims), false
for i = 1, #held, 2 do
  local worker, ends = string.match(held[i + 1], '^(.*) (%d+)$')
  if tonumber(ends) <= now then
    dead = true
    redis.call('HDEL', claims, held[i])
    redis.call('ZADD', ids, 0, held[i])
    redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'type', 'reclaimed', 'round', label,
      'slave', held[i], 'worker', worker)
  end
end
if dead then
  redis.call('XADD', work, 'MAXLEN', '~', 100, '*', 'round', label)
end
redis.call('ZREMRANGEBYSCORE', attached, '-inf', string.format('%.0f', now))
return {1, count, unpack(redis.call('ZRANGE', attached, 0, -1))}
