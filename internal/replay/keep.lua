-- Keep the marks of notifications of one day. KEYS: the sets. ARGV: for how long the sets are kept (s), then for each set the numbers of
-- its marks, divided by spaces.
for i, key in ipairs(KEYS) do
    local numbers = {}
    for number in ARGV[i + 1]:gmatch('%S+') do numbers[#numbers + 1] = number end
    redis.call('SADD', key, unpack(numbers))
    redis.call('EXPIRE', key, ARGV[1])
end
return {'kept'}
