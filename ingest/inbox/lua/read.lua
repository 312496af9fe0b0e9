-- read: returns the first events of leased lanes with their progress, up to a number of bytes. It releases the
-- remaining lanes, which return to their former place in the schedule. A script may use only keys that the caller
-- passes to it, and the caller of claim.lua does not know yet which lanes are due, so claim.lua cannot read the events.
-- Prelude: none.
--
-- KEYS[1] due   KEYS[2] fencing tokens   then for each lane: the lane, its progress
-- ARGV[1] fencing token   ARGV[2] maximum number of bytes; 0: no maximum
--   then for each lane: its name, the time at which it was due, ms
-- returns {"read", for each lane:
--     "event", received, event, progress or ""   received is the element in front of the event; see accept.lua
--   | "released"          earlier lanes have used up the bytes
--   | "empty"             the lane has no event; it left the schedule
--   | "failed", message   Redis cannot read the lane; the lease stays as it is
--   | "lost"}             the caller no longer has the lease
--
-- The script returns the first event even if it is larger than the maximum, because otherwise no worker could ever
-- deliver it. No script leaves a lane without events in the schedule. If such a lane exists because another program has
-- changed the database, this script removes the lane, so that workers do not claim it again and again.
--
-- Safe to repeat: a second run returns the same events, and "lost" for the lanes that the first run released or
-- removed.
-- Out of memory: HDEL is the first write because Redis always allows it. Redis then allows the ZADD (see
-- rejected_for_memory in redislua's base.lua).
local due, tokens = KEYS[1], KEYS[2]
local token, left = ARGV[1], tonumber(ARGV[2])
if left == 0 then
  left = math.huge
end

local lanes, progress_keys = {}, {}
for i = 3, #ARGV, 2 do
  lanes[#lanes + 1] = ARGV[i]
  progress_keys[#progress_keys + 1] = KEYS[2 + 2 * #lanes]
end
local held = redis.call('HMGET', tokens, unpack(lanes))
local any_progress = redis.call('EXISTS', unpack(progress_keys)) > 0
local reply = {'read'}
local ended, schedule, empty, empty_progress = {}, {}, {}, {}

local function answer(...)
  for _, word in ipairs({...}) do
    reply[#reply + 1] = word
  end
end

-- read_lane: adds the answer for lane number i, whose lease the caller has.
local function read_lane(i)
  local found = redis.pcall('LRANGE', KEYS[1 + 2 * i], 0, 1)
  if found.err then
    return answer('failed', found.err)
  end
  if #found == 0 then
    ended[#ended + 1], empty[#empty + 1], empty_progress[#empty_progress + 1] = lanes[i], lanes[i], progress_keys[i]
    return answer('empty')
  end
  local progress = any_progress and redis.pcall('GET', progress_keys[i]) or ''
  if type(progress) == 'table' then
    return answer('failed', progress.err)
  end
  answer('event', found[1], found[2] or '', progress)
  left = left - #(found[2] or '') - #progress
end

for i, lane in ipairs(lanes) do
  if held[i] ~= token then
    answer('lost')
  elseif left <= 0 then
    ended[#ended + 1] = lane
    schedule[#schedule + 1], schedule[#schedule + 2] = ARGV[2 + 2 * i], lane
    answer('released')
  else
    read_lane(i)
  end
end

if #ended > 0 then
  redis.call('HDEL', tokens, unpack(ended))
end
if #empty > 0 then
  redis.call('ZREM', due, unpack(empty))
  redis.call('DEL', unpack(empty_progress))
end
if #schedule > 0 then
  redis.call('ZADD', due, unpack(schedule))
end
return reply
