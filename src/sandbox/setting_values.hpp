#pragma once

#include "src/sandbox/setting_words.hpp"
#include "usherd/core/result.hpp"
#include "usherd/sandbox/settings.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace usherd::sandbox {

/// Reading one setting's value from JSON and writing it back. Text is taken for every type ("true", "200ms",
/// "64MiB"), so that a command line and a JSON file follow the same rules. Errors say what would have been
/// accepted.
[[nodiscard]] Result<void> read_value(bool& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(double& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(std::uint64_t& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(std::int64_t& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(std::string& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(Milliseconds& into, const boost::json::value& from);
[[nodiscard]] Result<void> read_value(JobTime& into, const boost::json::value& from);

[[nodiscard]] boost::json::value written(bool value);
[[nodiscard]] boost::json::value written(double value);
[[nodiscard]] boost::json::value written(std::uint64_t value);
[[nodiscard]] boost::json::value written(std::int64_t value);
[[nodiscard]] boost::json::value written(const std::string& value);
[[nodiscard]] boost::json::value written(Milliseconds value);
[[nodiscard]] boost::json::value written(const JobTime& value);

template <class E>
requires std::is_enum_v<E>
[[nodiscard]] Result<void> read_value(E& into, const boost::json::value& from) {
  std::string known;
  for (std::size_t i = 0; i < Words<E>::all.size(); ++i) {
    const std::string_view name = Words<E>::all[i];
    if (from.is_string() && std::string_view(from.get_string()) == name) {
      into = static_cast<E>(i);
      return {};
    }
    known.append(known.empty() ? "" : ", ").append(name);
  }
  return Error{Errc::invalid, "takes one of " + known};
}

template <class E>
requires std::is_enum_v<E>
[[nodiscard]] boost::json::value written(E value) {
  return boost::json::value(word(value));
}

}  // namespace usherd::sandbox
