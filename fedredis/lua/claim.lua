-- Takes slaves off the ID list for a worker, under a lease: those that it wishes for first
-- (their data is in its memory), then, if it can act for any slave, the next of the list.
-- KEYS[1] round  - hash of the round
-- KEYS[2] ids    - zset, the ID list
-- KEYS[3] claims - hash, slave id to "worker lease-end"
-- ARGV[1] worker   - who claims
-- ARGV[2] lease_ms - how long the claim lasts unless renewed
-- ARGV[3] count    - how many slaves at most
-- ARGV[4] any      - 1 if the worker can act for slaves that it has not wished for
-- ARGV[5…] ids wished for, in order
-- returns {state, epoch, id, …}: state 1 if the round is open, 0 if it is closed or unknown
local round, ids, claims = KEYS[1], KEYS[2], KEYS[3]
local worker, lease, count, any = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'

local state = redis.call('HMGET', round, 'state', 'epoch')
if state[1] ~= 'open' then
  return {0, 0}
end
local taken = {}
for i = 5, #ARGV do
  if #taken < count and redis.call('ZREM', ids, ARGV[i]) == 1 then
    taken[#taken + 1] = ARGV[i]
  end
end
if any and #taken < count then
  local popped = redis.call('ZPOPMIN', ids, count - #taken)
  for i = 1, #popped, 2 do
    taken[#taken + 1] = popped[i]
  end
end
local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + lease)
local answer = {1, tonumber(state[2])}
for _, id in ipairs(taken) do
  redis.call('HSET', claims, id, worker .. ' ' .. ends)
  answer[#answer + 1] = id
end
return answer
