#pragma once

#include "usherd/spool/convert.hpp"

#include <functional>

namespace usherd {

/// Carries the bytes of one file through unpacking into a converter, and keeps them within limits. Everything
/// it is given must outlive it.
struct Pouring {
  ReadFile& source;
  std::uint64_t size = 0;
  FileFormat format;
  const ConvertLimits& limits;
  Converter& converter;
  /// What the converter has made so far, in bytes; counts against the limits like what it is fed.
  std::function<std::uint64_t()> made;
  const std::atomic<bool>* stop = nullptr;

  [[nodiscard]] Result<std::optional<Refusal>> run();
};

}  // namespace usherd
