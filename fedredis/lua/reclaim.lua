-- Puts slaves whose claim has run out back on the ID list.
-- KEYS[1] round  - hash of the round
-- KEYS[2] ids    - zset, the ID list
-- KEYS[3] claims - hash, slave id to "worker lease-end"
-- KEYS[4] work   - stream that waiting workers block on
-- KEYS[5] events - stream of what happened
-- ARGV[1] label - the round's name
-- returns how many slaves were put back
local round, ids, claims, work, events = unpack(KEYS)
local label = ARGV[1]

if redis.call('HGET', round, 'state') ~= 'open' then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGETALL', claims)
local count = 0
for i = 1, #held, 2 do
  local worker, ends = string.match(held[i + 1], '^(.*) (%d+)$')
  if tonumber(ends) <= now then
    redis.call('HDEL', claims, held[i])
    redis.call('ZADD', ids, 0, held[i])
    redis.call('XADD', events, 'MAXLEN', '~', 10000, '*', 'type', 'reclaimed', 'round', label,
      'slave', held[i], 'worker', worker)
    count = count + 1
  end
end
if count > 0 then
  redis.call('XADD', work, 'MAXLEN', '~', 100, '*', 'round', label)
end
return count
