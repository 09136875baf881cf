#!lua flags=allow-oom
-- uses shard limits shares groups flows records packing outbox
-- Takes for each of a batch the delivery whose turn it is. ARGV: lease (ms), how many.
-- Answers an outcome for each: {'taken', id, token, task, event, at (ms), tries, stage, left_out ('1' or ''), record} | {'none'}.
-- Upholds rule 3 (late binding) and rule 5: the token fences what comes of it; it is not renewed, no attempt lasts as long.
local lease, wished = tonumber(ARGV[1]), tonumber(ARGV[2])
-- What is not worth telling any more and is come by in one call, so that no call holds Redis for long.
local dropped_left = 200

-- The record as it was at the event, and whether its result had to be left out; nil if other hands than ours took it away.
local function record_at_event(delivery)
  if delivery.record then return delivery.record, delivery.left_out end
  local kept = done_record(delivery.task)
  if not kept then return nil end
  local record = map_of(kept)
  record.version, record.expires = delivery.version, delivery.expires
  local flat, left_out = told_record(record)
  return joined(flat), left_out
end

local function take()
  while dropped_left > 0 do
    local id, flow = flow_take(CALLBACKS)
    if not id then return { 'none' } end
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    local record, left_out
    if delivery.flow and not obsolete(id, delivery) then record, left_out = record_at_event(delivery) end
    if record then
      local token = tostring(delivery.token + 1)
      redis.call('HSET', delivery_key(id), 'token', token)
      redis.call('ZADD', P .. 'timers', timestamp(now + lease), 'posting:' .. id)
      local event, at, tries, stage = delivery.event, tonumber(delivery.at), tonumber(delivery.tries), tonumber(delivery.stage)
      return { 'taken', id, token, delivery.task, event, at, tries, stage, left_out, record }
    end
    if delivery.flow then
      -- It counts as tried, so that its slot is given back.
      redis.call('ZADD', P .. 'timers', now_text, 'posting:' .. id)
      drop_delivery(id, delivery)
    else
      flow_release(CALLBACKS, flow)
    end
    dropped_left = dropped_left - 1
  end
  -- The rest is for another call.
  want(CALLBACKS, 1)
  return { 'none' }
end

local outcomes = {}
for at = 1, wished do outcomes[at] = take() end
redis.call('HSET', P .. 'lane:' .. CALLBACKS, 'fetched', now_text)
return answer(outcomes)
