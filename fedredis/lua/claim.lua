-- Takes slaves off the ID list for a worker, under a lease: those that it wishes for first
-- (their data is in its memory), then, if it can act for any slave, the next of the list.
-- How many: a fair share of those left, so that the last ones are spread over the workers; but
-- no less than is worth a round trip, unless that is more than an equal part of the round.
-- KEYS[1] round    - hash of the round
-- KEYS[2] ids      - zset, the ID list
-- KEYS[3] claims   - hash, slave id to "worker lease-end"
-- KEYS[4] attached - zset, workers that stay with the run
-- ARGV[1] worker   - who claims
-- ARGV[2] lease_ms - how long the claim lasts unless renewed
-- ARGV[3] least    - how many slaves are worth a round trip
-- ARGV[4] most     - how many slaves to take at most
-- ARGV[5] any      - 1 if the worker can act for slaves that it has not wished for
-- ARGV[6…] ids wished for, in order
-- returns {state, epoch, id, …}: state 1 if the round is open, 0 if it is closed or unknown
local round, ids, claims, attached = unpack(KEYS)
local worker, lease, least, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local state = redis.call('HMGET', round, 'state', 'epoch', 'expected')
if state[1] ~= 'open' then
  return {0, 0}
end
local workers = math.max(1, redis.call('ZCARD', attached))
local part = math.min(least, math.ceil(tonumber(state[3]) / workers))
local share = math.ceil(redis.call('ZCARD', ids) / (2 * workers))
local count = math.min(most, math.max(share, part))
local taken = {}
for i = 6, #ARGV do
  if #taken < count and redis.call('ZREM', ids, ARGV[i]) == 1 then
    taken[#taken + 1] = ARGV[i]
  end
end
if ARGV[5] == '1' and #taken < count then
  local popped = redis.call('ZPOPMIN', ids, count - #taken)
  for i = 1, #popped, 2 do
    taken[#taken + 1] = popped[i]
  end
end
local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + lease)
local answer, held = {1, tonumber(state[2])}, {}
for i, id in ipairs(taken) do
  held[2 * i - 1], held[2 * i] = id, worker .. ' ' .. ends
  answer[i + 2] = id
end
if #held > 0 then
  redis.call('HSET', claims, unpack(held))
end
return answer
