-- Keep the marks of notifications of one day. KEYS: the set of each mark. ARGV: the number of each mark in its set, and at last for
-- how long the sets are kept (s).
for i, key in ipairs(KEYS) do
    redis.call('SADD', key, ARGV[i])
    redis.call('EXPIRE', key, ARGV[#ARGV])
end
return {'kept'}
