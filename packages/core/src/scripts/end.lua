#!lua flags=allow-oom
-- uses shard flows records fencing packing ending
-- Running tasks end, each by itself. ARGV, 7 a task: id, token, status, reason, result (JSON), resource, error (JSON); before
-- them the retention (ms).
-- Returns {now, outcome…}: {'ok', jobs wanted} | {'stale'}. Upholds rule 2 (one step) and rule 5 (fencing).
local STRIDE = 7
local retention = tonumber(ARGV[1])

local outcomes = { now }
for at = 2, #ARGV, STRIDE do
  local id = ARGV[at]
  local record = held_record(id, ARGV[at + 1])
  if record then
    local jobs = end_task(id, record, {
      status = ARGV[at + 2], reason = ARGV[at + 3], result = ARGV[at + 4], resource = ARGV[at + 5], error = ARGV[at + 6],
      retention = retention,
    })
    outcomes[#outcomes + 1] = { 'ok', jobs }
  else
    outcomes[#outcomes + 1] = { 'stale' }
  end
end
return outcomes
