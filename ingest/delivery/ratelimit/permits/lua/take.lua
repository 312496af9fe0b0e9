-- take: grants permits for calls to Knock, so that the calls of all processes of a source together stay within Knock's
-- limits.
-- Prelude: base.lua of redislua.
--
-- KEYS: one for each endpoint
-- ARGV[1] name of the process   ARGV[2] lead: the time until the process can use a permit, µs
-- Then five values for each endpoint: the limit, calls a second; the number of events that wait without a permit; when
--   the first and the last of them were received, ms; what Knock asked for in a 429 response, µs to wait, or "" if there
--   was no such response
-- returns {"taken", now, µs, then for each endpoint: the number of permits, the time of the first one, µs, the interval
--   between two, ns, the time after which asking again is useful, µs from now, the rest of the pause after a 429, µs, the
--   number of processes, the number of events that wait in other processes, how many unused permits the process may keep}
--
-- Each endpoint has one line of points in time, spaced by the interval of the limit. A permit is one such point, at
-- which its owner may make a call. The hash of an endpoint has these fields:
--   line            the first point that no process has, µs
--   paused, pause   when the pause after the latest 429 ends, and how long it was, µs
--   slowed, factor  the factor by which a 429 has lowered the rate, and when the rate begins to grow again, by a tenth each
--                   second, µs
--   @PROCESS        the latest request of a process: when it came, µs; when the first event that still waits was
--                   received, ms; how many events still wait
--
-- Safe to repeat: the permits of a lost reply are not used, so that there are fewer calls than allowed.
-- Out of memory: HDEL is the first write because Redis always allows it. Redis then allows the HSET (see
-- rejected_for_memory).

local headroom = 1.015 -- see permits.go
local horizon = 200000 -- a process gets the points of so many µs at once, and of its lead in addition
local near = 50000 -- a process asks for more so many µs before its points end
local max_lead = 1000000
local present = 10000000 -- a process is counted for so many µs after its latest request
local keep = 60000 -- ms until the key of an endpoint without requests expires

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- read: returns the fields of an endpoint's hash, and its processes: name to request.
local function read(key)
  local list, state, processes = redis.call('HGETALL', key), {}, {}
  for i = 1, #list, 2 do
    local name = string.match(list[i], '^@(.*)')
    if name then
      local at, first, waiting = string.match(list[i + 1], '^(%S+) (%S+) (%S+)$')
      processes[name] = {at = tonumber(at), first = tonumber(first), waiting = tonumber(waiting)}
    else
      state[list[i]] = tonumber(list[i + 1])
    end
  end
  return state, processes
end

-- slow_down: takes a 429 into account, and returns the factor that applies to the rate. Several 429s within a second
-- halve the rate once, because they are responses to one burst of calls. The rate grows again when the pause has ended.
local function slow_down(state, rate, wait)
  local since = now - (state.slowed or 0)
  if since < -(state.pause or 0) then -- Redis's clock has gone back
    state.factor, since = 1, 0
  end
  local factor = math.min((state.factor or 1) * 1.1 ^ math.min(math.max(math.floor(since / 1000000), 0), 1000), 1)
  if wait == '' then
    return factor
  end
  if factor == 1 or since >= 1000000 then
    factor = math.max(factor / 2, 1 / rate)
    state.slowed, state.factor = now + tonumber(wait), factor
  end
  if now + tonumber(wait) > (state.paused or 0) then
    state.paused, state.pause = now + tonumber(wait), tonumber(wait)
  end
  return factor
end

-- survey: returns the number of processes, how many events wait in others than this one, when the first of those events
-- was received, and the names of the processes that are gone.
local function survey(processes, name, interval)
  local count, waiting, first, gone = 1, 0, math.huge, {''}
  for other, request in pairs(processes) do
    local age = now - request.at
    if age < 0 or age > present then -- below 0 if Redis's clock has gone back
      gone[#gone + 1] = '@' .. other
    elseif other ~= name then
      count = count + 1
      if request.waiting > 0 and age <= math.max(1000000, 2 * interval) then
        waiting, first = waiting + request.waiting, math.min(first, request.first)
      end
    end
  end
  return count, waiting, first, gone
end

-- take: grants permits for one endpoint, and adds its part of the reply.
local function take(key, name, lead, request, reply)
  local state, processes = read(key)
  local factor = slow_down(state, request.rate, request.wait)
  local interval = headroom * 1000000 / (request.rate * factor)
  local count, waiting, first, gone = survey(processes, name, interval)
  local spare = math.floor(request.rate * factor * 0.0025 / count)

  local earliest = now + lead
  local line = math.max(state.line or 0, earliest)
  if line > now + 2 * max_lead + horizon + interval then -- Redis's clock has gone back, or the limit has been raised
    line = earliest
  end
  local pause = (state.paused or 0) - now
  if pause < 0 or pause > state.pause then
    pause = 0
  end

  -- The process whose event has waited longest takes the next points. Others take only points that would soon be lost.
  local margin = first < request.first and near / 2 or near
  local last = first < request.first and earliest + margin or earliest + horizon + lead
  local permits = 0
  if pause == 0 then
    permits = math.min(request.waiting, math.max(math.ceil((last - line) / interval), 0))
    if permits == request.waiting and line == earliest and waiting == 0 then
      permits = permits + spare
    end
  end
  local after = line + permits * interval
  local again = pause > 0 and pause or math.max(after - margin - earliest, 0)

  local left = math.max(request.waiting - permits, 0)
  local oldest = request.first
  if request.waiting > 0 then
    oldest = oldest + (request.last - oldest) * math.min(permits / request.waiting, 1)
  end
  redis.call('HDEL', key, unpack(gone))
  redis.call('HSET', key, 'line', int(after), '@' .. name, int(now) .. ' ' .. int(oldest) .. ' ' .. int(left))
  if request.wait ~= '' then
    redis.call('HSET', key, 'paused', int(state.paused), 'pause', int(state.pause), 'slowed', int(state.slowed), 'factor', state.factor)
  end
  redis.call('PEXPIRE', key, int(keep + pause / 1000))
  for _, value in ipairs({permits, line, interval * 1000, again, pause, count, waiting, spare}) do
    reply[#reply + 1] = int(value)
  end
end

local reply = {'taken', int(now)}
for i, key in ipairs(KEYS) do
  local at = 3 + (i - 1) * 5
  take(key, ARGV[1], math.min(tonumber(ARGV[2]), max_lead), {
    rate = tonumber(ARGV[at]), waiting = tonumber(ARGV[at + 1]), first = tonumber(ARGV[at + 2]), last = tonumber(ARGV[at + 3]),
    wait = ARGV[at + 4],
  }, reply)
end
return reply
