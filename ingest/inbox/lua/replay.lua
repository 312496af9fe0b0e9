-- replay: moves a dead letter to the end of its lane, as a new event.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, dead_letters.lua.
--
-- KEYS: KEYS[1] to KEYS[11] of accept.lua, then KEYS[12] the lane
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] ID of the dead letter   ARGV[3] lane   ARGV[4] fingerprint or ""
-- ARGV[5] new event ID   ARGV[6] event with its new ID   ARGV[7] progress or ""
-- returns {"done"} | {"missing"} if no dead letter has this ID; the script changes nothing
--
-- The script adds the event's key to the in-flight index, unless an unfinished event already has the key because the
-- sender has sent the event again. In the lane, the element in front of the event (see accept.lua) also contains the ID
-- of the dead letter and the progress.
--
-- Safe to repeat: a second run returns "missing".
-- Out of memory: ZREM is the first write because Redis always allows it. Redis then allows the later writes (see
-- rejected_for_memory).
local now = read_meta(KEYS[3], ARGV[1])
if redis.call('ZREM', KEYS[9], ARGV[2]) == 0 then
  return {'missing'}
end
delete_dead_letters({ARGV[2]})
local fingerprint = ARGV[4] ~= '' and ARGV[4] or '-'
redis.call('RPUSH', KEYS[12], table.concat({int(now), fingerprint, ARGV[2], ARGV[7]}, ' '), ARGV[6])
if ARGV[4] ~= '' and not redis.call('HGET', KEYS[4], ARGV[4]) then
  redis.call('HSET', KEYS[4], ARGV[4], ARGV[5])
end
redis.call('ZADD', KEYS[1], 'NX', int(now), ARGV[3])
redis.call('HINCRBY', KEYS[3], 'depth', 1)
store_time(KEYS[3])
return {'done'}
