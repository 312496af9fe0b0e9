-- bury: finish a lane's first event as a dead letter: log it, keep it, free its key, and let the lane go on.
-- KEYS[1] claims   KEYS[2] due   KEYS[3] lane   KEYS[4] progress   KEYS[5] meta   KEYS[6] log   KEYS[7] log index
-- KEYS[8] pending   KEYS[9] dead letters   KEYS[10] their progress   KEYS[11] their index
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] lane   ARGV[3] token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] log records kept at most   ARGV[7] their retention, ms; 0: any age   ARGV[8] fingerprint or ""
-- ARGV[9] progress; "" keeps what was saved
-- returns {"done"} | {"lost"}
local lane, id = ARGV[2], ARGV[4]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local now = clock(ARGV[1])
local progress = ARGV[9]
if progress == '' then
  progress = redis.call('GET', KEYS[4]) or ''
end
record(KEYS[6], KEYS[7], id, ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
local at, event = advance(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], lane, now)
redis.call('HSET', KEYS[9], id, at .. ' ' .. (event or ''))
redis.call('HSET', KEYS[10], id, progress)
redis.call('ZADD', KEYS[11], int(now), id)
if ARGV[8] ~= '' then
  redis.call('HDEL', KEYS[8], ARGV[8])
end
return {'done'}
