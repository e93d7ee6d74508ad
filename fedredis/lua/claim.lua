-- Takes slaves off the ID list for a worker, as long as it is attached: those that it wishes for
-- first (their data is in its memory), then, if it can act for any slave, the next of the list.
-- What it still holds of its last claim is given again: the answer may not have reached it.
-- How many: a fair share of those left, so that the last ones are spread over the workers; but
-- no less than is worth a round trip, unless that is more than an equal part of the round. A
-- slave that has failed is claimed alone, so that it takes no other with it.
-- KEYS[1] round    - hash of the round
-- KEYS[2] ids      - zset, the ID list
-- KEYS[3] claims   - hash, slave to the worker that works for it
-- KEYS[4] attempts - hash, slave to how often it has failed
-- KEYS[5] attached - zset, workers that stay with the run
-- ARGV[1] worker   - who claims
-- ARGV[2] lease_ms - how long it is attached by that unless renewed
-- ARGV[3] least    - how many slaves are worth a round trip
-- ARGV[4] most     - how many slaves to take at most
-- ARGV[5] any      - 1 if the worker can act for slaves that it has not wished for
-- ARGV[6…] ids wished for, in order
-- returns {state, epoch, id, …}: state 1 if the round is open, 0 if it is closed or unknown
local round, ids, claims, attempts, attached = unpack(KEYS)
local worker, lease = ARGV[1], tonumber(ARGV[2])
local least, most = tonumber(ARGV[3]), tonumber(ARGV[4])

local mark = 'claim:' .. worker
local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', mark)
if state[1] ~= 'open' then
  return {0, 0}
end
local answer, held = {1, (assert(tonumber(state[2]), 'a round without an epoch'))}, {}
for id in string.gmatch(state[4] or '', '%S+') do held[#held + 1] = id end
local _, holders = spread('HMGET', claims, held)
for i, id in ipairs(held) do
  if holders[i] == worker then answer[#answer + 1] = id end
end
local function attach()
  redis.call('ZADD', attached, whole(now() + lease), worker)
  redis.call('PEXPIRE', attached, lease)
end
if #answer > 2 then
  attach()
  return answer
end
local workers = math.max(1, redis.call('ZCARD', attached))
local part = math.min(least, math.ceil(tonumber(state[3]) / workers))
local share = math.ceil(redis.call('ZCARD', ids) / (2 * workers))
local count = math.min(most, math.max(share, part))
local taken, places, wished = {}, {}, {}
for i = 6, #ARGV do wished[i - 5] = ARGV[i] end
local _, scores = spread('ZMSCORE', ids, wished)
for i, id in ipairs(wished) do
  if #taken < count and scores[i] then
    taken[#taken + 1], places[id] = id, scores[i]
  end
end
spread('ZREM', ids, taken)
if ARGV[5] == '1' and #taken < count then
  local popped = redis.call('ZPOPMIN', ids, count - #taken)
  for i = 1, #popped, 2 do
    taken[#taken + 1], places[popped[i]] = popped[i], popped[i + 1]
  end
end
local _, tried = spread('HMGET', attempts, taken)
local claimed, back, names = {}, {}, {}
for i, id in ipairs(taken) do
  if i > 1 and (tried[1] or tried[i]) then
    back[#back + 1], back[#back + 2] = places[id], id
  else
    claimed[#claimed + 1], claimed[#claimed + 2] = id, worker
    names[i], answer[#answer + 1] = id, id
  end
end
spread('ZADD', ids, back)
if #claimed > 0 then
  spread('HSET', claims, claimed)
  redis.call('HSET', round, mark, table.concat(answer, ' ', 3))
  attach()
end
return answer
