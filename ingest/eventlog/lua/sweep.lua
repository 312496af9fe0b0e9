-- sweep: deletes log records that are older than the retention or beyond the maximum, oldest first. Log puts
-- redislua.LogRecord in front of this text.
-- KEYS[1] log   KEYS[2] log index
-- ARGV[1] now, ms; if it is "", the script reads Redis's clock   ARGV[2] maximum number of log records
-- ARGV[3] retention, ms; 0: no age limit   ARGV[4] maximum number of log records to delete, up to 1,000
-- returns the number of deleted log records; if it is ARGV[4], there may be more to delete
-- Safe to repeat. It needs no memory.
local most, excess = tonumber(ARGV[4]), redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[2])
if tonumber(ARGV[3]) > 0 then
  local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(clock(ARGV[1]) - ARGV[3]), 'LIMIT', 0, int(most))
  excess = math.max(excess, #expired)
end
return drop_oldest_records(KEYS[1], KEYS[2], math.min(excess, most))
