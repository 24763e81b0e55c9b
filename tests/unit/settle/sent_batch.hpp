#pragma once

#include "usherd/settle/verdict.hpp"

#include "tests/fakes/mem_files.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace usherd::verdict_test {

inline UserKeys keys_for_tests() {
  std::array<std::byte, UserKeys::kSecretBytes> secret{};
  for (std::size_t i = 0; i < secret.size(); ++i)
    secret[i] = static_cast<std::byte>(i * 7 + 3);
  return UserKeys(secret);
}

struct Sent {
  std::string uid;
  std::string id;
  std::string record;
};

/// A batch in memory and the verdict over it.
struct Batch {
  explicit Batch(std::vector<Sent> records) : sent(std::move(records)) {
    for (const auto& record : sent) {
      row.users.push_back(!record.uid.empty()  ? keys.uid(record.uid)
                          : !record.id.empty() ? keys.id(record.id)
                                               : 0);
      row.seconds.push_back(!record.uid.empty() && !record.id.empty() ? keys.id(record.id) : 0);
    }
  }
  JobVerdict verdict() {
    return JobVerdict(row, keys, [this](std::uint32_t index) -> Result<std::string> {
      ++reads;
      if (failure)
        return *failure;
      return sent.at(index).record;
    });
  }

  UserKeys keys = keys_for_tests();
  std::vector<Sent> sent;
  BatchRow row;
  std::optional<Error> failure;
  std::size_t reads = 0;
};

inline Sent named(const std::string& uid) {
  return {uid, "", R"({"uid":")" + uid + R"(","properties":{"a":1}})"};
}
inline Sent anonymous(const std::string& record) {
  return {"", "", record};
}

inline ResultItem error_of(const std::string& uid, const std::string& code = "c",
                           const std::string& message = "m") {
  return {code, message, uid, std::nullopt, R"({"uid":")" + uid + R"("})"};
}
inline ResultItem echo(const std::string& user) {
  return {"c", "m", std::nullopt, std::nullopt, user};
}

inline JobAnswer ended(JobStatus status, std::optional<std::uint64_t> imports, std::uint64_t errors) {
  JobAnswer answer;
  answer.status = status;
  answer.status_known = true;
  answer.imports_given = imports.has_value();
  answer.imports = imports.value_or(0);
  answer.errors = errors;
  return answer;
}
constexpr auto kFailed = JobStatus::failed;
constexpr auto kCompleted = JobStatus::completed;

/// "0 rejected c m" for each entry.
inline std::vector<std::string> shown(const BatchVerdict& verdict) {
  std::vector<std::string> lines;
  for (const auto& entry : verdict.entries) {
    const auto& reason = verdict.reasons.at(entry.reason);
    const auto* const end = entry.end == OperationEnd::rejected  ? " rejected "
                            : entry.end == OperationEnd::unknown ? " unknown "
                                                                 : " imported ";
    lines.push_back(std::to_string(entry.index) + end + reason.code);
  }
  return lines;
}
using Lines = std::vector<std::string>;

}  // namespace usherd::verdict_test
