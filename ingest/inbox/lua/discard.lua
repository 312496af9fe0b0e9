-- discard: deletes a dead letter. It follows redislua's base.lua and log_record.lua, meta.lua and dead_letters.lua, whose keys it has.
--
-- KEYS: the nine keys of accept.lua
-- ARGV[1] event ID
-- returns {"done"} | {"missing"} if there is no such dead letter
--
-- Safe to repeat.
-- Out of memory: ZREM is first because Redis always allows it, and then allows the HINCRBY.
if redis.call('ZREM', KEYS[9], ARGV[1]) == 0 then
  return {'missing'}
end
delete_dead_letters({ARGV[1]})
return {'done'}
