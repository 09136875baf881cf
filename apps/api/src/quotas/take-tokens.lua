#!lua flags=allow-oom
-- A token bucket (GCRA), in the place of rate-limiter-flexible's own script. KEYS[1]: the bucket, which has the time (µs) when it is full
-- again. ARGV: tokens wanted, seconds for which it may be kept, tokens that it holds, seconds in which it fills. Takes as many as
-- there are; if it may be kept for longer than it takes to fill, what is missing is owed. Returns {tokens missing from a full bucket, those included that were wanted in vain; ms until there is a token, 0 if there is}.
local wanted, holds, fills_us = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]) * 1000000
local owes_us = tonumber(ARGV[2]) * 1000000 - fills_us
local LONGEST_DEBT_US = 60 * 1000000
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local token_us = fills_us / holds
-- A clock that was set back makes nobody wait for longer than the longest debt does.
local full_at = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + fills_us + LONGEST_DEBT_US)
-- Times are whole microseconds: what that rounds away is no token.
local missing = math.ceil((full_at - now) / token_us - 0.001)
local taken = math.min(wanted, holds - missing + math.floor(owes_us / token_us))
if taken > 0 then
  full_at = full_at + taken * token_us
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
local wait_us = math.max(0, full_at - now - (holds - 1) * token_us)
return { missing + wanted, missing + taken < holds and 0 or math.ceil(wait_us / 1000) }
