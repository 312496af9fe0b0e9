-- layout: makes a layout of the dedupe window the current one of a shard. The inbox calls it when it first uses a
-- shard, after the window has changed, and when a process of an earlier version of Doorbell has written slices.
-- Prelude: base.lua of redislua; meta.lua, layouts.lua.
--
-- KEYS[1] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] bucket length, ms; 0: no dedupe window
-- ARGV[3] number of sets of a new shard
-- returns {"layouts", slices, layouts}: the new values of these fields of meta, "" if a field does not exist
--
-- Safe to repeat: a second run changes nothing.
-- Out of memory: HDEL, of a field that never exists, is the first write because Redis always allows it.
-- Redis then allows the HSET (see rejected_for_memory).
local meta = KEYS[1]
local now, slices, stored = read_meta(meta, ARGV[1], 'slices', 'layouts')
local current = parse_layouts(stored)[1]
local sets = tonumber(ARGV[3])
if slices then
  sets = 0
elseif current and current.sets > 0 then
  sets = current.sets
end
redis.call('HDEL', meta, '')
store_layouts(meta, slices, stored, tonumber(ARGV[2]), sets, now)
store_time(meta)
local values = redis.call('HMGET', meta, 'slices', 'layouts')
return {'layouts', values[1] or '', values[2] or ''}
