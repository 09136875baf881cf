#!lua
-- uses shard records packing
-- Moves all that a shard keeps, or the secrets, into the past, as if that much time had gone by. ARGV: ms.
local ms = tonumber(ARGV[1])

-- What a text of a time becomes.
local function earlier(text) return timestamp(tonumber(text) - ms) end

local TIMES = {
  'created', 'updated', 'began', 'started', 'finished', 'expires', 'deadline', 'start_by', 'confirm_by', 'told',
}
local function earlier_record(record)
  for _, field in ipairs(TIMES) do
    if record[field] then record[field] = earlier(record[field]) end
  end
  for field, value in pairs(record) do
    if field:sub(1, 8) == 'attempt:' then
      local number, started, ended, error = value:match('^(%d+) (%d+) ?(%d*)(.*)$')
      record[field] = number .. ' ' .. earlier(started) .. (ended ~= '' and ' ' .. earlier(ended) .. error or '')
    end
  end
  local before, order, limits = record.fixed:match('^(%S+ %S+ %S+ %S+) (%S+) (%S+)$')
  record.fixed = before .. ' ' .. timestamp(order - 1000 * ms) .. ' ' .. limits
  return record
end

-- A delivery, and the record of its task as it was.
local function earlier_delivery(key)
  for field, value in pairs(map_of(redis.call('HGETALL', key))) do
    if field == 'at' or field == 'expires' then redis.call('HSET', key, field, earlier(value))
    elseif field:sub(1, 8) == 'attempt:' then
      redis.call('HSET', key, field, (value:gsub('^%d+', earlier, 1)))
    elseif field == 'record' then
      local flat = {}
      for part in (value .. '\31'):gmatch('(.-)\31') do flat[#flat + 1] = part end
      local moved = {}
      for name, text in pairs(earlier_record(map_of(flat))) do
        moved[#moved + 1] = name
        moved[#moved + 1] = text
      end
      redis.call('HSET', key, field, joined(moved))
    end
  end
end

-- What is forgotten at some time is forgotten so much sooner.
local function earlier_end(key)
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - ms) end
end

local function earlier_recovery(key)
  for field, value in pairs(map_of(redis.call('HGETALL', key))) do
    if field ~= 'tried' then redis.call('HSET', key, field, (value:gsub('^%d+', earlier, 1))) end
  end
  earlier_end(key)
end

-- `least`: scores below it are no times.
local function earlier_scores(key, by, least)
  local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    local score = tonumber(members[i + 1])
    if score > least then redis.call('ZADD', key, timestamp(score - by), members[i]) end
  end
end

local function earlier_fields(key, fields)
  for _, field in ipairs(fields) do
    local value = redis.call('HGET', key, field)
    if value and tonumber(value) > ms then redis.call('HSET', key, field, earlier(value)) end
  end
end

-- When its stretches began: every other word.
local function earlier_drain(key)
  local drained = redis.call('HGET', key, 'drained')
  if not drained then return end
  redis.call('HSET', key, 'drained', (drained:gsub('(%d+)( %d+)', function(began, left) return earlier(began) .. left end)))
end

local function earlier_tombstones(key)
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local ending, finished, dies, at = struct.unpack('>BI6I4', flat[i + 1])
    redis.call('HSET', key, flat[i], struct.pack('>BI6I4', ending, finished - ms, dies - ms / 1000) .. flat[i + 1]:sub(at))
  end
  earlier_end(key)
end

local function earlier_rings(key)
  for _, owner in ipairs(redis.call('HKEYS', key)) do
    local ring = redis.call('HGET', key, owner):gsub('(%d+) (%d+)( %S+)', function(created, expires, sealed)
      return earlier(created) .. ' ' .. (expires == '0' and expires or earlier(expires)) .. sealed
    end)
    redis.call('HSET', key, owner, ring)
  end
end

-- A list is named by its minute: its tasks go to the lists of their new expiries, those that are kept for longer by now to
-- the list of that time.
local expiring = {}
local function earlier_expiry(key, minute)
  local until_ms = minute * 60000 - ms
  for _, id in ipairs(redis.call('LRANGE', key, 0, -1)) do expiring[#expiring + 1] = { id = id, until_ms = until_ms } end
  redis.call('DEL', key)
  redis.call('ZREM', P .. 'expiring', minute)
end

for _, key in ipairs(redis.call('KEYS', P .. '*')) do
  local kind, rest = key:sub(#P + 1):match('^(%a+):?(.*)$')
  if kind == 'open' then
    for field, value in pairs(earlier_record(open_record(rest))) do redis.call('HSET', key, field, value) end
  elseif kind == 'done' then redis.call('SET', key, pack_record(earlier_record(map_of(done_record(rest)))))
  elseif kind == 'tomb' then earlier_tombstones(key)
  elseif kind == 'key' then earlier_end(key)
  elseif kind == 'dlv' then earlier_delivery(key)
  elseif kind == 'endpoint' then
    earlier_fields(key, { 'since', 'probe', 'error_at' })
    earlier_end(key)
  elseif kind == 'endpoints' then
    earlier_scores(key, ms, -1)
    earlier_end(key)
  elseif kind == 'recovery' then earlier_recovery(key)
  elseif kind == 'failed' then earlier_scores(key, ms, -1)
  elseif kind == 'index' or kind == 'late' or kind == 'flow' or kind == 'aside' then earlier_scores(key, 1000 * ms, 1000 * ms)
  elseif kind == 'lane' then
    earlier_fields(key, { 'fetched', 'probed' })
    earlier_drain(key)
  elseif kind == 'passed' then
    for _, tenant in ipairs(redis.call('HKEYS', key)) do redis.call('HINCRBY', key, tenant, -1000 * ms) end
  elseif kind == 'upkeep' then earlier_fields(key, { 'ticked', 'leases_hold_until' })
  elseif kind == 'slots' then earlier_scores(key, ms, -1)
  elseif kind == 'ring' then earlier_rings(key)
  elseif kind == 'expire' then earlier_expiry(key, rest)
  end
end
earlier_scores(P .. 'timers', ms, -1)
for place, entry in ipairs(expiring) do
  local flat = done_record_slim(entry.id)
  local expires = flat and tonumber(map_of(flat).expires)
  entry.at, entry.place = expires and expires < entry.until_ms and expires or entry.until_ms - 1, place
end
-- Those of several lists may come to stand in one: the eldest first.
table.sort(expiring, function(a, b) return a.at < b.at or a.at == b.at and a.place < b.place end)
local listed = {}
for _, entry in ipairs(expiring) do
  local minute = timestamp(math.floor(entry.at / 60000) + 1)
  if not listed[entry.id .. minute] then
    listed[entry.id .. minute] = true
    redis.call('RPUSH', P .. 'expire:' .. minute, entry.id)
    redis.call('ZADD', P .. 'expiring', minute, minute)
  end
end
return { now }
