-- An ended record is packed in two parts, so that lists and expiry need not touch what may be large.
local BULKY = { body = true, result = true }
-- What only an open record needs.
local SPENT = {
  flow = true, token = true, done = true, losses = true, undos = true, ends_as = true, start_by = true, confirm_by = true,
}

-- What is empty is left out, and of a step's outcome all but its state.
local function pack_record(record)
  local slim, bulky = {}, {}
  for field, value in pairs(record) do
    if value ~= '' and not SPENT[field] then
      local part = BULKY[field] and bulky or slim
      part[#part + 1] = field
      part[#part + 1] = field:sub(1, 5) == 'step:' and value:sub(1, 1) or value
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
  local flat = {}
  for _, field in ipairs(redis.call('HKEYS', open_key(id))) do
    if not BULKY[field] then
      flat[#flat + 1] = field
      flat[#flat + 1] = redis.call('HGET', open_key(id), field)
    end
  end
  return #flat > 0 and flat or nil
end
