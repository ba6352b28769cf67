-- FIND_DEAD: whose job it was that `dead` remembers. Writes nothing.
--
-- KEYS  prefix
-- ARGV  job
-- Returns the account; "" when the entry names none; nil when there is no entry of that job.

for _, row in ipairs(call('LRANGE', PREFIX .. 'dead', 0, DEAD_MAX - 1)) do
    local is_json, entry = pcall(cjson.decode, row)
    if is_json and type(entry) == 'table' and entry.id == ARGV[1] then
        return type(entry.account) == 'string' and entry.account or ''
    end
end
return false
