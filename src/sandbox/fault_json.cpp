#include "src/sandbox/fault_words.hpp"
#include "src/sandbox/setting_values.hpp"
#include "usherd/core/text.hpp"
#include "usherd/sandbox/fault.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace usherd::sandbox {
namespace json = boost::json;
namespace {

/// What the defaults of one member depend on others for.
struct Named {
  bool layer = false;
  bool action = false;
};

Result<void> read_call(FaultRule& rule, const json::value& value) {
  if (value.is_string() && value.get_string() == "any") {
    rule.call.reset();
    return {};
  }
  Call call{};
  if (auto done = read_value(call, value); !done)
    return done.error();
  rule.call = call;
  return {};
}

Result<void> read_layer(FaultRule& rule, const json::value& value) {
  if (!value.is_string() || (value.get_string() != "api" && value.get_string() != "proxy"))
    return Error{Errc::invalid, "takes one of api, proxy"};
  rule.proxy = value.get_string() == "proxy";
  return {};
}

Result<void> read_code(FaultRule& rule, const json::value& value) {
  std::uint64_t code = 0;
  if (auto done = read_value(code, value); !done)
    return done.error();
  if (code < 200 || code > 999)
    return Error{Errc::invalid, "takes a status from 200 to 999"};
  rule.code = static_cast<unsigned>(code);
  return {};
}

Result<void> read_header_text(std::string& into, const json::value& value) {
  std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
    return Error{Errc::invalid, "takes text without line ends"};
  into = std::move(text);
  return {};
}

Result<void> read_member(FaultRule& rule, Named& named, std::string_view name, const json::value& value) {
  if (name == "call")
    return read_call(rule, value);
  if (name == "probability")
    return read_value(rule.probability, value);
  if (name == "after")
    return read_value(rule.after, value);
  if (name == "times")
    return read_value(rule.times, value);
  if (name == "batch_contains_uid")
    return read_value(rule.batch_contains_uid, value);
  if (name == "code")
    return read_code(rule, value);
  if (name == "body")
    return read_value(rule.body, value);
  if (name == "retry_after")
    return read_header_text(rule.retry_after, value);
  if (name == "location")
    return read_header_text(rule.location, value);
  if (name == "word")
    return read_value(rule.word, value);
  if (name == "bytes")
    return read_value(rule.bytes, value);
  if (name == "delay")
    return read_value(rule.delay, value);
  if (name == "action") {
    named.action = true;
    return read_value(rule.action, value);
  }
  if (name == "layer") {
    named.layer = true;
    return read_layer(rule, value);
  }
  return Error{Errc::invalid, "a fault has no such member"};
}

Result<FaultRule> parse_rule(const json::value& value) {
  if (!value.is_object())
    return Error{Errc::invalid, "a fault is a JSON object"};
  FaultRule rule;
  Named named;
  for (const auto& member : value.get_object()) {
    if (auto done = read_member(rule, named, member.key(), member.value()); !done)
      return done.error().within("fault member '" + printable(member.key()) + "'");
  }
  if (!named.action)
    return Error{Errc::invalid, "a fault needs an action"};
  if (rule.probability > 1)
    return Error{Errc::invalid, "fault member 'probability': takes 0 to 1"};
  // What is not the API's JSON, and what a load balancer says for a backend it lost, comes from in front of
  // the API.
  if (!named.layer)
    rule.proxy = rule.body != FaultBody::json || rule.code == 502 || rule.code == 503 || rule.code == 504;
  return rule;
}

}  // namespace

Result<std::vector<FaultRule>> parse_faults(std::string_view text) {
  boost::json::error_code failure;
  const json::value parsed = json::parse(text, failure);
  if (failure || !parsed.is_structured())
    return Error{Errc::invalid, "faults are a JSON object, or an array of them"};
  std::vector<FaultRule> rules;
  json::array lone;
  if (parsed.is_object())
    lone.push_back(parsed);
  for (const json::value& value : parsed.is_array() ? parsed.get_array() : lone) {
    auto rule = parse_rule(value);
    if (!rule)
      return rule.error();
    rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace usherd::sandbox
