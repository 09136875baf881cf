-- The record of a task. While it is open it is the hash 'open:ID'; ending packs it into the string 'done:ID'. User JSON is
-- carried as text and never decoded here.
-- Fields: 'format' it was created in; 'fixed' = what never changes and scripts need; 'head', 'body'; status, version, token, attempt, flow,
-- progress, done (finished steps), created, updated, began, started, finished, expires, losses, reason, error, result,
-- resource, deadline, start_by, confirm_by, ends_as (what a task that is canceling will be), undos (tries of undoing since
-- a step was undone), callback (outbox.lua), telling and told (the last delivery of its progress, and when it was or is due),
-- asked (its Idempotency-Key was sent again);
-- 'step:NAME' = a letter for its state, then its outcome; 'attempt:TOKEN' = "number started ended
-- error", the error being JSON or the name of a kind.

local function open_key(id) return P .. 'open:' .. id end
local function done_key(id) return P .. 'done:' .. id end

local function map_of(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

-- The record of an open task, empty if there is none.
local function open_record(id) return map_of(redis.call('HGETALL', open_key(id))) end

-- A record as one text: far cheaper to carry than its parts. No field has this character: JSON does not allow it.
local function joined(flat) return table.concat(flat, '\31') end

local function timestamp(ms) return string.format('%.0f', ms) end

-- What never changes of the records that the call has come by, by its text: taken apart once.
local fixed_parts = {}
local function parts_of(record)
  local parts = fixed_parts[record.fixed]
  if not parts then
    parts = { record.fixed:match('^(%S+) (%S+) (%S+) (%S+) (%S+) (%d+),(%d+),(%d+),(%d+),(%d+)$') }
    fixed_parts[record.fixed] = parts
  end
  return parts
end

-- tenant, operation, lane, priority, order (µs: its place in lists)
local function fixed_of(record) return unpack(parts_of(record), 1, 5) end

-- number of steps; attempts; ms: one attempt, its grace, to wait for confirmation (0 = none is needed)
local function limits_of(record)
  local parts = parts_of(record)
  return tonumber(parts[6]), tonumber(parts[7]), tonumber(parts[8]), tonumber(parts[9]), tonumber(parts[10])
end

local function passed_deadline(record) return record.deadline and now >= tonumber(record.deadline) end

-- What 'progress' is without word from the handler: the share of finished steps.
local function share_of(done, steps)
  return steps == 0 and 0 or math.min(100, math.floor(100 * done / steps))
end

local function status_index(tenant, operation, status)
  return P .. 'index:' .. tenant .. ':' .. operation .. ':' .. status
end

-- Counts how many tasks of an operation have a status.
local function count_tasks(operation, status, by) count('tasks ' .. operation .. ' ' .. status, by) end

-- A task takes another status. Returns its operation.
local function index_move(id, record, to)
  local tenant, operation, _, _, order = fixed_of(record)
  redis.call('ZREM', status_index(tenant, operation, record.status), id)
  redis.call('ZADD', status_index(tenant, operation, to), order, id)
  count_tasks(operation, record.status, -1)
  count_tasks(operation, to, 1)
  return operation
end

-- Tells whoever watches a task that it has changed.
local function announce(id, version) redis.call('PUBLISH', P .. 'task:' .. id, version) end

-- Writes what is shown of an open task: one version more.
local function change(id, record, fields)
  fields.version, fields.updated = tostring(record.version + 1), now_text
  local flat = {}
  for field, value in pairs(fields) do
    record[field] = value
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  redis.call('HSET', open_key(id), unpack(flat))
  announce(id, record.version)
end

-- What a record's open attempt becomes when it ends; nothing if none is open.
local function attempt_ended(record, error)
  local field = 'attempt:' .. record.token
  local open = record[field]
  if not open or not open:match('^%d+ %d+$') then return {} end
  return { [field] = open .. ' ' .. now_text .. ' ' .. error }
end

-- The letters of a step: b begun, f finished, x failed. With an undo: d begun, u finished, r reverting, v reverted; and while
-- nobody knows how far a run of it came that was cut off: p not running, q begun again, y failed.
-- The steps whose letter is one of these, by their fields.
local function steps_in(record, letters)
  local found = {}
  for field, value in pairs(record) do
    if field:sub(1, 5) == 'step:' and letters:find(value:sub(1, 1), 1, true) then found[field] = value end
  end
  return found
end

-- Whether something is left to undo.
local function undoable(record) return next(steps_in(record, 'udpqyr')) ~= nil end

-- Steps with a letter that is a key here take the letter that is its value, as fields.
local function steps_become(record, letters)
  local fields = {}
  for field, value in pairs(record) do
    if field:sub(1, 5) == 'step:' then fields[field] = letters[value:sub(1, 1)] end
  end
  return fields
end

local function merged(...)
  local all = {}
  for _, fields in ipairs({ ... }) do
    for field, value in pairs(fields) do all[field] = value end
  end
  return all
end
