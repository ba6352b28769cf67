-- LIST_STATUSES: the public status of some accounts. Writes nothing.
--
-- KEYS  prefix
-- ARGV  accounts
-- Returns JSON text: an array, in the order of ARGV, of {"account", "state", "phase", "job",
-- "attempt", "worker", "done", "total", "failed", "error", "enqueued_at", "finished_at",
-- "next_attempt_at"}. An account without a remembered job is READY.

local rows = {}
for _, account in ipairs(ARGV) do
    local status = read_hash('status:' .. account)
    rows[#rows + 1] = '{"account":' .. text(account) .. ',"state":' .. text(status.state or 'READY')
        .. ',"phase":' .. text(status.phase) .. ',"job":' .. text(status.job)
        .. ',"attempt":' .. number(status.attempt) .. ',"worker":' .. text(status.worker)
        .. ',"done":' .. number(status.done) .. ',"total":' .. number(status.total)
        .. ',"failed":' .. number(status.failed) .. ',"error":' .. text(status.error)
        .. ',"enqueued_at":' .. text(status.enqueued_at)
        .. ',"finished_at":' .. text(status.finished_at)
        .. ',"next_attempt_at":' .. text(status.next_attempt_at) .. '}'
end
return '[' .. table.concat(rows, ',') .. ']'
