-- renew: extends leases, so that they end one lease length from now.
-- Prelude: base.lua of redislua; meta.lua.
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms
--   then pairs of lane and fencing token
-- returns {"renewed", for each pair: "held" | "lost"}
--
-- Safe to repeat. The script also renews a lease that has ended, as long as no worker has claimed the lane again.
-- Out of memory: HDEL, of a field that never exists, is the first write because Redis always allows it. Redis then
-- allows the later writes (see rejected_for_memory).
local due, tokens, meta = KEYS[1], KEYS[2], KEYS[3]
local ends = int(read_meta(meta, ARGV[1]) + tonumber(ARGV[2]))
local lanes, schedule, reply = {}, {}, {'renewed'}
for i = 3, #ARGV, 2 do
  lanes[#lanes + 1] = ARGV[i]
end
for i, token in ipairs(redis.call('HMGET', tokens, unpack(lanes))) do
  local holds = token == ARGV[2 + 2 * i]
  if holds then
    schedule[#schedule + 1], schedule[#schedule + 2] = ends, lanes[i]
  end
  reply[#reply + 1] = holds and 'held' or 'lost'
end
if #schedule > 0 then
  redis.call('HDEL', tokens, '')
  redis.call('ZADD', due, unpack(schedule))
end
store_time(meta)
return reply
