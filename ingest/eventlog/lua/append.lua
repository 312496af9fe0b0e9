-- append: writes log records, oldest first. It follows redislua's log_record.lua.
-- KEYS[1] log   KEYS[2] log index
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] maximum number of log records
--   then up to 250 pairs of event ID and record
-- returns {"done"}
-- Safe to repeat: a record replaces an earlier record with the same ID.
-- Out of memory: old records make room for new ones.
write_records(KEYS[1], KEYS[2], {unpack(ARGV, 3)}, clock(ARGV[1]), tonumber(ARGV[2]))
return {'done'}
