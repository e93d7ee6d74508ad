-- Ends a master's work on a run: records how it ended and gives the lease back.
-- KEYS[1] run    - hash of the run
-- KEYS[2] lease  - string, the token of the master in charge
-- KEYS[3] work   - stream that waiting workers block on
-- KEYS[4] events - stream of what happened
-- KEYS[5] nodes  - stream of what the run's processes use
-- KEYS[6] counts - hash, what its rounds came to in numbers
-- KEYS[7] last   - string, what the newest commit made of the run
-- ARGV[1] token  - who asks
-- ARGV[2] status - finished, stopped or failed
-- ARGV[3] error  - one line that says why, or ''
-- returns {sequence}
local run, lease, work, events, nodes, counts, last = unpack(KEYS)
local token, status, error = ARGV[1], ARGV[2], ARGV[3]

local refused = refusal(run, token)
if refused then return refused end
-- Sends waiting workers home: there will be no next round.
tell(work, 100, 'round', '')
tell(events, 1000, 'type', status, 'error', error)
-- The model and the history stay; what happened on the way is of use for a day or a week.
redis.call('EXPIRE', work, 86400)
redis.call('EXPIRE', events, 86400)
redis.call('EXPIRE', nodes, 604800)
redis.call('EXPIRE', counts, 604800)
redis.call('DEL', last, lease)
redis.call('HSET', run, 'status', status, 'error', error, 'ended', whole(now()))
return numbered(run)
