-- complete: finish a lane's first event: log it, remember its key from its receipt on, and let the lane go on.
-- KEYS[1] claims   KEYS[2] due   KEYS[3] lane   KEYS[4] progress   KEYS[5] meta   KEYS[6] log   KEYS[7] log index
--   and if it has a fingerprint: KEYS[8] pending; and if keys are remembered: KEYS[9] its remembered set
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] lane   ARGV[3] token   ARGV[4] event ID   ARGV[5] log record or ""
-- ARGV[6] log records kept at most   ARGV[7] their retention, ms; 0: any age   ARGV[8] fingerprint or ""
--   and if it has one: ARGV[9] the slice lengths, as the caller knows them   ARGV[10] member
-- ARGV[11] slice length, ms   ARGV[12] number of the slice in which it was received
-- returns {"done"} | {"lost"} | {"slices", the lengths as they are}, which changed nothing
local lane, fingerprint = ARGV[2], ARGV[8]
if redis.call('HGET', KEYS[1], lane) ~= ARGV[3] then
  return {'lost'}
end
local slices = fingerprint ~= '' and (redis.call('HGET', KEYS[5], 'slices') or '')
if slices and slices ~= ARGV[9] then
  return {'slices', slices}
end

local now = clock(ARGV[1])
record(KEYS[6], KEYS[7], ARGV[4], ARGV[5], now, tonumber(ARGV[6]), tonumber(ARGV[7]))
advance(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], lane, now)
if fingerprint ~= '' then
  redis.call('HDEL', KEYS[8], fingerprint)
end
if KEYS[9] then
  remember(KEYS[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12]), now)
end
return {'done'}
