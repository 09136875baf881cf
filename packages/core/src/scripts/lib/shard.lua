-- What every script starts from. KEYS[1] is the shard's prefix, with its hash tag; every key is built from it.
local P = KEYS[1]
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)

local function open_key(id) return P .. 'open:' .. id end
local function done_key(id) return P .. 'done:' .. id end

local function map_of(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

local function flat_of(map)
  local flat = {}
  for field, value in pairs(map) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  return flat
end
