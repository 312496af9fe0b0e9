-- finish: changes leased lanes. A call contains many transitions, because Redis waits for its disk once for each call.
-- Each transition changes one lane, compares its own fencing token, and has its own answer. A transition that fails
-- changes nothing and does not affect the others. A call has at most one transition for each lane.
-- Prelude: base.lua and log_record.lua of redislua; meta.lua, layouts.lua, dedupe.lua, dead_letters.lua.
--
--   save         stores the progress of the lane's first event
--   complete     finishes the first event: its key moves from the in-flight index to the dedupe window
--   dead-letter  finishes the first event as a dead letter: its key leaves the in-flight index, so that the sender can
--                send the event again
--   retry        ends the lease; the lane is due after a delay, with the same first event
--   release      ends the lease; the lane is due at the given time, with the same first event
--
-- KEYS[1] due   KEYS[2] fencing tokens   KEYS[3] meta   KEYS[4] in-flight index   KEYS[5] log   KEYS[6] log index
-- KEYS[7] dead letters   KEYS[8] progress of dead letters   KEYS[9] dead letter index
--   then for each transition: the lane, its progress, the event's dedupe set (or the lane again if the event has none)
-- ARGV[1] now, ms; "" reads Redis's clock   ARGV[2] length of the lease, ms
-- ARGV[3] maximum number of log records
-- ARGV[4] maximum number of dead letters   ARGV[5] retention of dead letters, ms
-- ARGV[6] maximum size of all dead letters, bytes; 0 in ARGV[4] to ARGV[6]: no such limit
-- ARGV[7], ARGV[8] the fields slices and layouts that the caller believes to be stored in meta
-- ARGV[9] number of dedupe sets of a new shard
--   then for each transition: its name, lane, fencing token, the fencing token of the lane's next lease, event ID,
--   log record or "", fingerprint or "", dedupe member or "", number of the bucket in which Doorbell received the event
--   or "", a number, progress or ""
--   The meaning of the number depends on the transition. For retry it is the delay, ms. For release it is the time at
--   which the lane is due, ms. For complete it is the maximum size in bytes of a next event that the caller accepts.
--   If a retry or dead-letter has empty progress, the event keeps the progress saved before.
-- returns {"finished", for each transition: "done"
--     | "due"                     done, and the lane is in the schedule without a lease
--     | "next", received, event   complete: the lane's next event, which the caller leases with the next fencing token
--     | "lost"                    the caller no longer has the lease
--     | "failed", message}        Redis cannot read the lane
--   | {"layouts", slices, layouts} if these fields differ from ARGV[7] and ARGV[8]; the script changes nothing
--
-- Safe to repeat: a repeated save stores the same progress again. Every other transition ends the lease, so a second
-- run answers "lost". The exception is a complete whose first run leased the next event: the second run finds the next
-- fencing token and returns the event again, because the caller may have lost the reply that contained it.
-- Out of memory: the script deletes old log records and dead letters to make room for new log records. If it writes no
-- log record, HDEL is the first write because Redis always allows it. Redis then allows the later writes (see
-- rejected_for_memory).
local due, tokens, meta, in_flight, log, log_index = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local now, slices, layouts = read_meta(meta, ARGV[1], 'slices', 'layouts')
if (slices or '') ~= ARGV[7] or (layouts or '') ~= ARGV[8] then
  return {'layouts', slices or '', layouts or ''}
end
local lease_ends, layout = int(now + tonumber(ARGV[2])), parse_layouts(layouts)[1]

