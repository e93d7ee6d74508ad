-- Takes slaves off the ID list for a worker, as long as it is attached: of those that it wishes
-- for, if it holds the rows of these only; else a run of the list, from a place on where it has
-- begun before (their rows are in its memory), or from the front if none is left there. It begins
-- further in front where the others' claims would not reach: that would take a visit more.
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
-- ARGV[5] any      - 1 if the worker can act for any slave, 0 if for the wished only
-- ARGV[6] from     - the place to begin at
-- ARGV[7] wished   - ids wished for, in order, with spaces in between
-- returns {state, epoch, ids, place, left}: state 1 if the round is open, 0 if it is closed or
--   unknown; the ids that are claimed, with spaces in between, and the place of the first, -1 if it
--   was held; how many are still listed, for anybody
local round, ids, claims, attempts, attached = unpack(KEYS)
local worker, lease = ARGV[1], tonumber(ARGV[2])
local least, most, any = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'

local mark = 'claim:' .. worker
local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', mark, 'workers')
if state[1] ~= 'open' then
  return {0, 0, '', -1, 0}
end
local epoch = assert(tonumber(state[2]), 'a round without an epoch')
local held, taken, place = words(state[4] or ''), {}, -1
local _, holders = spread('HMGET', claims, held)
for i, id in ipairs(held) do
  if holders[i] == worker then taken[#taken + 1] = id end
end
local left = redis.call('ZCARD', ids)
if #taken == 0 and left > 0 then
  -- Those that are on their way get their share, too.
  local workers = math.max(1, redis.call('ZCARD', attached), tonumber(state[5]) or 0)
  local first = 0
  local part = math.min(least, math.ceil(tonumber(state[3]) / workers))
  local count = math.min(most, math.max(1, math.ceil(left / (2 * workers)), part))
  if any then
    first = redis.call('ZCOUNT', ids, '-inf', '(' .. ARGV[6])
    if first >= left or left <= count then first = 0 end
    first = math.min(first, left - math.min(count, math.max(0, left - (workers - 1) * count)))
    taken = redis.call('ZRANGE', ids, first, first + count - 1)
  else
    local wished = words(ARGV[7])
    local _, places = spread('ZMSCORE', ids, wished)
    for i, id in ipairs(wished) do
      if #taken < count and places[i] then taken[#taken + 1] = id end
    end
  end
  local found, claimed = #taken, {}
  local _, tried = spread('HMGET', attempts, redis.call('EXISTS', attempts) == 1 and taken or {})
  for i = #taken, 2, -1 do
    if tried[1] or tried[i] then table.remove(taken, i) end
  end
  if found > 0 then place = tonumber(redis.call('ZSCORE', ids, taken[1])) end
  if any and #taken == found then
    redis.call('ZREMRANGEBYRANK', ids, first, first + found - 1)
  else
    spread('ZREM', ids, taken)
  end
  for i, id in ipairs(taken) do claimed[2 * i - 1], claimed[2 * i] = id, worker end
  spread('HSET', claims, claimed)
  if found > 0 then redis.call('HSET', round, mark, table.concat(taken, ' ')) end
end
if #taken > 0 then
  redis.call('ZADD', attached, whole(now() + lease), worker)
  redis.call('PEXPIRE', attached, lease)
end
return {1, epoch, table.concat(taken, ' '), place, redis.call('ZCARD', ids)}
