# Makes calls with Ticket Evolution's own client for Ruby, unmodified, and prints what it returns.
#
# Standard input: {"host", "token", "secret", "calls": [[method, parameters], …]}; standard output: the list of
# {"class", "status", "body"}. The argument says where the sources are.

sources = ARGV.fetch(0)
$LOAD_PATH.unshift("#{sources}/faraday/lib", "#{sources}/ticketevolution-ruby/lib")
require 'json'
require 'logger'
require 'ostruct'

# Ruby 3 has this method by another name.
class OpenStruct
  alias new_ostruct_member new_ostruct_member!
end

require 'ticket_evolution'

# The client demands Faraday 0.8.8, which takes a method's block by `Proc.new`: Ruby 3 has no such way. These
# three methods do the same with the block's name.
module Faraday
  def self.new(url = nil, options = {}, &block)
    Connection.new(url, options, &block)
  end

  class Builder
    def initialize(handlers = [], &block)
      @handlers = handlers
      build(&block) if block
    end
  end

  class Response
    def on_complete(&block)
      finished? ? block.call(env) : @on_complete_callbacks << block
      self
    end
  end
end

def plain(value)
  case value
  when TicketEvolution::Collection then { 'entries' => value.entries.map { |one| plain(one) } }
  when OpenStruct then plain(value.to_h)
  when TicketEvolution::Builder then plain(value.to_hash)
  when Hash then value.reject { |name, _| name.to_s == 'connection' }.to_h { |name, one| [name.to_s, plain(one)] }
  when Array then value.map { |one| plain(one) }
  when Time then value.utc.strftime('%FT%TZ')
  else value
  end
end

input = JSON.parse($stdin.read)
TicketEvolution::Connection.protocol = 'http'
# It joins the two by a dot.
TicketEvolution::Connection.subdomain, TicketEvolution::Connection.url_base = input['host'].split('.', 2)
connection = TicketEvolution::Connection.new(
  token: input['token'], secret: input['secret'], version: 9, mode: :production,
  ssl_verify: true, test_responses: false, logger: nil
)
answers = input['calls'].map do |method, parameters|
  found = connection.orders.public_send(method, parameters)
  { 'class' => found.class.name, 'status' => found.status_code, 'body' => plain(found) }
end
puts JSON.generate(answers)
