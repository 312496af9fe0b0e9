-- retry: ends the lease of a lane and makes the lane due again later. Its first event stays first.
-- It follows redislua's log_record.lua.
--
-- KEYS[1] fencing tokens   KEYS[2] due   KEYS[3] progress   KEYS[4] log   KEYS[5] log index
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] lane   ARGV[3] fencing token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] maximum number of log records   ARGV[7] their retention, ms; 0: no age limit   ARGV[8] delay, ms
-- ARGV[9] progress; "" keeps the progress saved before
-- returns {"done"} | {"lost"} if the caller no longer has the lease; nothing is changed
--
-- Safe to repeat: the first run ends the lease, so a second one returns "lost".
-- Out of memory: old log records make room (see write_record), or HDEL frees memory; Redis then allows every further write.
local lane = ARGV[2]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local now = clock(ARGV[1])
if ARGV[5] ~= '' then
  write_record(KEYS[4], KEYS[5], ARGV[4], ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
end
redis.call('HDEL', KEYS[1], lane)
redis.call('ZADD', KEYS[2], int(now + tonumber(ARGV[8])), lane)
if ARGV[9] ~= '' then
  redis.call('SET', KEYS[3], ARGV[9])
end
return {'done'}
