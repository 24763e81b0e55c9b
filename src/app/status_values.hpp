#pragma once

#include "usherd/core/result.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Members of a JSON object that may all be missing: then they read as 0, empty or false. Texts come out
/// printable. The document must outlive it.
class Values {
 public:
  explicit Values(const boost::json::object* object) : object_(object) {}

  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] double real(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  /// A duration for people; nothing for null.
  [[nodiscard]] std::optional<std::string> seconds(std::string_view name) const;
  [[nodiscard]] Values object(std::string_view name) const;
  [[nodiscard]] const boost::json::array* array(std::string_view name) const;
  /// Its items that are texts, printable.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  /// Its items that are objects.
  [[nodiscard]] std::vector<Values> list(std::string_view name) const;

 private:
  [[nodiscard]] const boost::json::value* find(std::string_view name) const;
  const boost::json::object* object_;
};

/// An answer of the service, parsed.
class Answer {
 public:
  /// Errc::invalid when it is no JSON object.
  [[nodiscard]] static Result<Answer> parse(std::string_view json);
  [[nodiscard]] Values values() const { return Values(&value_.get_object()); }

 private:
  explicit Answer(boost::json::value value) : value_(std::move(value)) {}
  boost::json::value value_;
};

[[nodiscard]] double real_of(const boost::json::value& value);

/// "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1.2G": at most six characters, for narrow columns.
[[nodiscard]] std::string short_size(std::uint64_t bytes);
/// A job of /api/status on one line.
[[nodiscard]] std::string job_line(const Values& job);

}  // namespace usherd
