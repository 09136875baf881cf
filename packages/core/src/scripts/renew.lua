#!lua flags=allow-oom
-- uses shard records fencing
-- Renews the leases of a worker's tasks. ARGV: lease (ms), id, token, id, token, …
-- Returns {now, place, 'stale' | 'canceling', …}, places 0-based: of those that it does not hold any more, and of those
-- whose attempt is to settle. Upholds rule 5 (fencing).
local lease = tonumber(ARGV[1])
local reply = { now }
for at = 2, #ARGV, 2 do
  local id = ARGV[at]
  local held = redis.call('HMGET', open_key(id), 'status', 'token', 'began', 'fixed')
  local mine = holds(id, ARGV[at + 1], { status = held[1], token = held[2] })
  if mine then lease_for(id, { began = held[3], fixed = held[4] }, lease) end
  if not mine or held[1] == 'canceling' then
    reply[#reply + 1] = (at - 2) / 2
    reply[#reply + 1] = mine and 'canceling' or 'stale'
  end
end
return reply
