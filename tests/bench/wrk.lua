-- For wrk: calls one path with a different account's key each time, and prints what it measured on one
-- line. Arguments: method, path, file of keys (one a line; none = one call without a key).

local requests, at = {}, 0

function init(args)
    local method, path, keys = args[1], args[2], args[3]
    if not keys then
        requests[1] = wrk.format(method, path)
        return
    end
    for key in io.lines(keys) do
        requests[#requests + 1] = wrk.format(method, path, {Authorization = 'Token ' .. key})
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('measured %d %d %d %d %d\n', summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