local transitions, lanes = {}, {}
for arg = 10, #ARGV, 11 do
  local key = 10 + 3 * #transitions
  transitions[#transitions + 1] = {
    name = ARGV[arg], lane = ARGV[arg + 1], token = ARGV[arg + 2], next_token = ARGV[arg + 3], id = ARGV[arg + 4],
    record = ARGV[arg + 5], fingerprint = ARGV[arg + 6], member = ARGV[arg + 7], bucket = tonumber(ARGV[arg + 8]),
    number = tonumber(ARGV[arg + 9]), progress = ARGV[arg + 10],
    list = KEYS[key], saved = KEYS[key + 1], set = KEYS[key + 2],
  }
  lanes[#lanes + 1] = ARGV[arg + 1]
end

-- read: reads from the lane the event that a transition dead-letters, and the event after the one that it finishes. If
-- read sets an answer, the transition ends without a change.
local function read(t, token)
  local first, last = 2, t.number > 0 and 3 or 2
  if t.name == 'dead-letter' then
    first = 0
  end
  if token ~= t.token then
    if t.name ~= 'complete' or token ~= t.next_token then
      t.answer = {'lost'}
      return
    end
    t.repeated, first, last = true, 0, 1 -- the first run has removed the event
  end
  local found = redis.pcall('LRANGE', t.list, first, last)
  if found.err then
    t.answer = {'failed', found.err}
  elseif t.name == 'dead-letter' then
    t.dead, t.dead_event, t.received = found[1], found[2], found[3]
    local saved = redis.pcall('GET', t.saved)
    if t.progress == '' and type(saved) == 'string' then
      t.progress = saved
    end
  else
    t.received, t.event = found[1], found[2]
  end
end

-- The changes of all transitions. Each list becomes the arguments of one command, except finished. The list ended
-- begins with a field that never exists, so that the script always calls HDEL, which Redis allows when it is out of
-- memory.
local records = {}
local ended, leased = {''}, {}
local unscheduled, schedule = {}, {}
local deleted_progress, saved_progress = {}, {}
local fingerprints, finished = {}, {}

local function push(list, a, b)
  list[#list + 1] = a
  if b then
    list[#list + 1] = b
  end
end

local function end_lease(t, at)
  push(ended, t.lane)
  push(schedule, int(at), t.lane)
  t.answer = {'due'}
end

-- continue_lane: leases the next event of the lane to the caller if the event is small enough; otherwise it makes the
-- lane due. A lane is due from the time of receipt of its first event, so that workers claim lanes in the order of
-- receipt.
local function continue_lane(t)
  if not t.received then
    push(ended, t.lane)
    push(unscheduled, t.lane)
    t.answer = {'done'}
  elseif t.event and #t.event <= t.number then
    push(leased, t.lane, t.next_token)
    push(schedule, lease_ends, t.lane)
    t.answer = {'next', t.received, t.event}
  else
    end_lease(t, math.min(tonumber(string.match(t.received, '^%d+')) or now, now))
  end
end

local function finish_event(t)
  push(finished, t)
  push(deleted_progress, t.saved)
  if t.fingerprint ~= '' then
    push(fingerprints, t.fingerprint)
  end
  continue_lane(t)
end

local function save(t)
  push(deleted_progress, t.saved)
  push(saved_progress, t.saved, t.progress)
end

local apply = {
  save = function(t)
    save(t)
    t.answer = {'done'}
  end,
  complete = function(t)
    if t.repeated then
      continue_lane(t)
    else
      finish_event(t)
    end
  end,
  ['dead-letter'] = finish_event,
  retry = function(t)
    if t.progress ~= '' then
      save(t)
    end
    end_lease(t, now + t.number)
  end,
  release = function(t)
    end_lease(t, math.min(t.number, now))
  end,
}

local held = redis.call('HMGET', tokens, unpack(lanes))
for i, t in ipairs(transitions) do
  if t.name == 'complete' or t.name == 'dead-letter' then
    read(t, held[i])
  elseif held[i] ~= t.token then
    t.answer = {'lost'}
  end
  if not t.answer then
    apply[t.name](t)
    if t.record ~= '' and not t.repeated then
      push(records, t.id, t.record)
    end
  end
end

local function call(command, key, list)
  if #list > 0 then
    redis.call(command, key, unpack(list))
  end
end

if #records > 0 then
  write_records(log, log_index, records, now, tonumber(ARGV[3]), make_room)
end
redis.call('HDEL', tokens, unpack(ended))
if #deleted_progress > 0 then
  redis.call('DEL', unpack(deleted_progress))
end
if #saved_progress > 0 then
  redis.call('MSET', unpack(saved_progress))
end
call('HSET', tokens, leased)
call('ZREM', due, unscheduled)
call('ZADD', due, schedule)
call('HDEL', in_flight, fingerprints)
for _, t in ipairs(finished) do
  redis.call('LTRIM', t.list, 2, -1)
  if t.name == 'dead-letter' then
    add_dead_letter(t.id, string.match(t.dead or '', '^%d*') .. ' ' .. (t.dead_event or ''), t.progress, now)
  elseif t.member ~= '' then
    add_to_dedupe_set(t.set, t.member, layout, t.bucket, now)
  end
end
if #finished > 0 then
  redis.call('HINCRBY', meta, 'depth', -#finished)
end
bound_dead_letters(tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), now)
adapt_layout(meta, slices, layouts, layout, tonumber(ARGV[9]), now)
store_time(meta)

local reply = {'finished'}
for _, t in ipairs(transitions) do
  for _, word in ipairs(t.answer) do
    push(reply, word)
  end
end
return reply
