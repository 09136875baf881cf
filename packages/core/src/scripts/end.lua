#!lua flags=allow-oom
-- uses shard limits shares groups flows records fencing waiting packing outbox ending canceling
-- Attempts settle, each by itself. ARGV, 7 an attempt: id, token, status, reason, result (JSON), resource, error (JSON);
-- before them the retention and the lease (ms).
-- A task that is canceling ends as was decided then, whatever its attempt came to. One that fails or is canceled, with
-- something to undo, stays in its holder's hands to be undone; one that needs confirmation awaits it.
-- Answers an outcome for each: {'ok', status, reason or ''} | {'undo', token, record} | {'stale'}.
-- Upholds rule 2 (one step) and rule 5 (fencing).
local STRIDE = 7
local retention, lease = tonumber(ARGV[1]), tonumber(ARGV[2])

local function undo(id, record, decision)
  local token = take_over(id, record, decision, lease)
  return { 'undo', token, joined(redis.call('HGETALL', open_key(id))) }
end

local function await_confirmation(id, record, confirm_ms)
  note_duration(record)
  leave(id, record)
  index_move(id, record, 'awaiting_confirmation')
  local due = timestamp(now + confirm_ms)
  redis.call('ZADD', P .. 'timers', due, 'confirm:' .. id)
  change(id, record, merged(attempt_ended(record, ''), {
    status = 'awaiting_confirmation', confirm_by = due, result = record.result, resource = record.resource,
  }))
  notify(id, record, 'awaiting_confirmation')
  return { 'ok', 'awaiting_confirmation', '' }
end

local function settle(id, record, ending)
  if record.status == 'canceling' then
    if ending.reason ~= 'revert_failed' then
      if undoable(record) then return undo(id, record, {}) end
      conclude(id, record, retention)
      return { 'ok', record.ends_as, record.reason }
    end
  elseif ending.status == 'failed' and undoable(record) then
    return undo(id, record, decide(id, record, 'failed', ending.reason, ending.error))
  elseif ending.status == 'completed' then
    record.result, record.resource = ending.result, ending.resource
    local _, _, _, _, confirm_ms = limits_of(record)
    if confirm_ms > 0 then return await_confirmation(id, record, confirm_ms) end
    note_duration(record)
  end
  end_task(id, record, ending, retention)
  return { 'ok', ending.status, ending.reason }
end

local outcomes = {}
for at = 3, #ARGV, STRIDE do
  local id = ARGV[at]
  local record = held_record(id, ARGV[at + 1])
  outcomes[#outcomes + 1] = not record and { 'stale' } or settle(id, record, {
    status = ARGV[at + 2], reason = ARGV[at + 3], result = ARGV[at + 4], resource = ARGV[at + 5], error = ARGV[at + 6],
  })
end
return answer(outcomes)
