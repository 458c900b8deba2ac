"""The Lua scripts by which messages are reserved and given back on Redis or Valkey, each in one step."""

from typing import Final

# KEYS: kombu's hash and sorted set of unacknowledged messages, our counts of redeliveries, the queue's list,
# then its lists of priorities, those first that go first this time.
# ARGV: requests at most, bytes at most, the time, the queue's name, and how many requests the lists of
# priorities may give before the queue's own list, so that neither waits for the other's end.
# A message that is not kombu's (no JSON, no tag) is wrapped into one that is, so that no sweep stumbles over
# it and it can become a dead letter. A compressed one ends a batch: nobody knows how large it becomes.
# The first command that writes is RPOP: Redis lets it, and the rest of a script after it, pass when its
# memory is full.
RESERVE: Final = """
local most_requests, most_bytes, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5])
local taken, requests, bytes = {}, 0, 0

local function take(index, most)
    while requests < most and bytes < most_bytes do
        local message = redis.call('RPOP', KEYS[index])
        if not message then return end
        local ok, decoded = pcall(cjson.decode, message)
        local tag, carried, exchange, routing_key
        if ok then
            ok = pcall(function()
                tag = decoded.properties.delivery_tag
                exchange = decoded.properties.delivery_info.exchange
                routing_key = decoded.properties.delivery_info.routing_key
                carried = tonumber(decoded.headers.willcall_requests) or 1
                assert(type(tag) == 'string' and type(exchange) == 'string' and type(routing_key) == 'string')
            end)
        end
        if not ok then
            tag = 'foreign-' .. redis.sha1hex(message .. ARGV[3] .. requests)
            exchange, routing_key, carried = ARGV[4], ARGV[4], 1
            message = cjson.encode({
                body = message:gsub('.', function(c) return string.format('%02x', c:byte()) end),
                headers = {foreign = true}, ['content-type'] = 'application/octet-stream',
                ['content-encoding'] = 'binary',
                properties = {delivery_tag = tag, delivery_mode = 2, body_encoding = 'hex',
                    delivery_info = {exchange = exchange, routing_key = routing_key}}})
            decoded = cjson.decode(message)
        end
        if #taken > 0 and requests + carried > most_requests then
            redis.call('RPUSH', KEYS[index], message)
            return
        end
        redis.call('HSET', KEYS[1], tag,
            '[' .. message .. ',' .. cjson.encode(exchange) .. ',' .. cjson.encode(routing_key) .. ']')
        redis.call('ZADD', KEYS[2], ARGV[3], tag)
        local count = 1
        if decoded.headers.redelivered then count = 1 + redis.call('HINCRBY', KEYS[3], tag, 1) end
        requests = requests + carried
        bytes = bytes + #message
        if decoded.headers.compression then bytes = most_bytes end
        taken[#taken + 1] = {message, count, tag, KEYS[index]}
    end
end

for index = 5, #KEYS do take(index, share) end
take(4, most_requests)
for index = 5, #KEYS do take(index, most_requests) end
return taken
"""

# KEYS: kombu's hash and sorted set, then the lists that messages go back to. ARGV: tag, message, and the
# number of its list, newest first. They go back to the end that is read next.
GIVE_BACK: Final = """
for i = 1, #ARGV, 3 do
    if redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
        redis.call('ZREM', KEYS[2], ARGV[i])
        redis.call('RPUSH', KEYS[2 + ARGV[i + 2]], ARGV[i + 1])
    end
end
"""
