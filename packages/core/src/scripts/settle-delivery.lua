#!lua flags=allow-oom
-- uses shard limits shares groups flows records packing outbox endpoints
-- Attempts at deliveries are over. ARGV, 8 an attempt: id, token, what follows ('delivered' | 'failed' | 'retry', in `delay` |
-- 'again': its worker tries once more at once | 'release': it was not tried, and waits for `delay`), delay (ms), the attempt
-- ("at HTTP-status duration error"; '' = none), health of the endpoint ('well' | 'ill' | 'so_so' | '' = nothing was learnt),
-- error, lease (ms, of 'again'); before them the retention, the first pause of an endpoint that is not well, and how long the
-- whole schedule takes (ms): what waited for so long at an endpoint that did not answer in all that time fails.
-- Answers an outcome for each: 'ok' | 'stale'. Upholds rule 5 (fencing).
local STRIDE = 8
local retention, first_pause, whole_schedule = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- Of those that waited too long, so many at once.
local MOST_GIVEN_UP = 100

-- What waited for another reason, such as that no worker was there, has had no chance.
local function give_up(flow)
  if now - tonumber(redis.call('HGET', endpoint_key(flow), 'since')) < whole_schedule then return end
  local eldest = string.format('%.0f', now_us - 1000 * whole_schedule)
  for _, id in ipairs(redis.call('ZRANGE', flow_key(CALLBACKS, flow), '-inf', eldest, 'BYSCORE', 'LIMIT', 0, MOST_GIVEN_UP)) do
    local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
    if obsolete(id, delivery) then drop_delivery(id, delivery)
    else
      flow_remove(CALLBACKS, flow, id)
      note_attempt(id, delivery, now_text .. ' 0 0 not tried: the endpoint did not answer as long as the whole schedule')
      delivery_fails(id, delivery, retention)
    end
  end
end

local function retry(id, delivery, delay)
  if obsolete(id, delivery) then return drop_delivery(id, delivery) end
  if delivery.again == '1' then
    redis.call('HSET', delivery_key(id), 'stage', '0', 'again', '')
    return delivery_waits(id, delivery.flow)
  end
  redis.call('HSET', delivery_key(id), 'stage', delivery.stage + 1)
  delivery_due(id, now + delay)
end

local function release(id, delivery, delay)
  if delay > 0 then delivery_due(id, now + delay) else delivery_waits(id, delivery.flow) end
end

local function settle(id, delivery, follows, delay, lease)
  if follows == 'again' then
    return redis.call('ZADD', P .. 'timers', timestamp(now + lease), 'posting:' .. id)
  end
  redis.call('ZREM', P .. 'timers', 'posting:' .. id)
  flow_release(CALLBACKS, delivery.flow)
  if follows == 'delivered' then
    redis.call('HSET', delivery_key(id), 'status', 'delivered', 'losses', '0', 'again', '')
    count('callbacks delivered', 1)
    no_longer_tried(id, delivery)
  elseif follows == 'release' then release(id, delivery, delay)
  elseif follows == 'retry' or delivery.again == '1' then retry(id, delivery, delay)
  else delivery_fails(id, delivery, retention) end
end

local outcomes = {}
for at = 4, #ARGV, STRIDE do
  local id, token, follows, delay = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local attempt, health, error, lease = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], tonumber(ARGV[at + 7])
  local delivery = map_of(redis.call('HGETALL', delivery_key(id)))
  local mine = delivery.token == token and redis.call('ZSCORE', P .. 'timers', 'posting:' .. id)
  outcomes[#outcomes + 1] = mine and 'ok' or 'stale'
  if mine then
    if attempt ~= '' then note_attempt(id, delivery, attempt) end
    settle(id, delivery, follows, delay, lease)
    local took = tonumber(attempt:match('^%d+ %d+ (%d+)'))
    if health ~= '' and endpoint_tried(delivery.flow, health, took, error, first_pause) then give_up(delivery.flow) end
  end
end
return answer(outcomes)
