#include "src/sandbox/control.hpp"

#include "src/sandbox/setting_values.hpp"
#include "src/sandbox/user_json.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace usherd::sandbox {
namespace json = boost::json;
namespace {

ApiAnswer told(std::string body) {
  ApiAnswer answer;
  answer.body = std::move(body);
  return answer;
}

ApiAnswer outcome(const Result<void>& done) {
  return done ? told("{}") : error_answer(400, "invalid_argument", done.error().message);
}

ApiAnswer not_found() {
  return error_answer(404, "resource_not_found", "no such control call");
}

/// A control body: an object, or nothing at all.
Result<json::object> parse_object(const std::string& body) {
  if (body.empty())
    return json::object();
  boost::json::error_code failure;
  json::value parsed = json::parse(body, failure);
  if (failure || !parsed.is_object())
    return Error{Errc::invalid, "the body is one JSON object"};
  return std::move(parsed.get_object());
}

Result<std::uint64_t> number_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  std::uint64_t number = 0;
  if (value == nullptr)
    return number;
  if (auto done = read_value(number, *value); !done)
    return done.error().within(name);
  return number;
}

}  // namespace

Control::Control(Organisation& organisation, VirtualClock& clock, std::function<void()> changed)
    : org_(organisation), clock_(clock), changed_(std::move(changed)) {}

bool Control::is_user_stream(std::string_view method, const Target& target) {
  return method == "GET" && target.path.size() == 2 && target.path[0] == "oracle" &&
         target.path[1] == "users";
}

ApiAnswer Control::answer(std::string_view method, const Target& target, const std::string& body) {
  struct Entry {
    std::string_view name;
    Handler handler;
  };
  static constexpr std::array kCalls = std::to_array<Entry>({{"oracle", &Control::oracle_call},
                                                             {"settings", &Control::settings_call},
                                                             {"faults", &Control::faults_call},
                                                             {"clock", &Control::clock_call},
                                                             {"key", &Control::key_call},
                                                             {"neighbour", &Control::neighbour_call},
                                                             {"reset", &Control::reset_call},
                                                             {"finish-jobs", &Control::finish_call}});
  org_.tick(clock_.now());
  for (const auto& [name, handler] : kCalls) {
    if (!target.path.empty() && target.path[0] == name)
      return (this->*handler)(method, target, body);
  }
  return not_found();
}

ApiAnswer Control::oracle_call(std::string_view method, const Target& target, const std::string&) {
  if (method != "GET")
    return not_found();
  if (target.path.size() == 1)
    return told(to_json(org_.oracle()));
  if (target.path[1] == "jobs")
    return told(jobs_json());
  if (target.path[1] == "keys")
    return told(keys_json());
  if (target.path[1] == "user") {
    const auto user = user_json(target.parameter("uid").value_or(""));
    return user ? told(*user) : error_answer(404, "resource_not_found", "no such user");
  }
  return not_found();
}

ApiAnswer Control::settings_call(std::string_view method, const Target&, const std::string& body) {
  if (method == "GET")
    return told(to_json(org_.settings));
  if (method != "PATCH" && method != "POST" && method != "PUT")
    return not_found();
  return outcome(set(with_json(org_.settings, body)));
}

ApiAnswer Control::faults_call(std::string_view method, const Target&, const std::string& body) {
  if (method == "GET")
    return told(org_.faults.json());
  if (method == "DELETE") {
    org_.faults.clear();
    return told("{}");
  }
  if (method != "PUT" && method != "POST")
    return not_found();
  return outcome(add_faults(body, method == "PUT"));
}

ApiAnswer Control::clock_call(std::string_view method, const Target& target, const std::string& body) {
  if (method != "POST" || target.path.size() != 2 || target.path[1] != "advance")
    return not_found();
  const auto object = parse_object(body);
  const auto seconds = object ? number_in(*object, "seconds") : Result<std::uint64_t>(object.error());
  const auto milliseconds = object ? number_in(*object, "milliseconds") : Result<std::uint64_t>(0);
  constexpr std::uint64_t kMost = 3'000'000'000ULL;
  if (!seconds || !milliseconds || *seconds > kMost || *milliseconds > kMost)
    return error_answer(400, "invalid_argument", "seconds, milliseconds: whole numbers below 3000000000");
  advance(Milliseconds(static_cast<std::int64_t>(*seconds * 1000 + *milliseconds)));
  return told("{}");
}

ApiAnswer Control::key_call(std::string_view method, const Target&, const std::string& body) {
  const auto object = parse_object(body);
  if (method != "POST" || !object)
    return not_found();
  const json::value* accept = object->if_contains("accept");
  const json::value* revoke = object->if_contains("revoke");
  if (accept != nullptr && accept->is_string()) {
    org_.access.accept(std::string(accept->get_string()));
  } else if (revoke != nullptr && revoke->is_bool() && revoke->get_bool()) {
    org_.access.revoke();
  } else {
    return error_answer(400, "invalid_argument", R"(takes {"revoke":true} or {"accept":"KEY"})");
  }
  return told("{}");
}

ApiAnswer Control::neighbour_call(std::string_view method, const Target&, const std::string& body) {
  const auto object = parse_object(body);
  if (method != "POST" || !object)
    return not_found();
  const auto batches = number_in(*object, "batches");
  const auto operations = number_in(*object, "operations");
  if (!batches || !operations || *batches > 1'000'000'000 || *operations > 1'000'000'000)
    return error_answer(400, "invalid_argument", "batches, operations: whole numbers");
  Neighbour neighbour;
  neighbour.batches = *batches;
  neighbour.operations = *operations;
  set_neighbour(neighbour);
  return told("{}");
}

ApiAnswer Control::reset_call(std::string_view method, const Target&, const std::string&) {
  if (method != "POST")
    return not_found();
  reset();
  return told("{}");
}

ApiAnswer Control::finish_call(std::string_view method, const Target&, const std::string& body) {
  const auto object = parse_object(body);
  if (method != "POST" || !object)
    return not_found();
  const json::value* job = object->if_contains("job");
  const std::string id = job != nullptr && job->is_string() ? std::string(job->get_string()) : std::string();
  return told(fmt::format("{{\"finished\":{}}}", finish_jobs(id)));
}

Result<void> Control::set(Result<Settings> settings) {
  if (!settings)
    return settings.error();
  org_.settings = std::move(*settings);
  org_.tick(clock_.now());
  changed_();
  return {};
}

Result<void> Control::add_faults(std::string_view text, bool replace) {
  auto rules = parse_faults(text);
  if (!rules)
    return rules.error();
  if (replace)
    org_.faults.clear();
  org_.faults.add(std::move(*rules));
  return {};
}

void Control::advance(Milliseconds by) {
  clock_.advance(by);
  org_.tick(clock_.now());
  changed_();
}

std::size_t Control::finish_jobs(std::string_view id) {
  const std::size_t count = org_.finish_jobs(clock_.now(), id);
  changed_();
  return count;
}

void Control::set_neighbour(Neighbour neighbour) {
  org_.jobs.set_neighbour(neighbour);
  org_.tick(clock_.now());
  changed_();
}

void Control::reset() {
  org_.reset();
  changed_();
}

}  // namespace usherd::sandbox
