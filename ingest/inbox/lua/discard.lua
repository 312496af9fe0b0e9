-- discard: deletes a dead letter.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, dead_letters.lua.
--
-- KEYS: KEYS[1] to KEYS[11] of accept.lua
-- ARGV[1] event ID
-- returns {"done"} | {"missing"} if no dead letter has this ID
--
-- Safe to repeat: a second run returns "missing".
-- Out of memory: ZREM is the first write because Redis always allows it. Redis then allows the HINCRBY (see
-- rejected_for_memory).
if redis.call('ZREM', KEYS[9], ARGV[1]) == 0 then
  return {'missing'}
end
delete_dead_letters({ARGV[1]})
return {'done'}
