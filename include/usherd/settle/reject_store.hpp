#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/reject_line.hpp"
#include "usherd/spool/layout.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {

/// One line of a NAME.rejects.ndjson, read back.
struct StoredReject {
  std::string bytes;  ///< the line without its newline
  std::string file;   ///< the name under which the file is kept
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  Stage stage = Stage::local;
  std::string code;
  std::string message;
  BatchId batch = 0;               ///< 0 for none
  std::string job;                 ///< empty for none
  std::string record;              ///< as JSON; empty where it is no JSON and only `raw` tells of it
  std::string raw;                 ///< its own bytes where there is no `record`; perhaps not UTF-8
  std::string uid;                 ///< of the record, after unescaping; empty for none
  std::string id;                  ///< likewise
  std::string retried_as;          ///< the file it was sent again in; empty for none
  std::uint64_t retried_line = 0;  ///< its line there, from 1; 0 where that was not noted
  std::uint64_t at = 0;            ///< where the line begins in its file of rejects
};

/// Which rejects are meant; what is not set does not limit.
struct RejectFilter {
  std::optional<std::string> code;
  std::optional<Stage> stage;
  std::optional<std::string> file;  ///< NAME, as in `file`
  std::optional<std::string> uid;   ///< or the id, of a record without a uid

  [[nodiscard]] bool matches(const StoredReject& reject) const;
};

/// What becomes of a line when a file of rejects is written anew.
struct RejectEdit {
  enum class Kind : std::uint8_t { keep, remove, mark } kind = Kind::keep;
  std::string retried_as;          ///< with mark
  std::uint64_t retried_line = 0;  ///< with mark
};

/// Lines that are no rejects, as an editor or a joker left them: how many, and of the first which and what to
/// do.
struct BadLines {
  static constexpr std::size_t kMostTold = 20;

  std::vector<std::string> told;
  std::uint64_t count = 0;

  void add(std::string what) {
    if (++count <= kMostTold)
      told.push_back(std::move(what));
  }
};

/// The rejected and unknown records that are kept in rejected/. Holds a line at a time, at most kMostLine of
/// it. Blocking; no state of its own; the files must outlive it.
class RejectStore {
 public:
  /// A record of 1 MiB whose every byte is escaped, once more in base64, and what stands around it.
  static constexpr std::size_t kMostLine = std::size_t{8} << 20;

  RejectStore(Files& files, SpoolLayout layout) : files_(files), layout_(std::move(layout)) {}

  using Visit = std::function<Result<void>(const StoredReject&)>;
  /// Every reject that matches, files in the order of their names. Errc::corrupt, with file and line, for a
  /// line that is no reject; where `bad` is given it is noted there instead and passed over, here and below.
  /// Blank lines always are.
  [[nodiscard]] Result<void> visit(const RejectFilter& filter, const Visit& visit,
                                   BadLines* bad = nullptr) const;
  /// The same in the order of acceptance, in which they may be sent again: files by the sequence in their
  /// receipts, those whose receipts are gone before all others; the records of one as they stood in it, with
  /// those that were rejected again in the file of a retry at the place from which they were retried.
  [[nodiscard]] Result<void> visit_oldest_first(const RejectFilter& filter, const Visit& visit,
                                                BadLines* bad = nullptr) const;
  /// The names of the files that have rejects, sorted.
  [[nodiscard]] Result<std::vector<std::string>> names() const;
  /// The rejects of one file, as they were or are while it is written anew; none where it has no such file.
  [[nodiscard]] Result<void> visit_named(const std::string& name, const Visit& visit,
                                         BadLines* bad = nullptr) const;
  /// Reject lines that still stand in working/, of a file that is not settled; none where there is no such
  /// file.
  [[nodiscard]] Result<void> visit_unsettled(const std::string& path, const Visit& visit,
                                             BadLines* bad = nullptr) const;
  struct Place {
    std::uint64_t at = 0;
    std::size_t length = 0;
  };
  /// The rejects that visit() showed at these places of one file's rejects.
  [[nodiscard]] Result<void> visit_places(const std::string& name, const std::vector<Place>& places,
                                          const Visit& visit) const;
  /// One such.
  [[nodiscard]] Result<StoredReject> at(const std::string& name, std::uint64_t at, std::size_t length) const;

  using Edit = std::function<RejectEdit(const StoredReject&)>;
  /// What becomes of rejects without lines.
  enum class Empty : std::uint8_t { removed, kept };
  /// Writes the rejects of one file anew: aside, synced, then in place of the old. A crash leaves the old or
  /// the new one, which finish() puts right; empty ones it removes.
  [[nodiscard]] Result<void> rewrite(const std::string& name, const Edit& edit,
                                     Empty empty = Empty::removed) const;
  /// Ends what a crash cut short; call before anything else.
  [[nodiscard]] Result<void> finish() const;
  /// Whether a name in rejected/ is that of rejects being written anew, or left so.
  [[nodiscard]] static bool is_unfinished(std::string_view name);

 private:
  /// `path` is for messages.
  [[nodiscard]] static Result<void> visit_lines(ReadFile& file, const std::string& path, const Visit& visit,
                                                BadLines* bad = nullptr);
  [[nodiscard]] Result<void> replace(const std::string& name, bool empty) const;

  Files& files_;
  SpoolLayout layout_;
};

}  // namespace usherd
