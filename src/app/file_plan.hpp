#pragma once

#include "usherd/app/config.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/validate/record.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace usherd {

/// What the rules say of one file.
struct CheckedFile {
  std::uint64_t records = 0;
  std::uint64_t rejected = 0;
  std::uint64_t good_bytes = 0;         ///< of the records that would be sent, as they stand in a body
  std::optional<Refusal> refusal = {};  ///< of the whole file: nothing of it would be sent
};

using OnRejection = std::function<void(const Rejection&, std::uint64_t count)>;

/// Checks every record of a file, within the spool's limits for conversions. Errors: those of reading it.
[[nodiscard]] Result<CheckedFile> check_records(Files& files, const Config& config, const std::string& path,
                                                FileFormat format, const OnRejection& on_rejection);

/// How the checked files would go out together, if no user stood in the way: batches, and the limit that
/// binds.
class FilePlan {
 public:
  explicit FilePlan(const Config& config) : config_(config) {}
  void add(const CheckedFile& file);
  [[nodiscard]] std::string text() const;

 private:
  const Config& config_;
  std::uint64_t good_ = 0;
  std::uint64_t good_bytes_ = 0;
};

}  // namespace usherd
