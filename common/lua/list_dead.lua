-- LIST_DEAD: the jobs that failed, newest first, or a page of them. Writes nothing.
--
-- KEYS  prefix
-- ARGV  index of the first entry, how many at most
-- Returns JSON text: {"dead": [what the list holds], "next": index of the next page or null,
-- "total": entries in all}. What somebody else has put there and is no JSON object is shown as
-- {"element"}.

local dead = PREFIX .. 'dead'
local first, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local total = call('LLEN', dead)
local rows = call('LRANGE', dead, first, first + count - 1)
for i, row in ipairs(rows) do
    local is_json, entry = pcall(cjson.decode, row)
    if not is_json or type(entry) ~= 'table' or row:sub(1, 1) ~= '{' then
        rows[i] = '{"element":' .. cjson.encode((row:sub(1, 200):gsub('[^\32-\126]', '?'))) .. '}'
    end
end
local next_index = first + #rows
return '{"dead":[' .. table.concat(rows, ',') .. '],"next":'
    .. (#rows > 0 and next_index < total and whole(next_index) or 'null')
    .. ',"total":' .. whole(total) .. '}'
