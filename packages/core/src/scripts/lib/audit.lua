-- Trails of who did what: the stream 'audit:TENANT', and 'audit:' of what concerns no tenant. An entry has `act`; `by`: who did it, from
-- where, in which request; `on`: task, operation, delivery, API key, words, as many as there are. Parts stand apart by '\31'. Its id is
-- when it was. audit/ reads and writes the texts.

local function audit_key(tenant) return P .. 'audit:' .. tenant end

-- Notes an act in the step that does it. `by`: how many entries are kept, more or less (0: all), a space, and the entry's `by`; '' =
-- it is not noted. What follows are the parts of `on`.
local function audit(tenant, act, by, ...)
  local kept, who = by:match('^(%d+) (.*)$')
  if not kept then return end
  local on = table.concat({ ... }, '\31')
  if kept == '0' then redis.call('XADD', audit_key(tenant), '*', 'act', act, 'by', who, 'on', on)
  else redis.call('XADD', audit_key(tenant), 'MAXLEN', '~', kept, '*', 'act', act, 'by', who, 'on', on) end
end
