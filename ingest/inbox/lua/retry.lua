-- retry: give a lane back, to be claimed again later.
-- KEYS[1] claims   KEYS[2] due   KEYS[3] progress   KEYS[4] log   KEYS[5] log index
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] lane   ARGV[3] token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] log records kept at most   ARGV[7] their retention, ms; 0: any age   ARGV[8] how much later, ms
-- ARGV[9] progress; "" keeps what was saved
-- returns {"done"} | {"lost"}
local lane = ARGV[2]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local now = clock(ARGV[1])
if ARGV[5] ~= '' then
  record(KEYS[4], KEYS[5], ARGV[4], ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
end
redis.call('HDEL', KEYS[1], lane)
redis.call('ZADD', KEYS[2], int(now + tonumber(ARGV[8])), lane)
if ARGV[9] ~= '' then
  redis.call('SET', KEYS[3], ARGV[9])
end
return {'done'}
