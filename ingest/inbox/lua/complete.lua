-- complete: finishes a lane's first event: writes its log record, moves its key from the in-flight index to the dedupe window, and
-- makes the lane's next event due. It follows redislua's log_record.lua, lane.lua and dedupe.lua.
--
-- KEYS[1] fencing tokens   KEYS[2] due   KEYS[3] lane   KEYS[4] progress   KEYS[5] meta   KEYS[6] log   KEYS[7] log index
--   if the event has a fingerprint: KEYS[8] in-flight index; and if the source has a dedupe window: KEYS[9] the event's dedupe set
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] lane   ARGV[3] fencing token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] maximum number of log records   ARGV[7] their retention, ms; 0: no age limit   ARGV[8] fingerprint or ""
--   if the event has one: ARGV[9] the bucket lengths as stored in meta, as the caller knows them   ARGV[10] dedupe member
-- ARGV[11] current bucket length, ms   ARGV[12] number of the bucket in which the event was received
-- returns {"done"} | {"lost"} if the caller no longer has the lease
--   | {"buckets", the bucket lengths as stored} if the caller does not know the current ones; the last two change nothing
--
-- Safe to repeat: the first run ends the lease, so a second one returns "lost".
-- Out of memory: old log records make room (see write_record), and Redis then allows every further write.
local lane, fingerprint = ARGV[2], ARGV[8]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local stored = fingerprint ~= '' and (redis.call('HGET', KEYS[5], 'slices') or '')
if stored and stored ~= ARGV[9] then
  return {'buckets', stored}
end

local now = clock(ARGV[1])
write_record(KEYS[6], KEYS[7], ARGV[4], ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
finish_first_event(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], lane, now)
if fingerprint ~= '' then
  redis.call('HDEL', KEYS[8], fingerprint)
end
if KEYS[9] then
  add_to_dedupe_set(KEYS[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12]), now)
end
return {'done'}
