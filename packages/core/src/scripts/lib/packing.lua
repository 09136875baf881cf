-- An ended record is packed in two parts, so that lists and expiry need not touch what may be large.
local BULKY = { body = true, result = true }
-- What only an open record needs.
local SPENT = {
  flow = true, token = true, done = true, losses = true, undos = true, ends_as = true, start_by = true, confirm_by = true,
  callback = true, telling = true, told = true, asked = true,
}

-- What an ended record takes in Redis besides its text: its key, its places in indexes and in the list of its expiry. With its
-- text it is what it counts in the figure 'stored' (docs/decisions/016-bounded-memory.md): what
-- was counted with one number must not go with another.
local RECORD_BYTES = 550

-- Of a step's outcome only its state is kept.
local function kept_of(field, value) return field:sub(1, 5) == 'step:' and value:sub(1, 1) or value end

-- What is empty is left out.
local function pack_record(record)
  local slim, bulky = {}, {}
  for field, value in pairs(record) do
    if value ~= '' and not SPENT[field] then
      local part = BULKY[field] and bulky or slim
      part[#part + 1] = field
      part[#part + 1] = kept_of(field, value)
    end
  end
  slim = cmsgpack.pack(slim)
  return struct.pack('>I4', #slim) .. slim .. cmsgpack.pack(bulky)
end

-- The fields of an ended record, flat; nil if there is none.
local function done_record(id)
  local packed = redis.call('GET', done_key(id))
  if not packed then return nil end
  local flat, bulky = cmsgpack.unpack(packed:sub(5))
  for _, part in ipairs(bulky) do flat[#flat + 1] = part end
  return flat
end

-- The same without body and result.
local function done_record_slim(id)
  local length = redis.call('GETRANGE', done_key(id), 0, 3)
  if length == '' then return nil end
  return cmsgpack.unpack(redis.call('GETRANGE', done_key(id), 4, 3 + struct.unpack('>I4', length)))
end

-- The fields of an open record without body and result, flat; nil if there is none.
local function open_record_slim(id)
  local fields = {}
  for _, field in ipairs(redis.call('HKEYS', open_key(id))) do
    if not BULKY[field] then fields[#fields + 1] = field end
  end
  if #fields == 0 then return nil end
  local flat = {}
  for at, value in ipairs(redis.call('HMGET', open_key(id), unpack(fields))) do
    flat[2 * at - 1], flat[2 * at] = fields[at], value
  end
  return flat
end

-- The list of those that expire in one minute: it is swept once that is over. 'expiring' is the zset of the minutes that have one.
-- Not a timer: whatever is due goes before it, and many thousands may stand in one list.
local function expiry_list(expires) return timestamp(math.floor(expires / 60000) + 1) end

-- When an ended task expires.
local function expire_at(id, expires)
  local minute = expiry_list(expires)
  if redis.call('RPUSH', P .. 'expire:' .. minute, id) == 1 then redis.call('ZADD', P .. 'expiring', minute, minute) end
end

-- Whether an ended record is over. One whose callbacks are still tried is not.
local function expired(id, record)
  return tonumber(record.expires) <= now and redis.call('EXISTS', P .. 'trying:' .. id) == 0
end

-- An ended record is kept for longer than it was said.
local function keep_until(id, expires)
  local record = map_of(done_record(id))
  local before = expiry_list(record.expires)
  record.expires, record.version = timestamp(expires), tostring(record.version + 1)
  local packed = pack_record(record)
  local tenant = fixed_of(record)
  stored.charge(tenant, id, 'ended', #packed - redis.call('STRLEN', done_key(id)))
  redis.call('SET', done_key(id), packed)
  -- It stands in that list already if it was kept until the same minute before, and was not taken out of it (outbox.lua).
  local withheld = redis.call('SREM', P .. 'withheld', id) == 1
  if withheld or expiry_list(expires) ~= before then expire_at(id, expires) end
  announce(id, record.version)
end
