#pragma once

#include "usherd/batch/body_reader.hpp"
#include "usherd/ledger/rows.hpp"
#include "usherd/poll/result_page.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/settle/batch_verdict.hpp"
#include "usherd/settle/nameless_records.hpp"
#include "usherd/submit/api_answer.hpp"
#include "usherd/validate/user_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace usherd {

struct UserContent;

/// What the counts of an ended job say of its batch.
enum class JobEnd : std::uint8_t {
  all_imported,
  read_errors  ///< /errors, and where that does not settle it /imports, tell the records apart
};

/// Counts decide, not the word: an API example shows COMPLETED with errors [ASYNC], FAILED may be partial
/// [SPEC], and counts of 0 may be left out, as may those of a FAILED job whose /errors name records.
/// So the errors of a FAILED job are read whatever it counts.
[[nodiscard]] JobEnd judge(const JobAnswer& answer, std::uint64_t operations);

/// Gives the bytes of a batch's operation by its place in the body. Errc::corrupt or not_found: they are not
/// what was sent, and never will be.
using ReadOperation = std::function<Result<std::string>(std::uint32_t index)>;

/// Reads operations from the files in working/, which it first looks at when first asked. Blocking; `files`
/// must outlive it.
[[nodiscard]] ReadOperation read_operations(Files& files, std::function<Manifest()> manifest,
                                            BodyPaths paths);

/// Matches what /errors and /imports name to the operations of one batch, page by page: by the keyed hash of
/// uid or id, confirmed by the record's own bytes, or by equal content where a record has no user. Each
/// operation is matched once, and a long record read once however often it is named. Blocking while it adds;
/// 20 to 36 bytes an operation, 80 more for one without a user, some 10% of the bytes of long records that
/// are named, at most some 4 MiB of messages. `keys` must outlive it.
class JobVerdict {
 public:
  JobVerdict(const BatchRow& row, const UserKeys& keys, ReadOperation read);

  /// An item that names a record again is passed over; one that names none is remembered. Errors: those of
  /// reading, except that of a record whose bytes are gone the hash alone decides.
  [[nodiscard]] Result<void> add_error(const ResultItem& item);
  [[nodiscard]] Result<void> add_import(const ResultItem& item);
  /// A page that met an error may be added again: it goes on with the item that did.
  [[nodiscard]] Result<void> add_errors(const ResultPage& page);
  [[nodiscard]] Result<void> add_imports(const ResultPage& page);

  /// What an earlier reading named is rejected as well, once this one did not come to its end.
  void add_rejected(const BatchVerdict& earlier);

  /// An error named no record of the batch.
  [[nodiscard]] bool has_unmatched() const { return unmatched_; }
  /// The errors account for all that the job counted, so that whatever they do not name was imported; else
  /// /imports must be read.
  [[nodiscard]] bool is_complete(const JobAnswer& answer) const;
  /// Both lists were read, and a FAILED job that counts no import names nobody: another key.
  [[nodiscard]] bool failed_without_errors(const JobAnswer& answer) const;
  /// The same where /errors cannot be read: only a count of imports says that there were none.
  [[nodiscard]] bool failed_by_its_counts(const JobAnswer& answer) const;
  /// Those that errors name are rejected. The others were imported if it is complete; if not, those that
  /// imports name, and the rest is unknown (no_verdict). So are records without a user that differ, where an
  /// item may mean one or the other, unless all of them ended alike.
  [[nodiscard]] BatchVerdict verdict(const JobAnswer& answer) const;

  /// The same where /errors was not read to its end, as `why` says. The others were imported if it is
  /// complete; if not, those that imports name, where they are as many as were counted, and the rest is
  /// unknown (errors_unreadable).
  [[nodiscard]] BatchVerdict verdict_in_part(const JobAnswer& answer, std::string why) const;
  /// The same where the key may not read /errors, so that nobody ever could: COMPLETED that counts no error
  /// is taken at its word, whatever it counts as imported.
  [[nodiscard]] BatchVerdict verdict_forbidden(const JobAnswer& answer, std::string why) const;

 private:
  struct Named {
    std::uint64_t key = 0;
    std::uint32_t index = 0;
  };
  struct Match {
    bool named = false;                  ///< the item names a record, perhaps one that was matched before
    std::optional<std::uint32_t> index;  ///< of a record that was not
  };
  struct Candidates;
  /// What a record says, its content by its hash.
  struct Known {
    std::string uid;
    std::string id;
    std::uint64_t content = 0;
  };

  using Add = Result<void> (JobVerdict::*)(const ResultItem& item);
  [[nodiscard]] Result<void> add_page(const ResultPage& page, Add add);
  void index_named();
  [[nodiscard]] Result<Match> match(const ResultItem& item);
  [[nodiscard]] Result<void> find_named(std::uint64_t key, const ResultItem& item, Candidates& found);
  /// Nothing of a record whose bytes are gone.
  [[nodiscard]] Result<std::optional<Known>> known(std::uint32_t index);
  [[nodiscard]] Result<Match> match_anonymous(const ResultItem& item);
  [[nodiscard]] Result<void> index_anonymous();
  [[nodiscard]] ContentKeys keys_of(const UserContent& user) const;
  [[nodiscard]] std::vector<bool> doubtful(bool complete) const;
  [[nodiscard]] std::uint32_t reason(const std::string& given_code, const std::string& message);
  void reject(std::uint32_t index, const std::string& code, const std::string& message);
  /// `rest`: why those end unknown that nothing tells of.
  [[nodiscard]] BatchVerdict conclude(const JobAnswer& answer, Reason rest, bool trusts_imports) const;

  const UserKeys& keys_;
  ReadOperation read_;
  std::vector<std::uint64_t> users_;      ///< until indexed
  std::vector<std::uint64_t> seconds_;    ///< likewise
  std::vector<Named> named_;              ///< by key
  std::vector<std::uint32_t> anonymous_;  ///< until indexed
  NamelessRecords by_content_;
  std::unordered_map<std::uint32_t, Known> long_ones_;  ///< records over kLongRecord that were named
  std::vector<std::uint32_t> ends_;  ///< of each operation: kNone, kImported, or kRejected + reason
  std::vector<Reason> reasons_;
  std::unordered_map<std::string, std::uint32_t> reason_index_;
  std::size_t reason_bytes_ = 0;
  std::uint64_t rejected_ = 0;
  std::uint64_t imported_ = 0;
  bool unmatched_ = false;
  std::size_t added_ = 0;  ///< items of the page that met an error, before it did
};

}  // namespace usherd
