-- Takes a bundle that can't be counted out of a round, which is open again; its slaves count as
-- claimed in the bundle's name, until that claim is failed.
-- KEYS[1] run     - hash of the run
-- KEYS[2] round   - hash of the round
-- KEYS[3] claims  - hash, slave to the worker that works for it
-- KEYS[4] inside  - hash, slave to the bundle that it is in
-- KEYS[5] bundles - list, names of the bundles that are in
-- KEYS[6] open    - zset, names of the open rounds, by time of opening
-- KEYS[7] bundle  - list, the parts of the bundle
-- KEYS[8…] for each slave in it what it is given back later (hash)
-- ARGV[1] token  - who asks
-- ARGV[2] name   - the round's name
-- ARGV[3] called - the bundle's name
-- ARGV[4…] the slaves in it
-- returns {sequence, epoch of the round}
local run, round, claims, inside, bundles, open, bundle = unpack(KEYS, 1, 7)
local token, name, called = unpack(ARGV, 1, 3)

local refused = refusal(run, token)
if refused then return refused end
local slaves, held = {}, {}
for i = 4, #ARGV do
  slaves[i - 3], held[2 * i - 7], held[2 * i - 6] = ARGV[i], ARGV[i], called
end
local state = redis.call('HMGET', round, 'state', 'opened', 'epoch')
if redis.call('LREM', bundles, 1, called) == 1 then
  redis.call('UNLINK', bundle)
  spread('HDEL', inside, slaves)
  spread('HSET', claims, held)
  for i = 8, #KEYS do redis.call('HDEL', KEYS[i], string.match(name, '%d+$')) end
  if state[1] == 'closed' and #slaves > 0 then
    redis.call('HSET', round, 'state', 'open')
    redis.call('ZADD', open, state[2], name)
  end
end
return numbered(run, tonumber(state[3]) or 0)
