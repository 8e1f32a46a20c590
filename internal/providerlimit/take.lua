-- May a call go out now, and if not, when shall its caller ask again? The rule is in rule.go. The clock is Redis's.
-- KEYS: level of the bucket, places of the waiting callers, until when each is kept, pause, workers, turns of the client apps.
-- ARGV: calls per second, urgency (1 is the most urgent), caller, client app, for how long a late caller is waited for (us) and for how
-- long its turn is remembered after that (us), worker (empty: it was heard of just now), for how long a worker is remembered (s), each
-- urgency's share.
-- Answer, all text: admitted (1 or 0), how long to wait (us), how long a pause there is besides (us), workers (0: not counted).
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local workers = 0
if ARGV[7] ~= '' then
    redis.call('ZADD', KEYS[5], clock[1], ARGV[7])
    redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', clock[1] - ARGV[8])
    redis.call('EXPIRE', KEYS[5], ARGV[8])
    workers = redis.call('ZCARD', KEYS[5])
end
local held = redis.call('MGET', KEYS[1], KEYS[4])
local level, pause = held[1], held[2] and math.max(0, redis.call('PTTL', KEYS[4])) * 1000 or 0
local function answer(admitted, wait)
    return {admitted and '1' or '0', string.format('%.0f', wait), string.format('%.0f', pause), tostring(workers)}
end

local rate = tonumber(ARGV[1])
local burst, own, share = math.max(1, rate), tonumber(ARGV[2]), {}
for i = 9, #ARGV do share[i - 8] = tonumber(ARGV[i]) end

-- The level, what has run in since, and whether callers may wait: 0 says that none does.
local tokens, idle, credit, passed, mayWait = burst, 0, {}, 0, 1
if level then
    local fields = {}
    for field in level:gmatch('%S+') do fields[#fields + 1] = tonumber(field) end
    passed = math.max(0, now - fields[1]) / 1e6
    tokens, idle = fields[2], fields[3]
    for h = 1, #share do credit[h] = fields[3 + h] end
    mayWait = fields[4 + #share] or 1
end
tokens = tokens + passed * rate
if tokens > burst then
    idle = math.min(1, idle + tokens - burst)
    tokens = burst
end
for h = 1, #share do
    credit[h] = math.min(math.max(2, share[h] * burst), (credit[h] or burst) + passed * rate * share[h])
end

-- A place is the urgency and then the turn, so that both fit into a score. That of a late caller is negative.
local function place(h, turn) return string.format('%.0f', h * 1e15 + turn) end
local caller, client = ARGV[2] .. ':' .. ARGV[3], ARGV[2] .. ':' .. ARGV[4]
local lowest, above = place(own, 0), '(' .. place(own + 1, 0)

-- The place for a caller that has none: the next turn of its client app, or the turn of the caller that goes first now, if that is later.
-- Client apps whose next turn is over are forgotten.
local function newPlace()
    local first = redis.call('ZRANGEBYSCORE', KEYS[2], lowest, above, 'WITHSCORES', 'LIMIT', 0, 1)[2]
        or redis.call('ZREVRANGEBYSCORE', KEYS[6], above, lowest, 'WITHSCORES', 'LIMIT', 0, 1)[2] or lowest
    redis.call('ZREMRANGEBYSCORE', KEYS[6], lowest, '(' .. first)
    local mine = math.max(first, tonumber(redis.call('ZSCORE', KEYS[6], client) or 0))
    redis.call('ZADD', KEYS[6], place(0, mine + 1), client)
    redis.call('EXPIRE', KEYS[6], 3600)
    return mine
end

-- A caller that is late is not waited for any more, but has the same turn when it comes again soon.
local function passOverLate()
    local late = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)
    if #late == 0 then return end
    local places, gone = redis.call('ZMSCORE', KEYS[2], unpack(late)), {}
    for i, name in ipairs(late) do
        local its = tonumber(places[i] or 0)
        if its > 0 then
            redis.call('ZADD', KEYS[2], place(0, -its), name)
            redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[6]), name)
        else
            gone[#gone + 1] = name
        end
    end
    if #gone == 0 then return end
    redis.call('ZREM', KEYS[2], unpack(gone))
    redis.call('ZREM', KEYS[3], unpack(gone))
end

local waiting, ahead, crowded = {}, 0, mayWait ~= 0 and redis.call('EXISTS', KEYS[2]) == 1
for h = 1, #share do waiting[h] = 0 end
if crowded then
    passOverLate()
    for h = 1, #share do waiting[h] = redis.call('ZCOUNT', KEYS[2], place(h, 0), '(' .. place(h + 1, 0)) end
    local mine = math.abs(tonumber(redis.call('ZSCORE', KEYS[2], caller) or newPlace()))
    redis.call('ZADD', KEYS[2], place(0, mine), caller)
    ahead = redis.call('ZRANK', KEYS[2], caller) - redis.call('ZCOUNT', KEYS[2], '-inf', '(' .. lowest)
end

local function claim(h) return math.min(math.floor(credit[h]), math.max(waiting[h], math.floor(share[h] * burst))) end
local turn = ahead + 1
local covered, others = turn <= credit[own], 0
for h = 1, #share do
    if h < own and covered then
        others = others + claim(h)
    elseif h < own then
        others = others + math.max(claim(h), waiting[h])
    elseif h > own and not covered then
        others = others + claim(h)
    end
end
local goes = tokens + 1e-6 >= others + turn or idle >= 1 and tokens + 1e-6 >= others + 1
local admitted, wait = pause == 0 and goes, 0
if admitted then
    tokens, idle = tokens - 1, 0
    credit[own] = math.max(0, credit[own] - 1)
    if crowded then
        redis.call('ZREM', KEYS[2], caller)
        redis.call('ZREM', KEYS[3], caller)
    end
else
    wait = (others + turn - tokens) / rate
    if not covered then wait = math.min(wait, (turn - credit[own]) / (share[own] * rate)) end
    wait = math.ceil(math.max(wait, 0.25 / rate) * 1e6)
    if not crowded then redis.call('ZADD', KEYS[2], place(0, newPlace()), caller) end
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + pause + wait + ARGV[5]), caller)
    redis.call('EXPIRE', KEYS[2], 3600)
    redis.call('EXPIRE', KEYS[3], 3600)
end
local after = {string.format('%.0f', now), string.format('%.17g', tokens), string.format('%.17g', idle)}
for h = 1, #share do after[h + 3] = string.format('%.17g', credit[h]) end
after[4 + #share] = admitted and not crowded and '0' or '1'
redis.call('SET', KEYS[1], table.concat(after, ' '), 'EX', 60)
return answer(admitted, wait)
