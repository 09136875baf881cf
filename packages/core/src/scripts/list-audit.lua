#!lua flags=no-writes
-- uses shard audit
-- Reads on in a tenant's trail, newest first. ARGV: tenant ('' = what concerns none), from and to (places in the stream, as XREVRANGE
-- takes them), act and task ('' = any), how many are looked at, how many are wanted.
-- Answers {the last that was looked at, or '' if there are no more, how many were looked at, {id, act, by, on}…}.
local tenant, from, to, act, task = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local looks, wanted = tonumber(ARGV[6]), tonumber(ARGV[7])
local found = redis.call('XREVRANGE', audit_key(tenant), from, to, 'COUNT', looks)
local reply = { #found == looks and found[#found][1] or '', #found }
for at, entry in ipairs(found) do
  local fields = entry[2]
  if (act == '' or fields[2] == act) and (task == '' or fields[6]:sub(1, #task) == task) then
    reply[#reply + 1] = { entry[1], fields[2], fields[4], fields[6] }
    if #reply > wanted + 1 then
      if at < #found then reply[1] = entry[1] end
      break
    end
  end
end
return answer(reply)
