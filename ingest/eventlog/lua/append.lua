-- append: write log records, oldest first.
-- KEYS[1] log   KEYS[2] log index
-- ARGV[1] now, ms; "" asks Redis   ARGV[2] records kept at most   ARGV[3] retention, ms; 0: any age   then pairs of event ID, record
-- returns {"done"}
local now = clock(ARGV[1])
for i = 4, #ARGV, 2 do
  record(KEYS[1], KEYS[2], ARGV[i], ARGV[i + 1], now, tonumber(ARGV[2]), tonumber(ARGV[3]))
end
return {'done'}
