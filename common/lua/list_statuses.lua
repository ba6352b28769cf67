-- LIST_STATUSES: the public status of some accounts. Writes nothing.
--
-- KEYS  prefix
-- ARGV  accounts
-- Returns JSON text: an array, in the order of ARGV, of {"account", "state", "phase", "job",
-- "attempt", "worker", "done", "total", "failed", "error", "enqueued_at", "finished_at",
-- "next_attempt_at"}. An account without a remembered job is READY.

local rows = {}
for _, account in ipairs(ARGV) do
    rows[#rows + 1] = compose_status_row(account)
end
return '[' .. table.concat(rows, ',') .. ']'
