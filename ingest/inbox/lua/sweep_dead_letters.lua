-- sweep_dead_letters: deletes the oldest dead letters that exceed a limit, at most 200 for each limit.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, dead_letters.lua.
--
-- KEYS: KEYS[1] to KEYS[11] of accept.lua
-- ARGV[1] now, ms; "" reads Redis's clock
-- ARGV[2] maximum number of dead letters   ARGV[3] retention of dead letters, ms
-- ARGV[4] maximum size of all dead letters, bytes; 0 in ARGV[2] to ARGV[4]: no such limit
-- returns {"done", number of dead letters that it deleted}
--
-- Safe to repeat: if a run deletes nothing, no dead letter exceeds a limit.
-- Out of memory: ZPOPMIN is the first write because Redis always allows it. Redis then allows the later writes (see
-- rejected_for_memory).
local now = read_meta(KEYS[3], ARGV[1])
return {'done', int(bound_dead_letters(tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), now))}
