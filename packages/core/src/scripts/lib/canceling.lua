-- A task that is not to complete: what was finished of it is undone first, newest step first.

-- It is decided how a task will end: nothing limits it any more, and what awaited confirmation is no result. Returns what its
-- record says from now on.
local function decide(id, record, ends_as, reason, error)
  forget_limits(id, record)
  if record.confirm_by then
    redis.call('HDEL', open_key(id), 'confirm_by', 'result', 'resource')
    record.confirm_by, record.result, record.resource = nil, nil, nil
  end
  return { status = 'canceling', ends_as = ends_as, reason = reason, error = error, losses = '0', undos = '0' }
end

-- A task that is canceling ends as was decided.
local function conclude(id, record, retention)
  end_task(id, record, { status = record.ends_as, reason = record.reason, error = record.error or '' }, retention)
end

-- A task that nobody holds any more is undone by whoever claims it; one with nothing to undo ends.
local function abandon(id, record, ends_as, reason, flow, retention)
  if not undoable(record) then
    return end_task(id, record, { status = ends_as, reason = reason, error = '' }, retention)
  end
  leave(id, record)
  index_move(id, record, 'canceling')
  local cut = merged(attempt_ended(record, reason), steps_become(record, { b = 'x' }))
  change(id, record, merged(cut, decide(id, record, ends_as, reason, ''), { flow = flow }))
  wait_in(id, record, flow)
end

-- Cancels an open task that is not canceling yet. A running one stays in its worker's hands, which is told: its attempt
-- is to settle, so that a step that finishes meanwhile is known to be undone.
local function cancel_task(id, record, reason, retention)
  if record.status ~= 'running' then return abandon(id, record, 'canceled', reason, record.flow, retention) end
  index_move(id, record, 'canceling')
  change(id, record, decide(id, record, 'canceled', reason, ''))
  redis.call('PUBLISH', P .. 'cancels', id)
end

-- The holder goes on with undoing: under a new token, so that a handler that ignores its signal can write nothing more.
-- `decision`: what is decided just now, if it was not before. Returns the new token.
local function take_over(id, record, decision, lease)
  local cause = merged(record, decision)
  local error = (cause.error or '') ~= '' and cause.error or cause.reason
  local fields = merged(attempt_ended(record, error), steps_become(record, { b = 'x' }), decision)
  fields.token, fields.began = tostring(record.token + 1), now_text
  if decision.status then index_move(id, record, decision.status) end
  change(id, record, fields)
  lease_for(id, record, lease)
  return record.token
end
