-- slices: make a slice length the current one of a shard. Lengths that were current stay readable until their last key is forgotten.
-- KEYS[1] meta
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] slice length, ms; 0 remembers nothing
-- returns {"slices", "LENGTH:0 LENGTH:UNTIL ..."}, the current one first, the others with the time from which they are empty, ms
local now, list = clock(ARGV[1]), {ARGV[2] .. ':0'}
for length, last in string.gmatch(redis.call('HGET', KEYS[1], 'slices') or '', '(%d+):(%d+)') do
  if last == '0' then
    last = now + 10 * tonumber(length)
  end
  if length ~= ARGV[2] and length ~= '0' and tonumber(last) > now then
    list[#list + 1] = length .. ':' .. int(last)
  end
end
local value = table.concat(list, ' ')
redis.call('HSET', KEYS[1], 'slices', value)
return {'slices', value}
