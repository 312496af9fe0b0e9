-- memory: how finished events' keys are remembered. It follows the event log's prelude.
--
-- A set holds, for each key of its bucket, an integer: 16 digits for the key, then three for the slice of time in which the event was
-- received (its number modulo 1000). A key is known while its slice is among ten: from eight before the current one to one after
-- it, as the clock may have gone back a little. What is older is never looked at, and removed when there is occasion.

-- live: the last three digits of the members that count now.
local function live(length, now)
  local endings, current = {}, math.floor(now / length)
  for n = current - 8, current + 1 do
    endings[#endings + 1] = string.format('%03d', n % 1000)
  end
  return endings
end

-- remembered: whether a key is in the set with one of the endings.
local function remembered(set, member, e)
  local found = redis.call('SMISMEMBER', set, member .. e[1], member .. e[2], member .. e[3], member .. e[4], member .. e[5],
    member .. e[6], member .. e[7], member .. e[8], member .. e[9], member .. e[10])
  for i = 1, #found do
    if found[i] == 1 then
      return true
    end
  end
  return false
end

-- sweep: remove from a set what does not count any more, and all markers but one.
local function sweep(set, marker, length, now)
  local counts = {}
  for _, ending in ipairs(live(length, now)) do
    counts[ending] = true
  end
  for _, member in ipairs(redis.call('SMEMBERS', set)) do
    local key = string.sub(member, 1, 1) ~= '-'
    if not (key and counts[string.sub(member, -3)]) and member ~= marker then
      redis.call('SREM', set, member)
    end
  end
end

-- remember: add a key received in slice n, unless that is past. A marker, minus the number of the current slice, tells whether this
-- is the first time in this slice: the occasion to sweep, and to let the set expire when nothing written until its end counts.
local function remember(set, member, length, n, now)
  local current = math.floor(now / length)
  if n < current - 8 then
    return
  end
  local marker = int(-current)
  if redis.call('SADD', set, marker) == 1 then
    sweep(set, marker, length, now)
    redis.call('PEXPIRE', set, int((current + 10) * length - now))
  end
  redis.call('SADD', set, member .. string.format('%03d', n % 1000))
end
