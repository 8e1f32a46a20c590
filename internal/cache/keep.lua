-- Keep what the database said, unless something newer is held. Of two states of one version the provider's later word is newer.
-- KEYS: the copy. ARGV: version, the provider's time of the state (us), when the database was asked and now, both by Redis's clock (ms
-- since 1970), for how long it is kept at least, and for how long from now if it was to go sooner (ms), body.
-- Answer, all text: kept, or else older and the body that is held.
local at, now = tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 'version', 'said', 'at', 'body', 'expires')
if held[1] then
    local version, said = tonumber(held[1]), tonumber(held[2])
    local newer, same = tonumber(ARGV[1]) - version, tonumber(ARGV[2]) - said
    if newer < 0 or (newer == 0 and same < 0) then return {'older', held[4]} end
    -- The same once more is known to be so from the later of the two questions on.
    if newer == 0 and same == 0 then at = math.max(at, held[3]) end
end
local expires = tonumber(held[5] or '0')
local soon = expires < now + ARGV[5]
if soon then expires = now + ARGV[6] end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'said', ARGV[2], 'at', string.format('%.0f', at), 'body', ARGV[7],
    'expires', string.format('%.0f', expires), 'renewing', 0)
if soon then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return {'kept'}
