#include "usherd/core/log_event.hpp"

#include "usherd/core/text.hpp"

#include <array>

namespace usherd {
namespace {

struct EventName {
  std::string_view name;
  std::string_view id;
};

// clang-format off: a table, an event a line.
constexpr std::array<EventName, kLogEvents> kEvents{{
    {"", ""},
    {"started", "8168d8d4f8ac42008de49082473c6ac0"},
    {"stopping", "045167830858486680d1f257fbdbbe68"},
    {"parked", "26f3e01093c642c9a2ea827c1997f602"},
    {"unparked", "fd1461feefa848d3bcd03a873a3fd041"},
    {"reloaded", "17154853138447a1ab33c2b7d0cd8125"},
    {"reload_refused", "c14cdf0e427a45259fbefc746dffb13e"},
    {"key_changed", "d16b68442d7841d384ae07e21abc1557"},
    {"file_finished", "0c70401ba2ff4e0fa7035bb652935356"},
    {"file_refused", "e9164c23ba134b8db33fa4a9d55ffeb0"},
    {"file_left", "598d6a661f9043759cf2eabb025b97ba"},
    {"batch_rekeyed", "9453e2830d7d462586ad5183152358a2"},
    {"api_fails", "e4a3f2543114410d920c3ba84ee80cdb"},
    {"api_answers", "57e102e5873c4cdd8d933ed59c801e6c"},
    {"unwell", "029ed0150a174186b86402cfb1e661e6"},
}};
// clang-format on

/// A place that no source has: its address says that a context is carried.
constexpr const char kCarriesContext[] = "";

/// The syslog priority of a level, by spdlog's number of it.
constexpr std::array<char, 7> kPriorities{'7', '7', '6', '4', '3', '2', '6'};

}  // namespace

std::string_view message_id(LogEvent event) {
  return kEvents[static_cast<std::size_t>(event)].id;
}

std::string_view to_string(LogEvent event) {
  return kEvents[static_cast<std::size_t>(event)].name;
}

spdlog::source_loc place_of(const LogContext& context) {
  // Line 0 tells spdlog's own formatters that there is no place to print.
  return {kCarriesContext, 0, static_cast<const char*>(static_cast<const void*>(&context))};
}

const LogContext* context_of(const spdlog::details::log_msg& message) {
  if (message.source.filename != kCarriesContext)
    return nullptr;
  return static_cast<const LogContext*>(static_cast<const void*>(message.source.funcname));
}

std::vector<std::string> journal_fields(const spdlog::details::log_msg& message) {
  std::vector<std::string> fields;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    if (!value.empty())
      fields.push_back(std::string(name) + "=" + printable(value));
  };
  fields.push_back("MESSAGE=" + text_of(message));
  fields.push_back(std::string("PRIORITY=") + kPriorities[static_cast<std::size_t>(message.level)]);
  fields.emplace_back("SYSLOG_IDENTIFIER=usherd");
  const auto* context = context_of(message);
  if (context == nullptr)
    return fields;
  add("MESSAGE_ID", message_id(context->event));
  add("USHERD_FILE", context->file);
  if (context->batch != 0)
    add("USHERD_BATCH", std::to_string(context->batch));
  add("USHERD_JOB", context->job);
  add("USHERD_REASON", context->reason);
  return fields;
}

}  // namespace usherd
