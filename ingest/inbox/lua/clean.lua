-- clean: take a claimed lane that has no events off the schedule, which should never be needed.
-- KEYS[1] claims   KEYS[2] due   KEYS[3] lane   KEYS[4] progress
-- ARGV[1] lane   ARGV[2] token
-- returns {"done"} | {"lost"}
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] or redis.call('EXISTS', KEYS[3]) == 1 then
  return {'lost'}
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[4])
return {'done'}
