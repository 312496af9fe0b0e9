-- layouts: functions that read and change the layouts of a shard's dedupe window.
-- Prelude: base.lua of redislua; meta.lua.
--
-- A layout is the length of a bucket, ms, and the number of sets over which the shard spreads its keys. Scripts add
-- keys under the current layout only. They search the earlier layouts too, until the last of their keys has left its
-- window, so a shard forgets no key early when its layout changes. Field layouts of meta lists all of them:
-- "LENGTH:SETS:TIME LENGTH:SETS:TIME ...". The first is the current one, and its TIME is when it became the current
-- one. The TIME of an earlier layout is when its sets have no live member any more: ten of its buckets after the change.
--
-- SETS is 0 in the former layout, the only one that earlier versions of Doorbell know. They list its bucket lengths in
-- field slices: "LENGTH:0 LENGTH:TIME ...". During an update, pods of both versions use the shard. The former layout is
-- therefore the current one as long as slices exists. After an hour, adapt_layout deletes slices and makes a new layout
-- the current one. If a pod of an earlier version is still running, or starts later, it writes slices again, and the
-- former layout becomes the current one for another hour.
local former_ms = 3600000

-- parse_layouts: returns the layouts in field layouts of meta as a list of tables with length, sets and time.
local function parse_layouts(stored)
  local list = {}
  for length, sets, time in string.gmatch(stored or '', '(%d+):(%d+):(%d+)') do
    list[#list + 1] = {length = tonumber(length), sets = tonumber(sets), time = tonumber(time)}
  end
  return list
end

-- store_layouts: makes a layout the current one. slices and stored are the values of the fields slices and layouts. It
-- must not be a script's first write (see rejected_for_memory).
local function store_layouts(meta, slices, stored, length, sets, now)
  local list, former, seen = {}, {}, {}
  local function add(length, sets, time)
    local name = int(length) .. ':' .. int(sets)
    if not seen[name] then
      seen[name] = true
      list[#list + 1] = name .. ':' .. int(time)
      if sets == 0 then
        former[#former + 1] = int(length) .. ':' .. (#list == 1 and '0' or int(time))
      end
    end
  end
  local function add_earlier(length, sets, time)
    if length > 0 and time > now then
      add(length, sets, time)
    end
  end
  local known = parse_layouts(stored)
  local current = known[1]
  local unchanged = current and current.length == length and current.sets == sets
  add(length, sets, unchanged and current.time or now)
  for i, layout in ipairs(known) do
    add_earlier(layout.length, layout.sets, i == 1 and now + 10 * layout.length or layout.time)
  end
  for former_length, time in string.gmatch(slices or '', '(%d+):(%d+)') do
    add_earlier(tonumber(former_length), 0, time == '0' and now + 10 * former_length or tonumber(time))
  end
  redis.call('HSET', meta, 'layouts', table.concat(list, ' '))
  if sets == 0 then
    redis.call('HSET', meta, 'slices', table.concat(former, ' '))
  elseif slices then
    redis.call('HDEL', meta, 'slices')
  end
end
