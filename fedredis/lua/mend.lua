-- Makes who is in a round be who was counted by its master, whatever slaves have written there; the
-- round is open again, for `open_round` to list the others.
-- KEYS[1] run    - hash of the run
-- KEYS[2] round  - hash of the round
-- KEYS[3] inside - hash, slave to the bundle that it is in
-- KEYS[4] open   - zset, names of the open rounds, by time of opening
-- ARGV[1] token - who asks
-- ARGV[2] name  - the round's name
-- ARGV[3…] for each slave that was counted its id and the name of its bundle
-- returns {sequence}
local run, round, inside, open = unpack(KEYS)
local token, name = unpack(ARGV, 1, 2)

local refused = refusal(run, token)
if refused then return refused end
local counted = {}
for i = 3, #ARGV do counted[i - 2] = ARGV[i] end
redis.call('UNLINK', inside)
spread('HSET', inside, counted)
redis.call('HSET', round, 'state', 'open')
redis.call('ZADD', open, whole(now()), name)
return numbered(run)
