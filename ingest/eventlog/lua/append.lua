-- append: writes log records, oldest first. It follows redislua's log_record.lua.
-- KEYS[1] log   KEYS[2] log index
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of log records   ARGV[3] retention, ms; 0: no age limit
--   then pairs of event ID and record
-- returns {"done"}
-- Safe to repeat: a record replaces an earlier record with the same ID.
-- Out of memory: old records make room for new ones.
local now = clock(ARGV[1])
for i = 4, #ARGV, 2 do
  write_record(KEYS[1], KEYS[2], ARGV[i], ARGV[i + 1], now, tonumber(ARGV[2]), tonumber(ARGV[3]))
end
return {'done'}
