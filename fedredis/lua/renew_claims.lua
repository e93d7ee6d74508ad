-- Prolongs the claims that a worker still holds; one that was given to another stays there.
-- KEYS[1] claims - hash, slave id to "worker lease-end"
-- ARGV[1] worker   - who holds the claims
-- ARGV[2] lease_ms - how long they last from now
-- ARGV[3…] slave ids
-- returns how many of them the worker still holds
local claims = KEYS[1]
local worker, lease = ARGV[1], tonumber(ARGV[2])

local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + lease)
local held = 0
for i = 3, #ARGV do
  local claim = redis.call('HGET', claims, ARGV[i])
  if claim and string.match(claim, '^(.*) %d+$') == worker then
    redis.call('HSET', claims, ARGV[i], worker .. ' ' .. ends)
    held = held + 1
  end
end
return held
