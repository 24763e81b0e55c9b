#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/ledger_reader.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/replay.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/validate/user_keys.hpp"

#include <memory>
#include <span>
#include <string>

namespace usherd {

/// What `trace` and `rejects` ask of spool and ledger together, answered as JSON (docs/status.md). Owns a
/// read-only connection to the ledger, made for one question. Blocking; `files` must outlive it.
class Inquiry {
 public:
  /// Errors: those of opening the ledger; corrupt where it has no secret of user keys yet.
  [[nodiscard]] static Result<std::unique_ptr<Inquiry>> open(const std::string& state_directory, Files& files,
                                                             const SpoolLayout& layout);

  /// Of a uid, or the id of a record, each, none twice: a line for each of so many as are told of at once,
  /// from the first on.
  [[nodiscard]] Result<std::string> trace(std::span<const std::string> users);
  /// `name` is that of the file made by a retry.
  [[nodiscard]] Result<std::string> retry(const ReplayOrder& order, const std::string& name);
  [[nodiscard]] Result<std::string> drop(const ReplayOrder& order);

 private:
  Inquiry(std::unique_ptr<LedgerReader> ledger, Files& files, SpoolLayout layout)
      : ledger_(std::move(ledger)), files_(files), layout_(std::move(layout)) {}

  std::unique_ptr<LedgerReader> ledger_;
  std::unique_ptr<UserKeys> keys_;
  Files& files_;
  SpoolLayout layout_;
};

}  // namespace usherd
