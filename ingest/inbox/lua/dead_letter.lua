-- dead_letter: finishes a lane's first event as a dead letter: writes its log record, keeps the event with its progress, removes
-- its key from the in-flight index, and makes the lane's next event due. The key does not enter the dedupe window, so the sender
-- can send the event again. It follows redislua's log_record.lua and lane.lua.
--
-- KEYS[1] fencing tokens   KEYS[2] due   KEYS[3] lane   KEYS[4] progress   KEYS[5] meta   KEYS[6] log   KEYS[7] log index
-- KEYS[8] in-flight index   KEYS[9] dead letters   KEYS[10] their progress   KEYS[11] their index
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] lane   ARGV[3] fencing token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] maximum number of log records   ARGV[7] their retention, ms; 0: no age limit   ARGV[8] fingerprint or ""
-- ARGV[9] progress; "" keeps the progress saved before
-- returns {"done"} | {"lost"} if the caller no longer has the lease; nothing is changed
--
-- Safe to repeat: the first run ends the lease, so a second one returns "lost".
-- Out of memory: old log records make room (see write_record), and Redis then allows every further write.
local lane, id = ARGV[2], ARGV[4]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local now = clock(ARGV[1])
local progress = ARGV[9]
if progress == '' then
  progress = redis.call('GET', KEYS[4]) or ''
end
write_record(KEYS[6], KEYS[7], id, ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
local received_at, event = finish_first_event(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], lane, now)
redis.call('HSET', KEYS[9], id, received_at .. ' ' .. (event or ''))
redis.call('HSET', KEYS[10], id, progress)
redis.call('ZADD', KEYS[11], int(now), id)
if ARGV[8] ~= '' then
  redis.call('HDEL', KEYS[8], ARGV[8])
end
return {'done'}
