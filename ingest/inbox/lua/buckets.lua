-- buckets: makes a bucket length the current one of a shard's dedupe window, because the window was changed. Keys that were added
-- under an earlier length stay in their own sets. The shard keeps searching those sets until the last of their keys has left its
-- window, so that a change of the window forgets no key early. It follows redislua's base.lua and meta.lua.
--
-- KEYS[1] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] bucket length, ms; 0: no dedupe window
-- returns {"buckets", "LENGTH:0 LENGTH:END ..."}: the current length, then the earlier ones, each with the time, ms, from which its
--   sets have no live member: ten buckets after the change
--
-- Safe to repeat: a second run only updates the list.
-- Out of memory: HDEL of a field that never exists is first because Redis always allows it, and then allows the HSET.
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
