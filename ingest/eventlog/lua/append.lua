-- append: writes log records, oldest first. Log puts redislua.LogRecord in front of this text.
-- KEYS[1] log   KEYS[2] log index
-- ARGV[1] now, ms; if it is "", the script reads Redis's clock   ARGV[2] maximum number of log records
--   then up to 250 pairs of event ID and record
-- returns {"done"}
-- Safe to repeat: a record replaces an earlier record with the same ID.
-- Out of memory: the script deletes old records to make room for the new ones.
write_records(KEYS[1], KEYS[2], {unpack(ARGV, 3)}, clock(ARGV[1]), tonumber(ARGV[2]))
return {'done'}
