-- Who looks at an object. KEYS: the object's hash. ARGV: the user, now and how long a look counts, both in seconds.
-- Answer: the other users and since when, in turns, sorted by name. A user who looks again within that time has been looking since then.
local now, keep = tonumber(ARGV[2]), tonumber(ARGV[3])
local since = now
local others = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local began, last = string.match(all[i + 1], '^(%d+) (%d+)$')
    if not last or tonumber(last) + keep <= now then
        redis.call('HDEL', KEYS[1], all[i])
    elseif all[i] == ARGV[1] then
        since = tonumber(began)
    else
        table.insert(others, {all[i], began})
    end
end
redis.call('HSET', KEYS[1], ARGV[1], since .. ' ' .. now)
redis.call('EXPIRE', KEYS[1], keep)
table.sort(others, function(a, b) return a[1] < b[1] end)
local answer = {}
for _, other in ipairs(others) do
    table.insert(answer, other[1])
    table.insert(answer, other[2])
end
return answer
