-- wrk's requests: 8 headers (wrk writes Host itself), the keys of 1,000 consumers in turn.
local requests, turn = {}, 0

function init()
    for number = 0, 999 do
        requests[number] = wrk.format("GET", "/v1/users/42", {
            ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ["Accept"] = "application/json, text/plain;q=0.9, */*;q=0.8",
            ["Accept-Encoding"] = "gzip, deflate, br",
            ["Accept-Language"] = "en-GB,en;q=0.5",
            ["Cache-Control"] = "no-cache",
            ["Referer"] = "https://www.example.com/account/settings",
            ["X-Api-Key"] = string.format("key-of-consumer-%04d", number),
        })
    end
end

function request()
    turn = (turn + 1) % 1000
    return requests[turn]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,"non_2xx":%d,"socket_errors":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
