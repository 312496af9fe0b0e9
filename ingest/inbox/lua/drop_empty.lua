-- drop_empty: removes a leased lane that has no events from the schedule. No script leaves such a lane behind; this repairs a
-- database that was changed by other means, so that the lane is not claimed forever.
--
-- KEYS[1] fencing tokens   KEYS[2] due   KEYS[3] lane   KEYS[4] progress
-- ARGV[1] lane   ARGV[2] fencing token
-- returns {"done"} | {"lost"} if the caller no longer has the lease or the lane has events; nothing is changed
--
-- Safe to repeat: the first run ends the lease, so a second one returns "lost".
-- Out of memory: it only frees memory, which Redis always allows.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] or redis.call('EXISTS', KEYS[3]) == 1 then
  return {'lost'}
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[4])
return {'done'}
