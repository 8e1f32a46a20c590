-- How did a call end? Only reports of the present generation count: what began before the last change says nothing
-- about now.
-- KEYS: breaker, its probes. ARGV: generation, call's name, outcome (success, failure, released), worker, window (s),
-- minimum of calls, failure rate (0..1), open time (ms), longest open time (ms), probes per half-open window.
-- Answer: generation, state, state before.
redis.call('ZREM', KEYS[2], ARGV[2])
local state = redis.call('HGET', KEYS[1], 'state') or 'closed'
local generation = redis.call('HGET', KEYS[1], 'generation') or '0'
local before, outcome = state, ARGV[3]
if generation ~= ARGV[1] or outcome == 'released' or redis.call('HEXISTS', KEYS[1], 'forced') == 1 then
    return {generation, state, before}
end

local clock = redis.call('TIME')
local second = tonumber(clock[1])
local now = second * 1000 + math.floor(clock[2] / 1000)

local function turn(to)
    state, generation = to, string.format('%.0f', now)
    redis.call('HSET', KEYS[1], 'state', to, 'generation', generation, 'since', now)
    redis.call('DEL', KEYS[2])
end

local function open()
    local streak = redis.call('HINCRBY', KEYS[1], 'streak', 1)
    local wait = math.min(tonumber(ARGV[8]) * 2 ^ math.min(streak - 1, 30), tonumber(ARGV[9]))
    turn('open')
    redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + wait))
    redis.call('HINCRBY', KEYS[1], 'openings', 1)
end

-- The buckets' names come from Redis's clock, so they cannot be among KEYS; the braces in the name keep them in the
-- same slot of a cluster. They carry the generation, so a closed breaker starts with clean ones.
local function bucket(s) return KEYS[1] .. ':' .. generation .. ':' .. s end

-- The fleet's breaker opens when enough calls fail, and more than half of the workers see it so: one worker with a bad
-- link is that worker's own affair.
local function tripped()
    local calls, failures, workers = 0, 0, {}
    for s = second - tonumber(ARGV[5]) + 1, second do
        local counts = redis.call('HGETALL', bucket(s))
        for i = 1, #counts, 2 do
            local kind, worker, n = counts[i]:sub(1, 1), counts[i]:sub(2), tonumber(counts[i + 1])
            workers[worker] = workers[worker] or {calls = 0, failures = 0}
            calls, workers[worker].calls = calls + n, workers[worker].calls + n
            if kind == '-' then
                failures, workers[worker].failures = failures + n, workers[worker].failures + n
            end
        end
    end
    local rate, active, ill = tonumber(ARGV[7]), 0, 0
    for _, w in pairs(workers) do
        active = active + 1
        if w.failures >= rate * w.calls then ill = ill + 1 end
    end
    return calls >= tonumber(ARGV[6]) and failures >= rate * calls and 2 * ill > active
end

if state == 'closed' then
    redis.call('HINCRBY', bucket(second), (outcome == 'failure' and '-' or '+') .. ARGV[4], 1)
    redis.call('EXPIRE', bucket(second), tonumber(ARGV[5]) + 5)
    if outcome == 'failure' and tripped() then open() end
elseif state == 'half-open' then
    if outcome == 'failure' then
        open()
    elseif redis.call('HINCRBY', KEYS[1], 'successes', 1) >= tonumber(ARGV[10]) then
        turn('closed')
        redis.call('HSET', KEYS[1], 'streak', 0)
    end
end
return {generation, state, before}
