-- Counts a bundle of slaves' updates in, whole and once however often it is delivered; the last
-- one closes the round. If a slave in it is in already, nothing is counted.
-- KEYS[1] round    - hash of the round
-- KEYS[2] ids      - zset, the ID list
-- KEYS[3] claims   - hash, slave to the worker that works for it
-- KEYS[4] inside   - hash, slave to the bundle that it is in
-- KEYS[5] bundles  - list, names of the bundles that are in
-- KEYS[6] attempts - hash, slave to how often it has failed
-- KEYS[7] open     - zset, names of the open rounds
-- KEYS[8] events   - stream of what happened
-- KEYS[9] counts   - hash, what the run's rounds came to in numbers
-- KEYS[10] staged  - list, the parts of the bundle, then what each slave is given back later
-- KEYS[11] bundle  - list, where they are to stand
-- KEYS[12…] for each slave what it is given back later (hash), if anything
-- ARGV[1] name   - the round's name
-- ARGV[2] epoch  - the epoch in which the round was opened, as the claim said
-- ARGV[3] called - the bundle's name
-- ARGV[4] parts  - how many it has
-- ARGV[5] bytes  - of its arrays
-- ARGV[6] members - the slaves in it, with spaces in between
-- returns {1} if counted, {4} if late, {5} if stale: of an earlier epoch, or with parts lost,
--   {6, id, …} if these slaves are in already (overlap)
local round, ids, claims, inside, bundles, attempts = unpack(KEYS, 1, 6)
local open, events, counts, staged, bundle = unpack(KEYS, 7, 11)
local name, epoch, called, parts, bytes, members = unpack(ARGV)

local slaves, overlap, same = words(members), {6}, 0
local _, held = spread('HMGET', inside, slaves)
for i, id in ipairs(slaves) do
  if held[i] then overlap[#overlap + 1] = id end
  if held[i] == called then same = same + 1 end
end
local state = redis.call('HMGET', round, 'state', 'epoch', 'expected', 'given_up', 'attempts')
local lost = redis.call('LLEN', staged) ~= tonumber(parts) + #KEYS - 11
local answer = same == #slaves and {1} or state[1] ~= 'open' and {4}
  or (lost or state[2] ~= epoch) and {5} or #overlap > 1 and overlap
if answer then
  redis.call('UNLINK', staged)
  local again = answer == overlap and #overlap - 1 or #slaves
  tally(counts, ({[4] = 'late', [5] = 'stale'})[answer[1]] or 'duplicate', again)
  if answer[1] == 4 and redis.call('EXISTS', events) == 1 then
    tell(events, 1000, 'type', 'late', 'round', name, 'slaves', members)
  elseif answer == overlap then
    -- Or whoever holds them would be given them again and again.
    table.remove(overlap, 1)
    spread('HDEL', claims, overlap)
    spread('ZREM', ids, overlap)
    table.insert(overlap, 1, 6)
  end
  return answer
end
local expected, given_up = tonumber(state[3]) or math.huge, tonumber(state[4]) or 0
local number, entries = string.match(name, '%d+$'), {}
-- What slaves share comes first: where one of them has put something else there, a script ends.
redis.call('LLEN', bundles)
if spread('HDEL', claims, slaves) < #slaves then spread('ZREM', ids, slaves) end
for i = 12, #KEYS do
  local before, there = 0, redis.call('HKEYS', KEYS[i])
  for _, old in ipairs(there) do
    local n = tonumber(old) or 0
    if n < tonumber(number) then before = math.max(before, n) end
  end
  -- What it was given before stays until the new is there: so it is in any part of this, too.
  redis.call('HSET', KEYS[i], number, redis.call('LINDEX', staged, tonumber(parts) + i - 12))
  for _, old in ipairs(there) do
    if old ~= number and tonumber(old) ~= before then redis.call('HDEL', KEYS[i], old) end
  end
end
redis.call('LTRIM', staged, 0, parts - 1)
redis.call('RENAME', staged, bundle)
for i, id in ipairs(slaves) do entries[2 * i - 1], entries[2 * i] = id, called end
spread('HSET', inside, entries)
if given_up > 0 then
  local _, tried = spread('HMGET', attempts, slaves)
  for i = 1, #slaves do
    if tonumber(tried[i] or 0) >= tonumber(state[5]) then given_up = given_up - 1 end
  end
  redis.call('HSET', round, 'given_up', given_up)
end
redis.call('RPUSH', bundles, called)
tally(counts, 'accepted', #slaves)
tally(counts, 'bytes', tonumber(bytes))
if redis.call('HLEN', inside) + given_up >= expected then
  redis.call('HSET', round, 'state', 'closed')
  redis.call('ZREM', open, name)
  tell(events, 1000, 'type', 'closed', 'round', name)
elseif tonumber(parts) > 2 then  -- worth fetching before all are in; small ones are not
  tell(events, 1000, 'type', 'arrived', 'round', name)
end
-- In the end: of a script that is cut off in its file, a server may do the first commands alone.
redis.call('PERSIST', bundle)
return {1}
