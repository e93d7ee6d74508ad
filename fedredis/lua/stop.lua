-- Asks the master in charge of a run to stop, as if it were interrupted.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] events - stream of what happened
-- returns 1 if it is asked, 0 if no master is in charge, -1 if there is no such run
local run, lease, events = unpack(KEYS)

local known = redis.call('HMGET', run, 'config', 'epoch')
if not known[1] then
  return -1
elseif redis.call('EXISTS', lease) == 0 then
  return 0
end
-- Of this master alone: one that takes over later is not meant.
redis.call('HSET', run, 'stop', known[2])
tell(events, 1000, 'type', 'stop')
return 1
