-- The chain of four as a careful author writes it for nginx: keys in a table that is made once, counters and
-- breaker in shared dictionaries. It is cheaper in kind than Tollgate's: keys are neither hashed nor compared in
-- constant time, and the window is fixed, not sliding.
local _M = {}

local ngx = ngx
local ngx_var, ngx_header, ngx_req = ngx.var, ngx.header, ngx.req
local counters, breaker = ngx.shared.counters, ngx.shared.breaker
local floor = math.floor

local LIMIT, WINDOW = 1000000000, 60
local POLICY = '"default";q=' .. LIMIT .. ";w=" .. WINDOW
local FAILURES, RECOVERY = 5, 30

local consumers = {}
for number = 0, 999 do
    consumers[string.format("key-of-consumer-%04d", number)] =
        { name = string.format("consumer-%04d", number), groups = "partners" }
end

local function refuse(status, header, value, body)
    ngx.status = status
    ngx_header["Content-Type"] = "application/problem+json"
    ngx_header[header] = value
    ngx.print(body)
    return ngx.exit(status)
end

local function identify()
    local key = ngx_var.http_x_api_key
    local consumer = key and consumers[key]
    if not consumer then
        return refuse(401, "WWW-Authenticate", "ApiKey", '{"status":401,"title":"Unauthorized"}\n')
    end
    ngx_req.clear_header("X-Api-Key")
    ngx_req.set_header("X-Consumer-Name", consumer.name)
    ngx_req.set_header("X-Consumer-Groups", consumer.groups)
    return consumer
end

local function limit(consumer, context)
    local now = ngx.now()
    local window = floor(now / WINDOW)
    local count = counters:incr(consumer.name .. ":" .. window, 1, 0, 2 * WINDOW) or 0
    local reset = WINDOW - floor(now - window * WINDOW)
    context.rate = '"default";r=' .. (LIMIT - count) .. ";t=" .. reset
    if count > LIMIT then
        return refuse(429, "Retry-After", reset, '{"status":429,"title":"Too Many Requests"}\n')
    end
end

local function break_circuit()
    local open_until = breaker:get("users:open")
    if open_until and open_until > ngx.now() then
        return refuse(503, "Retry-After", RECOVERY, '{"status":503,"title":"Service Unavailable"}\n')
    end
end

function _M.on_request()
    local context = ngx.ctx
    local consumer = identify()
    limit(consumer, context)
    break_circuit()
    context.passed = true
    ngx_req.set_header("X-Edited", "yes")
    ngx_req.clear_header("Cache-Control")
end

function _M.on_response()
    local context = ngx.ctx
    if context.rate then
        ngx_header["RateLimit-Policy"] = POLICY
        ngx_header["RateLimit"] = context.rate
    end
    if not context.passed then
        return
    end
    ngx_header["X-Served-By"] = "gateway"
    ngx_header["X-Upstream-Detail"] = nil
    if ngx.status >= 500 then
        local failures = breaker:incr("users:failures", 1, 0, RECOVERY)
        if failures and failures >= FAILURES then
            breaker:set("users:open", ngx.now() + RECOVERY, RECOVERY)
        end
    elseif breaker:get("users:failures") then
        breaker:delete("users:failures")
    end
end

return _M
