-- DROP_DEAD: forgets what `dead` remembers of one job.
--
-- KEYS  prefix
-- ARGV  job
-- Returns how many entries it removed: 0 when it was not there (any more).

local dead = PREFIX .. 'dead'
local removed = 0
for _, row in ipairs(call('LRANGE', dead, 0, DEAD_MAX - 1)) do
    local is_json, entry = pcall(cjson.decode, row)
    if is_json and type(entry) == 'table' and entry.id == ARGV[1] then
        removed = removed + call('LREM', dead, 1, row)
    end
end
return removed
