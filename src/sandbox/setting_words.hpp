#pragma once

#include "usherd/sandbox/settings.hpp"

#include <array>
#include <string_view>

namespace usherd::sandbox {

/// The words a setting of type E is written with, in the order of its enumerators.
template <class E>
struct Words;

#define USHERD_SANDBOX_WORDS(type, ...)                                               \
  template <>                                                                         \
  struct Words<type> {                                                                \
    static constexpr std::array all = std::to_array<std::string_view>({__VA_ARGS__}); \
  };

USHERD_SANDBOX_WORDS(Role, "ADMIN", "ARCHITECT", "USER")
USHERD_SANDBOX_WORDS(Region, "any", "na1", "eu1")
USHERD_SANDBOX_WORDS(Certificate, "good", "expired", "wrong_host", "unknown_authority")
USHERD_SANDBOX_WORDS(EmptyBatch, "reject", "accept")
USHERD_SANDBOX_WORDS(OverBody, "json", "html", "reset")
USHERD_SANDBOX_WORDS(BadRecords, "async", "strict")
USHERD_SANDBOX_WORDS(UnknownMembers, "ignore", "reject")
USHERD_SANDBOX_WORDS(LengthUnit, "characters", "bytes")
USHERD_SANDBOX_WORDS(OversizedValue, "drop", "reject")
USHERD_SANDBOX_WORDS(ApplyOrder, "order", "random")
USHERD_SANDBOX_WORDS(Crossing, "whole", "before")
USHERD_SANDBOX_WORDS(RetryAfter, "seconds", "missing", "zero", "huge", "http_date", "garbage")
USHERD_SANDBOX_WORDS(Idempotency, "new", "old", "off")
USHERD_SANDBOX_WORDS(Merge, "deep", "shallow")
USHERD_SANDBOX_WORDS(Nulls, "clear", "ignore", "reject")
USHERD_SANDBOX_WORDS(LastToken, "absent", "empty")
USHERD_SANDBOX_WORDS(FailedWord, "FAILED", "COMPLETED")
USHERD_SANDBOX_WORDS(ProcessingCounts, "zero", "partial")
USHERD_SANDBOX_WORDS(EmptyErrors, "page", "not_found")
USHERD_SANDBOX_WORDS(ErrorsListed, "all", "none")

#undef USHERD_SANDBOX_WORDS

template <class E>
[[nodiscard]] std::string_view word(E value) {
  return Words<E>::all[static_cast<std::size_t>(value)];
}

}  // namespace usherd::sandbox
