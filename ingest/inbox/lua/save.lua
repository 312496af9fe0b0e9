-- save: stores the progress of a leased lane's first event.
--
-- KEYS[1] fencing tokens   KEYS[2] progress of the lane
-- ARGV[1] lane   ARGV[2] fencing token   ARGV[3] progress
-- returns {"done"} | {"lost"} if the caller no longer has the lease; nothing is changed
--
-- Safe to repeat: it stores the same value again.
-- Out of memory: DEL is first because Redis always allows it, and then allows the SET.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return {'lost'}
end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[2], ARGV[3])
return {'done'}
