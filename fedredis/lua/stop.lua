-- Asks the master in charge of a run, or about to be, to stop, as if it were interrupted.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] events - stream of what happened
-- ARGV[1] meant - who was asked before, and alone is meant; '' for whoever is in charge
-- returns {1, token} if it is asked, {0, ''} if no master is in charge, {-1, ''} if there is no
--   such run
local run, lease, events = unpack(KEYS)

local known = redis.call('HMGET', run, 'config', 'status', 'master', 'stop')
if not known[1] then
  return {-1, ''}
end
local holder = redis.call('GET', lease)
-- One that takes over later is not meant. One may have lost its lease with the server's newest
-- data, and be about to take it anew.
local meant = holder or known[2] == 'running' and known[3] or ''
if ARGV[1] ~= '' and ARGV[1] ~= meant then
  return {0, ''}
end
if meant ~= '' and known[4] ~= meant then
  redis.call('HSET', run, 'stop', meant)
  tell(events, 1000, 'type', 'stop')
end
return holder and {1, holder} or {0, ''}
