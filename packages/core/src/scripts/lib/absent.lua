-- What is told of a task that is not open: {'ended', status} | {'gone', status, reason, finished, resource} | {'unknown'}.
local function absent(tenant, id)
  local flat = done_record_slim(id)
  if flat then
    local record = map_of(flat)
    if fixed_of(record) ~= tenant then return { 'unknown' } end
    if not expired(id, record) then return { 'ended', record.status } end
    return { 'gone', record.status, record.reason or '', record.finished, record.resource or '' }
  end
  local tombstone = tomb_read(tenant, id)
  if not tombstone then return { 'unknown' } end
  return { 'gone', unpack(tombstone) }
end

-- The open task that its client acts on; else nil and what the client is told: as for a task that is absent, or
-- {'late'} after `accept_by`, since the client was refused then (rule 10).
local function open_task_of(tenant, id, accept_by)
  if now > tonumber(accept_by) then return nil, { 'late' } end
  local record = open_record(id)
  if not record.fixed then return nil, absent(tenant, id) end
  if fixed_of(record) ~= tenant then return nil, { 'unknown' } end
  return record
end

-- A task as it is after a change that may have ended it.
local function shown(id)
  local flat = redis.call('HGETALL', open_key(id))
  return joined(#flat > 0 and flat or done_record(id))
end
