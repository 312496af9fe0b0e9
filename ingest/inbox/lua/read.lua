-- read: returns the first events of leased lanes with their progress, up to a number of bytes. It releases the
-- remaining lanes, which return to their former place in the schedule. A script may use only keys that the caller
-- passes to it, and the caller of claim.lua does not know yet which lanes are due, so claim.lua cannot read the events.
-- Prelude: none.
--
-- KEYS[1] due   KEYS[2] fencing tokens   then for each lane: the lane, its progress
-- ARGV[1] fencing token   ARGV[2] maximum number of bytes; 0: no maximum
-- ARGV[3] the times at which the lanes were due, ms, separated by spaces
-- ARGV[4] length of the text in front of the lane's name in the key of a lane
-- returns {"read", for each lane:
--     "event", received, event   received is the element in front of the event; see accept.lua
--   | "saved", received, event, progress   an event with saved progress
--   | "released"          earlier lanes have used up the bytes
--   | "empty"             the lane has no event; it left the schedule
--   | "failed", message}  Redis cannot read the lane; the lease stays as it is
--
-- The script returns the first event even if it is larger than the maximum, because otherwise no worker could ever
-- deliver it. No script leaves a lane without events in the schedule. If such a lane exists because another program has
-- changed the database, this script removes the lane, so that workers do not claim it again and again.
--
-- The script compares fencing tokens only for lanes that it changes. A caller whose leases have ended reads events that
-- another worker may deliver, but every script that changes a lane rejects its token.
--
-- Safe to repeat: a second run returns the same events. It changes no lane that the first run released or removed,
-- because the caller no longer has the lease.
-- Out of memory: HDEL is the first write because Redis always allows it. Redis then allows the ZADD (see
-- rejected_for_memory in redislua's base.lua).
local left = tonumber(ARGV[2])
if left == 0 then
  left = math.huge
end

local keys = {unpack(KEYS, 3)}
local progress_keys = {}
for i = 2, #keys, 2 do
  progress_keys[i / 2] = keys[i]
end
local any_progress = redis.call('EXISTS', unpack(progress_keys)) > 0
local reply, words = {'read'}, 1
local ended = {} -- the positions in keys of the lanes whose leases end

local function answer(word)
  words = words + 1
  reply[words] = word
end

-- read_lane: adds the answer for the lane at a position in keys.
local function read_lane(i)
  local found = redis.pcall('LRANGE', keys[i], '0', '1')
  local progress = any_progress and not found.err and redis.pcall('GET', keys[i + 1])
  local failure = found.err or type(progress) == 'table' and progress.err
  if failure then
    answer('failed')
    return answer(failure)
  end
  if not found[1] then
    ended[#ended + 1] = i
    return answer('empty')
  end
  answer(progress and 'saved' or 'event')
  answer(found[1])
  answer(found[2] or '')
  if progress then
    answer(progress)
  end
  left = left - #(found[2] or '') - #(progress or '')
end

for i = 1, #keys, 2 do
  if left > 0 then
    read_lane(i)
  else
    ended[#ended + 1] = i
    answer('released')
  end
end

-- end_leases: ends the leases of the lanes in ended, as far as the caller has them. It removes from the schedule the
-- lanes without events, and gives the other ones their former place.
local function end_leases()
  local due_at, names = {}, {}
  for time in string.gmatch(ARGV[3], '%d+') do
    due_at[#due_at + 1] = time
  end
  for i, position in ipairs(ended) do
    names[i] = string.sub(keys[position], tonumber(ARGV[4]) + 1)
  end
  for i, token in ipairs(redis.call('HMGET', KEYS[2], unpack(names))) do
    local position = ended[i]
    if token == ARGV[1] then
      redis.call('HDEL', KEYS[2], names[i])
      if redis.call('EXISTS', keys[position]) == 0 then
        redis.call('ZREM', KEYS[1], names[i])
        redis.call('DEL', keys[position + 1])
      else
        redis.call('ZADD', KEYS[1], due_at[(position + 1) / 2], names[i])
      end
    end
  end
end

if #ended > 0 then
  end_leases()
end
return reply
