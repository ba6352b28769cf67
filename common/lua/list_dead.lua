-- LIST_DEAD: the jobs that failed, newest first. Writes nothing.
--
-- KEYS  prefix
-- ARGV  (none)
-- Returns JSON text: an array of what `dead` holds. What somebody else has put there and is no JSON
-- object is shown as {"element"}.

local rows = call('LRANGE', PREFIX .. 'dead', 0, DEAD_MAX - 1)
for i, row in ipairs(rows) do
    local is_json, entry = pcall(cjson.decode, row)
    if not is_json or type(entry) ~= 'table' or row:sub(1, 1) ~= '{' then
        rows[i] = '{"element":' .. cjson.encode((row:sub(1, 200):gsub('[^\32-\126]', '?'))) .. '}'
    end
end
return '[' .. table.concat(rows, ',') .. ']'
