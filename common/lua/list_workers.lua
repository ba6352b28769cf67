-- LIST_WORKERS: the registered workers, for an operator. Writes nothing.
--
-- KEYS  prefix
-- ARGV  most workers to list
-- Returns JSON text: an array of {"worker", "host", "pid", "version", "started_at", "concurrency",
-- "running", "done", "failed", "held", "lease_ms"}. held counts the elements in the worker's list;
-- lease_ms is what is left of its lease, negative when it has run out.

local now = now_ms()
local found = call('ZRANGE', PREFIX .. 'workers', 0, ARGV[1] - 1, 'WITHSCORES')
local rows = {}
for i = 1, #found, 2 do
    local worker, info = found[i], read_hash('worker:' .. found[i])
    rows[#rows + 1] = '{"worker":' .. text(worker) .. ',"host":' .. text(info.host)
        .. ',"pid":' .. number(info.pid) .. ',"version":' .. text(info.version)
        .. ',"started_at":' .. text(info.started_at)
        .. ',"concurrency":' .. number(info.concurrency) .. ',"running":' .. number(info.running)
        .. ',"done":' .. number(info.done) .. ',"failed":' .. number(info.failed)
        .. ',"held":' .. number(call('LLEN', PREFIX .. 'processing:' .. worker))
        .. ',"lease_ms":' .. whole(found[i + 1] - now) .. '}'
end
return '[' .. table.concat(rows, ',') .. ']'
