-- PAGE_DEAD: a page of the jobs that failed, newest first. Writes nothing.
--
-- KEYS  prefix
-- ARGV  index of the first entry, how many at most
-- Returns JSON text: {"dead": [entries as in LIST_DEAD], "next": index of the next page or null,
-- "total": entries in all}.

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
