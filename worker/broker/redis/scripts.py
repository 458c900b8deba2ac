"""The Lua scripts that reserve and return messages on Redis or Valkey, each atomically."""

from typing import Final

# KEYS: kombu's hash and sorted set of unacknowledged messages, our counts of redeliveries, the stream that
# wakes workers, the list `orders`, then its lists of priorities; the shares' lists are found by their names.
# ARGV: maximum requests, maximum bytes, the latest time of an unacknowledged message, the queue's name, the
# prefixes of the shares' keys and names, the number of shares, the place of the lane whose turn was last, the
# most messages of a light lane, which lanes to take from ("all"; "few first": only light ones, if there are
# others as well; "few": only light ones), and then the lists to skip.
#
# A lane is a list with messages. Each in turn gives its part of the batch, at least one message, then each
# its rest. A lane's first message may exceed the limit, its later ones may not.
# Returns 1 if it took from light lanes only, else 0, the place of the last lane whose turn it was, the time
# of the last message, and the messages.
#
# Times are the broker's: a worker with a wrong clock would hold its messages for longer or shorter than the
# visibility timeout. They increase from one message to the next, unless the broker's clock was set back.
#
# A message that is not in kombu's format (no JSON, no tag) is wrapped into one that is, so that sweeps can
# handle it and it can become a dead letter. A compressed one ends a batch, as its size is unknown.
# The first command that writes is RPOP: Redis allows it, and the rest of the script, when its memory is full.
RESERVE: Final = """
local most_requests, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local shares, last, few, which = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10]
local at_once = 32
local left_alone, taken, requests, bytes = {}, {}, 0, 0
local is_all = which ~= 'few'  -- with that, lists are skipped
local clock = redis.call('TIME')
local now, latest = clock[1] + clock[2] * 1e-6, tonumber(ARGV[3])
if now <= latest and latest < now + 1 then now = latest + 1e-6 end
for index = 11, #ARGV do left_alone[ARGV[index]] = true end

local function found()
    local lanes = {}
    local function add(key, name, place)
        if not left_alone[key] and redis.call('EXISTS', key) == 1 then
            lanes[#lanes + 1] = {key = key, name = name, place = place, given = 0}
        end
    end
    for index = 5, #KEYS do add(KEYS[index], ARGV[4], index) end
    for first = 0, shares - 1, at_once do
        local keys = {}
        for number = first, math.min(first + at_once, shares) - 1 do keys[#keys + 1] = ARGV[5] .. number end
        if redis.call('EXISTS', unpack(keys)) > 0 then
            for offset, key in ipairs(keys) do
                local number = first + offset - 1
                add(key, ARGV[6] .. number, #KEYS + 1 + number)
            end
        end
    end
    return lanes
end

local function in_turn(lanes)
    local light, all, start = {}, {}, 1
    for index = #lanes, 1, -1 do
        if lanes[index].place > last then start = index end
    end
    for offset = 0, #lanes - 1 do
        local lane = lanes[1 + (start - 1 + offset) % #lanes]
        all[#all + 1] = lane
        if which ~= 'all' and redis.call('LLEN', lane.key) <= few then light[#light + 1] = lane end
    end
    if which == 'few' or (#light > 0 and #light < #all) then return 1, light end
    return 0, all
end

local function parsed(message, name)
    local ok, decoded = pcall(cjson.decode, message)
    local tag, carried, exchange, routing_key
    if ok then
        ok = pcall(function()
            tag = decoded.properties.delivery_tag
            exchange = decoded.properties.delivery_info.exchange
            routing_key = decoded.properties.delivery_info.routing_key
            carried = tonumber(decoded.headers.willcall_requests) or 1
            if carried < 1 or carried > 500 then carried = 1 end
            assert(type(tag) == 'string' and type(exchange) == 'string' and type(routing_key) == 'string')
        end)
    end
    if not ok then
        tag = 'foreign-' .. redis.sha1hex(message .. now .. requests)
        exchange, routing_key, carried = '', name, 1
        message = cjson.encode({
            body = message:gsub('.', function(c) return string.format('%02x', c:byte()) end),
            headers = {foreign = true}, ['content-type'] = 'application/octet-stream',
            ['content-encoding'] = 'binary',
            properties = {delivery_tag = tag, delivery_mode = 2, body_encoding = 'hex',
                delivery_info = {exchange = exchange, routing_key = routing_key}}})
        decoded = cjson.decode(message)
    end
    return message, decoded, tag, carried, exchange, routing_key
end

local function take(lane, most)
    while lane.given < most and requests < most_requests and bytes < most_bytes do
        local raw = redis.call('RPOP', lane.key)
        if not raw then return end
        local message, decoded, tag, carried, exchange, routing_key = parsed(raw, lane.name)
        if lane.given > 0 and requests + carried > most_requests then
            redis.call('RPUSH', lane.key, raw)
            is_all = false
            return
        end
        redis.call('HSET', KEYS[1], tag,
            '[' .. message .. ',' .. cjson.encode(exchange) .. ',' .. cjson.encode(routing_key) .. ']')
        -- A little later than the one before, so that they are returned in order.
        redis.call('ZADD', KEYS[2], string.format('%.7f', now + #taken * 1e-6), tag)
        local count = 1
        if decoded.headers.redelivered then count = 1 + redis.call('HINCRBY', KEYS[3], tag, 1) end
        lane.given = lane.given + carried
        requests = requests + carried
        bytes = bytes + #message
        if decoded.headers.compression then bytes = most_bytes end
        taken[#taken + 1] = {message, count, tag, lane.key}
    end
end

local is_light, lanes = in_turn(found())
local part = math.max(1, math.floor(most_requests / math.max(1, #lanes)))
local turn
for _, lane in ipairs(lanes) do
    take(lane, part)
    if lane.given > 0 then turn = lane end
end
-- Lanes that had a turn go to the end; if all had one, only the first, so that each is first once.
if turn == lanes[#lanes] then turn = lanes[1] end
for _, lane in ipairs(lanes) do take(lane, math.huge) end
-- What woke a worker is over. Otherwise it would be woken once more, for nothing, by what it took unasked.
if is_all and is_light == 0 and requests < most_requests and bytes < most_bytes then
    redis.call('XTRIM', KEYS[4], 'MAXLEN', 0)
end
return {is_light, turn and turn.place or last, string.format('%.7f', now + #taken * 1e-6), taken}
"""

# KEYS: kombu's sorted set. ARGV: tags of unacknowledged messages. They count as taken now, in this order, if
# they still exist: a sweep may have returned them meanwhile. Returns the time of the last.
KEEP: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] * 1e-6
for index, tag in ipairs(ARGV) do
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.7f', now + index * 1e-6), tag)
end
return string.format('%.7f', now + #ARGV * 1e-6)
"""

# KEYS: a list, and kombu's lists of messages sent there with a priority. All are moved into the first.
JOIN: Final = """
if redis.call('EXISTS', unpack(KEYS, 2)) == 0 then return end
for index = 2, #KEYS do
    while redis.call('LMOVE', KEYS[index], KEYS[1], 'RIGHT', 'LEFT') do end
end
"""

# KEYS: kombu's hash and sorted set, then the lists to return messages to. ARGV: for each message its tag,
# itself, and the number of its list, newest first. They are returned to the end that is read next.
GIVE_BACK: Final = """
for i = 1, #ARGV, 3 do
    if redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
        redis.call('ZREM', KEYS[2], ARGV[i])
        redis.call('RPUSH', KEYS[2 + ARGV[i + 2]], ARGV[i + 1])
    end
end
"""
