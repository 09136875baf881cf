-- The record of a task. While it is open it is the hash 'open:ID'; ending packs it into the string 'done:ID'. User JSON is
-- carried as text and never decoded here.
-- Fields: 'fixed' = what never changes and scripts need; 'head', 'body'; status, version, token, attempt, flow,
-- progress, done (finished steps), created, updated, began, started, finished, expires, losses, reason, error, result,
-- resource; 'step:NAME' = a letter for its state, then its outcome; 'attempt:TOKEN' = "number started ended error".

local function open_key(id) return P .. 'open:' .. id end
local function done_key(id) return P .. 'done:' .. id end

local function map_of(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

-- A record as one text: far cheaper to carry than its parts. No field has this character: JSON does not allow it.
local function joined(flat) return table.concat(flat, '\31') end

-- tenant, operation, lane, priority, order (µs: its place in lists), number of steps
local function fixed_of(record)
  return record.fixed:match('^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
end

local function status_index(tenant, operation, status)
  return P .. 'index:' .. tenant .. ':' .. operation .. ':' .. status
end

local function index_move(id, tenant, operation, order, from, to)
  redis.call('ZREM', status_index(tenant, operation, from), id)
  redis.call('ZADD', status_index(tenant, operation, to), order, id)
end
