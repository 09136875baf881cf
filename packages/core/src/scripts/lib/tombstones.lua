-- What is left of an expired task: one field of a hash that a tenant's tasks of one hour share in 1,024 parts, small
-- enough for Redis to keep it as a listpack. Field: the id's 16 bytes. Value: ending, finished (ms), dies (s), resource.
local TOMB_HOUR_MS = 3600000
local TOMB_PARTS = 1024
-- Beyond so many a part is no listpack any more; from there on each that is added looks at some others, so that the dead do not
-- stay until the last of their hour has died.
local LISTPACK_FIELDS = 128
local LOOKED_AT = 4
-- A tombstone holds the place of its ending here: new ones are added behind.
local ENDINGS = {
  'completed:', 'failed:attempts_exhausted', 'failed:permanent_error', 'failed:invalid_result', 'failed:worker_lost',
  'failed:run_timeout', 'failed:revert_failed', 'canceled:client', 'canceled:start_timeout', 'canceled:deadline',
  'canceled:unconfirmed',
}

local function tomb_place(tenant, id)
  local hour = math.floor(tonumber(id:sub(1, 8) .. id:sub(10, 13), 16) / TOMB_HOUR_MS)
  local part = tonumber(id:sub(-3), 16) % TOMB_PARTS
  local field = id:gsub('-', ''):gsub('%x%x', function(byte) return string.char(tonumber(byte, 16)) end)
  return P .. 'tomb:' .. tenant .. ':' .. hour .. ':' .. part, field
end

-- Of those in a large part some are looked at, and the dead among them are cleared away.
local function tombs_clear(key)
  if redis.call('HLEN', key) <= LISTPACK_FIELDS then return end
  local some = redis.call('HRANDFIELD', key, LOOKED_AT, 'WITHVALUES')
  for i = 1, #some, 2 do
    local _, _, dies = struct.unpack('>BI6I4', some[i + 1])
    if dies * 1000 <= now then redis.call('HDEL', key, some[i]) end
  end
end

-- Returns status, reason, finished, resource; nothing once it has died.
local function tomb_read(tenant, id)
  local key, field = tomb_place(tenant, id)
  local value = redis.call('HGET', key, field)
  if not value then return nil end
  local ending, finished, dies, at = struct.unpack('>BI6I4', value)
  if dies * 1000 <= now then return nil end
  local status, reason = ENDINGS[ending]:match('^(%w+):(.*)$')
  return { status, reason, string.format('%.0f', finished), value:sub(at) }
end
