-- What every script starts from. KEYS[1] is the shard's prefix, with its hash tag; every key is built from it.
local P = KEYS[1]
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now = math.floor(now_us / 1000)
-- As text: Redis writes out a number argument at length and slowly.
local now_text = string.format('%.0f', now)
