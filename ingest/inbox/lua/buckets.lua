-- buckets: makes a bucket length the current one of a shard's dedupe window. The inbox calls it when it first uses a
-- shard and after the window has changed. Keys that were added under an earlier length stay in their own sets. The
-- shard searches those sets until the last of their keys has left its window, so a changed window forgets no key early.
-- Prelude: base.lua of redislua; meta.lua.
--
-- KEYS[1] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] bucket length, ms; 0: no dedupe window
-- returns {"buckets", "LENGTH:0 LENGTH:END ..."}: the current length, then the earlier lengths. END is the time, ms,
--   from which the sets of an earlier length have no live member: ten of its buckets after the change.
--
-- Safe to repeat: a second run only updates the list.
-- Out of memory: HDEL, of a field that never exists, is the first write because Redis always allows it.
-- Redis then allows the HSET (see rejected_for_memory).
local now, stored = read_meta(KEYS[1], ARGV[1], 'slices')
local list = {ARGV[2] .. ':0'}
for length, last in string.gmatch(stored or '', '(%d+):(%d+)') do
  if last == '0' then
    last = now + 10 * tonumber(length)
  end
  if length ~= ARGV[2] and length ~= '0' and tonumber(last) > now then
    list[#list + 1] = length .. ':' .. int(last)
  end
end
local value = table.concat(list, ' ')
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'slices', value)
store_time(KEYS[1])
return {'buckets', value}
