-- Decides whether a request passes all of its limits now (GCRA). Redis keeps for each limit the time at which its backlog will be
-- empty. One limit without room refuses the request, and then none is charged. The clock is Redis's.
-- KEYS: the limits. ARGV: for each limit, the time that one request adds to the backlog and the longest backlog (us).
-- Answer, all text: admitted (1 or 0), then the backlog of each limit after this (us).
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answer, backlogs, empty = {'1'}, {}, redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
    backlogs[i] = math.max(0, (empty[i] or now) - now)
    if backlogs[i] + ARGV[2 * i - 1] > tonumber(ARGV[2 * i]) then answer[1] = '0' end
end
for i, key in ipairs(KEYS) do
    if answer[1] == '1' then
        backlogs[i] = backlogs[i] + ARGV[2 * i - 1]
        redis.call('SET', key, string.format('%.0f', now + backlogs[i]), 'PX', math.ceil(backlogs[i] / 1000))
    end
    answer[i + 1] = string.format('%.0f', backlogs[i])
end
return answer
