-- Rings of sealed secrets: the hash `ring:KIND` has a field for each owner. A ring is a line for each secret, newest first,
-- `created expires sealed`; expires is 0 for the newest, which holds until it is rotated.

local function rings_key(kind) return P .. 'ring:' .. kind end

-- The lines of a ring that still hold, and whether these are all.
local function holding(text)
  local lines, all = {}, true
  for line in text:gmatch('[^\n]+') do
    local expires = tonumber(line:match('^%d+ (%d+) '))
    if expires == 0 or expires > now then lines[#lines + 1] = line else all = false end
  end
  return lines, all
end

local function write_ring(kind, owner, lines)
  redis.call('HSET', rings_key(kind), owner, table.concat(lines, '\n'))
end

-- A ring as it is now, nil if there is none; a secret that no longer holds is forgotten.
local function ring_of(kind, owner)
  local text = redis.call('HGET', rings_key(kind), owner)
  if not text then return nil end
  local lines, all = holding(text)
  if not all then write_ring(kind, owner, lines) end
  return lines
end

local function ring_line(created, expires, sealed)
  return string.format('%.0f %.0f %s', created, expires, sealed)
end
