-- save: keep the progress of a claimed lane's first event.
-- KEYS[1] claims   KEYS[2] progress of the lane
-- ARGV[1] lane   ARGV[2] token   ARGV[3] progress
-- returns {"done"} | {"lost"}
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return {'lost'}
end
redis.call('DEL', KEYS[2]) -- first, for Redis allows it without memory, and then what follows
redis.call('SET', KEYS[2], ARGV[3])
return {'done'}
