-- LIST_HISTORY: the last reports of an account, newest first. Writes nothing.
--
-- KEYS  prefix
-- ARGV  account, most bytes of reports
-- Returns JSON text: {"reports": [...]}, as many as fit; what is no JSON object is left out.

local history = PREFIX .. 'history:' .. ARGV[1]
local left = tonumber(ARGV[2])
local reports = {}
for i = 0, HISTORY_MAX - 1 do
    -- One by one, so that reports beyond the limit are not even copied.
    local report = call('LINDEX', history, i)
    left = left - (report and #report or 0)
    if not report or left < 0 then
        break
    end
    if report:sub(1, 1) == '{' and report:sub(-1) == '}' then
        reports[#reports + 1] = report
    end
end
return '{"reports":[' .. table.concat(reports, ',') .. ']}'
