#include "usherd/settle/published_end.hpp"

#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"
#include "usherd/settle/receipt.hpp"
#include "usherd/settle/settlement.hpp"
#include "usherd/submit/api_json.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include <algorithm>

namespace usherd {
namespace {

namespace json = boost::json;

/// Some 250 bytes a batch: a file of more than a million batches.
constexpr std::size_t kMostBytes = 256U << 20;
constexpr std::size_t kMostDepth = 8;
constexpr std::size_t kPage = 1000;

/// At most the first `most` bytes; nothing where no file is.
Result<std::optional<std::string>> read_start(Files& files, const std::string& path, std::size_t most) {
  const auto file = files.open(path);
  if (!file && is_gone(file.error()))
    return std::nullopt;
  if (!file)
    return file.error();
  const auto size = (*file)->size();
  if (!size)
    return size.error();
  std::string text(std::min<std::uint64_t>(most, *size), '\0');
  const auto got = (*file)->read_at(text, 0);
  if (!got)
    return got.error();
  text.resize(*got);
  return text;
}

/// Where the word about this very file stands; empty for nowhere. Names come again, numbers do not.
Result<std::string> path_of_word(Files& files, const SpoolLayout& layout, const SpoolFile& file) {
  const auto start = start_of_word(file);
  const EndPaths paths(layout, file.name);
  for (const auto& path : {paths.receipt(), paths.refusal()}) {
    const auto there = read_start(files, path, start.size());
    if (!there)
      return there.error();
    if (*there && **there == start)
      return path;
  }
  return std::string{};
}

/// The members of a receipt; the first that is missing or of another type spoils it.
class Members {
 public:
  explicit Members(const json::object* object) : object_(object), good_(object != nullptr) {}

  std::uint64_t number(std::string_view name) {
    const auto* value = find_member(object_, name);
    json::error_code failure;
    const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(failure);
    good_ = good_ && value != nullptr && !failure;
    return number;
  }
  std::string text(std::string_view name) {
    const auto found = find_string(object_, name);
    good_ = good_ && found.has_value();
    return std::string(found.value_or(""));
  }
  WallTime time(std::string_view name) {
    const auto found = parse_rfc3339(text(name));
    good_ = good_ && found.has_value();
    return found.value_or(WallTime{});
  }
  const json::array* array(std::string_view name) {
    const auto* value = find_member(object_, name);
    const auto* array = value == nullptr ? nullptr : value->if_array();
    good_ = good_ && array != nullptr;
    return array;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  const json::object* object_;
  bool good_;
};

bool read_batch(const json::value& value, ReceiptBatch& batch) {
  Members members(value.if_object());
  batch.batch = members.number("batch");
  batch.share.batch = batch.batch;
  batch.share.records = members.number("records");
  auto& outcomes = batch.share.outcomes;
  outcomes.imported = members.number("imported");
  outcomes.rejected = members.number("rejected");
  outcomes.unknown = members.number("unknown");
  if (!members.good() || outcomes.ended() > batch.share.records)
    return false;
  // A receipt tells those for the file alone.
  outcomes.merged = batch.share.records - outcomes.ended();
  return true;
}

bool read_receipt(Members& members, PublishedEnd& end) {
  end.records = members.number("records");
  end.outcomes = {members.number("imported"), members.number("rejected"), members.number("merged"),
                  members.number("unknown"), members.number("rekeyed")};
  end.finished = members.time("finished");
  const auto* batches = members.array("batches");
  if (!members.good() || end.outcomes.ended() != end.records)
    return false;
  for (const auto& value : *batches) {
    end.batches.emplace_back();
    if (!read_batch(value, end.batches.back()))
      return false;
  }
  return true;
}

bool read_refusal(Members& members, PublishedEnd& end) {
  end.refused = true;
  end.code = members.text("code");
  end.message = members.text("message");
  end.finished = members.time("refused");
  return members.good() && !end.code.empty();
}

}  // namespace

Result<std::optional<PublishedEnd>> read_published_end(Files& files, const SpoolLayout& layout,
                                                       const SpoolFile& file) {
  const auto path = path_of_word(files, layout, file);
  if (!path)
    return path.error();
  if (path->empty())
    return std::nullopt;
  const auto text = read_start(files, *path, kMostBytes + 1);
  if (!text)
    return text.error();
  PublishedEnd end;
  const auto document = *text ? parse_json(**text, kMostBytes, kMostDepth) : std::nullopt;
  Members members(document ? document->if_object() : nullptr);
  const bool refused = *path == EndPaths(layout, file.name).refusal();
  if (!(refused ? read_refusal(members, end) : read_receipt(members, end)))
    return Error{Errc::corrupt, fmt::format("{} is not as usherd writes it", printable(*path, 400))};
  return end;
}

Result<bool> ended_elsewhere(Files& files, const SpoolLayout& layout, Ledger& ledger, const SpoolFile& file) {
  const auto in_working = is_there(files, layout.working_file(file));
  if (!in_working)
    return in_working.error();
  if (*in_working)
    return false;
  const auto path = path_of_word(files, layout, file);
  if (!path)
    return path.error();
  if (path->empty())
    return false;
  // Whoever publishes has read the file to its end before, and every batch of it has ended.
  const auto could_have = Settlement::gather(ledger, file.number, WallTime{});
  if (could_have)
    return false;
  const auto why = could_have.error().code;
  return why == Errc::invalid || why == Errc::corrupt ? Result<bool>(true) : could_have.error();
}

Result<void> refuse_older_state(Files& files, const SpoolLayout& layout, Ledger& ledger) {
  FileNumber after = 0;
  while (true) {
    const auto page = ledger.open_files(after, kPage);
    if (!page)
      return page.error();
    if (page->empty())
      return {};
    for (const auto& file : *page) {
      // What cannot be looked at now holds no start up: it is named when it is to be read.
      const auto ended = ended_elsewhere(files, layout, ledger, file);
      if (ended && *ended)
        return Error{
            Errc::corrupt,
            fmt::format("the spool {} and the state do not belong together: {} has ended, as its "
                        "receipt or refusal says, and the state knows file {} as unfinished: it is a "
                        "copy from before. Put back the right one of the two, or look at both with "
                        "`usherd doctor`",
                        layout.root(), printable(file.name), file.number)};
      after = file.number;
    }
  }
}

}  // namespace usherd
