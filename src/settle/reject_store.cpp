#include "usherd/settle/reject_store.hpp"

#include "src/settle/end_paths.hpp"
#include "src/settle/moves.hpp"
#include "src/settle/oldest_first.hpp"
#include "src/settle/raw_user.hpp"
#include "usherd/core/base64.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::string_view kEnding = ".rejects.ndjson";
/// A record may be nested as deep as simdjson goes by itself; the line is one level around it.
constexpr std::size_t kMostDepth = simdjson::DEFAULT_MAX_DEPTH + 1;
/// Written aside under a hidden name, so that nobody takes it for one of the rejects.
constexpr std::string_view kAside = ".new";

std::string aside(const SpoolLayout& layout, std::string_view name) {
  return fmt::format("{}/.{}{}{}", layout.rejected(), name, kEnding, kAside);
}

std::string name_of_aside(std::string_view name) {
  return std::string(name.substr(1, name.size() - 1 - kEnding.size() - kAside.size()));
}

std::string text_of(const simdjson::dom::object& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string{};
}

std::string mark_of(std::string_view retried_as, std::uint64_t retried_line) {
  std::string mark = ",\"retried_as\":";
  append_json_string(mark, retried_as);
  return retried_line == 0 ? mark : mark + fmt::format(",\"retried_line\":{}", retried_line);
}

/// The record's own bytes: it is the line's last member, or the last but the mark, as we write it.
std::string record_bytes(std::string_view line, const StoredReject& reject) {
  constexpr std::string_view kMember = ",\"record\":";
  const auto start = line.find(kMember);
  if (start == std::string_view::npos)
    return {};
  auto end = line.size() - 1;
  if (!reject.retried_as.empty())
    end -= mark_of(reject.retried_as, reject.retried_line).size();
  return std::string(line.substr(start + kMember.size(), end - start - kMember.size()));
}

class RejectParser {
 public:
  RejectParser() {
    if (parser_.allocate(kPiece, kMostDepth) != simdjson::SUCCESS)
      throw std::bad_alloc();
  }

  std::optional<StoredReject> parse(std::string_view line) {
    padded_.assign(line.begin(), line.end());
    padded_.resize(line.size() + simdjson::SIMDJSON_PADDING, '\0');
    simdjson::dom::object object;
    if (parser_.parse(padded_.data(), line.size(), false).get(object) != simdjson::SUCCESS)
      return std::nullopt;
    StoredReject reject;
    const auto stage = stage_named(text_of(object, "stage"));
    if (!stage || object["line"].get(reject.line) != simdjson::SUCCESS ||
        object["offset"].get(reject.offset) != simdjson::SUCCESS)
      return std::nullopt;
    reject.bytes = line;
    reject.stage = *stage;
    reject.file = text_of(object, "file");
    reject.code = text_of(object, "code");
    reject.message = text_of(object, "message");
    reject.retried_as = text_of(object, "retried_as");
    if (object["retried_line"].get(reject.retried_line) != simdjson::SUCCESS)
      reject.retried_line = 0;
    reject.job = text_of(object, "job");
    reject.raw = text_of(object, "raw");
    std::string_view exact;
    if (object["raw_base64"].get(exact) == simdjson::SUCCESS) {
      auto bytes = decode_base64(exact);
      if (!bytes)
        return std::nullopt;
      reject.raw = std::move(*bytes);
    }
    if (object["batch"].get(reject.batch) != simdjson::SUCCESS)
      reject.batch = 0;
    simdjson::dom::element record;
    if (object["record"].get(record) == simdjson::SUCCESS) {
      reject.record = record_bytes(line, reject);
      simdjson::dom::object user;
      if (record.get(user) == simdjson::SUCCESS) {
        reject.uid = text_of(user, "uid");
        reject.id = text_of(user, "id");
      }
    }
    // Of a batch's record that changed the bytes may name another user than it had; what is not UTF-8 is no
    // name.
    if (reject.record.empty() && reject.batch == 0 && is_utf8(reject.raw)) {
      auto user = read_raw_user(reject.raw);
      reject.uid = std::move(user.uid);
      reject.id = std::move(user.id);
    }
    return reject;
  }

 private:
  simdjson::dom::parser parser_;
  std::vector<char> padded_;
};

}  // namespace

bool RejectFilter::matches(const StoredReject& reject) const {
  return (!code || *code == reject.code) && (!stage || *stage == reject.stage) &&
         (!file || *file == reject.file) && (!uid || *uid == (reject.uid.empty() ? reject.id : reject.uid));
}

Result<std::vector<std::string>> RejectStore::names() const {
  std::vector<std::string> names;
  const auto listed = files_.list(layout_.rejected(), [&](std::string_view name) {
    if (is_unfinished(name))
      names.push_back(name_of_aside(name));
    else if (!name.starts_with('.') && name.ends_with(kEnding))
      names.emplace_back(name.substr(0, name.size() - kEnding.size()));
    return true;
  });
  if (!listed)
    return listed.error();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<void> RejectStore::visit(const RejectFilter& filter, const Visit& visit, BadLines* bad) const {
  const auto matching = [&](const StoredReject& reject) {
    return filter.matches(reject) ? visit(reject) : Result<void>{};
  };
  if (filter.file)
    return visit_named(*filter.file, matching, bad);
  const auto all = names();
  if (!all)
    return all.error();
  for (const auto& name : *all) {
    if (auto visited = visit_named(name, matching, bad); !visited)
      return visited;
  }
  return {};
}

Result<void> RejectStore::visit_oldest_first(const RejectFilter& filter, const Visit& visit,
                                             BadLines* bad) const {
  return OldestFirst(*this, files_, layout_, bad).visit(filter, visit);
}

Result<void> RejectStore::visit_places(const std::string& name, const std::vector<Place>& places,
                                       const Visit& visit) const {
  if (places.empty())
    return {};
  const auto path = EndPaths(layout_, name).rejects();
  const auto file = files_.open(path);
  if (!file)
    return file.error();
  RejectParser parser;
  std::string line;
  for (const auto& place : places) {
    line.resize(place.length);
    const auto got = (*file)->read_at(line, place.at);
    if (!got)
      return got.error();
    auto reject = parser.parse(line);
    if (*got != place.length || !reject)
      return Error{Errc::corrupt,
                   fmt::format("{} changed while it was read: try again", printable(path, 400))};
    reject->at = place.at;
    if (auto visited = visit(*reject); !visited)
      return visited;
  }
  return {};
}

Result<void> RejectStore::visit_named(const std::string& name, const Visit& visit, BadLines* bad) const {
  // A name is one of a file, whoever asks.
  if (name.empty() || name.find('/') != std::string::npos)
    return {};
  // In the middle of replace() the new one is whole; behind it, it has the name of the old.
  const auto path = EndPaths(layout_, name).rejects();
  for (const auto& at : {path, aside(layout_, name), path}) {
    const auto file = files_.open(at);
    if (file)
      return visit_lines(**file, at, visit, bad);
    if (file.error().code != Errc::not_found)
      return file.error();
  }
  return {};
}

Result<void> RejectStore::visit_unsettled(const std::string& path, const Visit& visit, BadLines* bad) const {
  const auto file = files_.open(path);
  if (file)
    return visit_lines(**file, path, visit, bad);
  return file.error().code == Errc::not_found ? Result<void>{} : Result<void>(file.error());
}

Result<StoredReject> RejectStore::at(const std::string& name, std::uint64_t at, std::size_t length) const {
  StoredReject found;
  const auto take = [&](const StoredReject& reject) -> Result<void> {
    found = reject;
    return {};
  };
  if (auto visited = visit_places(name, {Place{at, length}}, take); !visited)
    return visited.error();
  return found;
}

Result<void> RejectStore::visit_lines(ReadFile& file, const std::string& path, const Visit& visit,
                                      BadLines* bad) {
  const auto refuse = [bad](std::string what) -> Result<void> {
    if (bad == nullptr)
      return Error{Errc::corrupt, std::move(what)};
    bad->add(std::move(what));
    return {};
  };
  RejectParser parser;
  std::vector<char> piece(kPiece);
  std::string line;
  std::uint64_t number = 0;
  std::uint64_t begins = 0;
  const auto take = [&]() -> Result<void> {
    ++number;
    const auto at = std::exchange(begins, begins + line.size() + 1);
    // As an editor leaves them.
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      line.clear();
      return {};
    }
    auto reject = parser.parse(line);
    if (!reject) {
      line.clear();
      return refuse(
          fmt::format("{}:{}: not a line of rejects: mend it or take it out", printable(path, 400), number));
    }
    reject->at = at;
    line.clear();
    return visit(*reject);
  };
  for (std::uint64_t at = 0;;) {
    const auto got = file.read_at(piece, at);
    if (!got)
      return got.error();
    if (*got == 0)
      break;
    at += *got;
    std::string_view rest(piece.data(), *got);
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      line.append(rest.substr(0, end));
      if (auto taken = take(); !taken)
        return taken;
      rest.remove_prefix(end + 1);
    }
    line.append(rest);
    if (line.size() > kMostLine)
      return refuse(fmt::format("{}:{}: a line over 8 MiB", printable(path, 400), number + 1));
  }
  return line.empty() ? Result<void>{} : take();
}

Result<void> RejectStore::rewrite(const std::string& name, const Edit& edit, Empty empty) const {
  auto out = files_.write(aside(layout_, name), WriteMode::truncate);
  if (!out)
    return out.error();
  std::string pending;
  bool has_lines = false;
  const auto copy = [&](const StoredReject& reject) -> Result<void> {
    const auto change = edit(reject);
    if (change.kind == RejectEdit::Kind::remove)
      return {};
    has_lines = true;
    pending += reject.bytes;
    if (change.kind == RejectEdit::Kind::mark && reject.retried_as.empty()) {
      pending.pop_back();
      pending += mark_of(change.retried_as, change.retried_line) + "}";
    }
    pending += '\n';
    if (pending.size() < kPiece)
      return {};
    auto written = (*out)->append(pending);
    pending.clear();
    return written;
  };
  const auto path = EndPaths(layout_, name).rejects();
  const auto old = files_.open(path);
  auto written = old ? visit_lines(**old, path, copy) : Result<void>(old.error());
  if (written)
    written = (*out)->append(pending);
  if (written)
    written = (*out)->sync();
  out->reset();
  if (!written) {
    static_cast<void>(files_.remove(aside(layout_, name)));
    return written;
  }
  // Whoever removed the old one meanwhile, as it was kept long enough, meant these lines too.
  const auto kept = is_there(files_, path);
  if (!kept)
    return kept.error();
  if (!*kept)
    return files_.remove(aside(layout_, name));
  // Its entry must be durable before the old one goes.
  if (auto synced = files_.sync(layout_.rejected()); !synced)
    return synced;
  return replace(name, !has_lines && empty == Empty::removed);
}

Result<void> RejectStore::replace(const std::string& name, bool empty) const {
  const auto path = EndPaths(layout_, name).rejects();
  if (auto removed = files_.remove(path); !removed)
    return removed;
  auto moved = empty ? files_.remove(aside(layout_, name)) : files_.rename(aside(layout_, name), path);
  return moved ? files_.sync(layout_.rejected()) : moved;
}

bool RejectStore::is_unfinished(std::string_view name) {
  return name.starts_with('.') && name.size() > kEnding.size() + kAside.size() + 1 &&
         name.ends_with(kAside) && name.substr(0, name.size() - kAside.size()).ends_with(kEnding);
}

Result<void> RejectStore::finish() const {
  std::vector<std::string> names;
  const auto listed = files_.list(layout_.rejected(), [&](std::string_view name) {
    if (is_unfinished(name))
      names.push_back(name_of_aside(name));
    return true;
  });
  if (!listed)
    return listed.error();
  for (const auto& name : names) {
    const auto old = is_there(files_, EndPaths(layout_, name).rejects());
    if (!old)
      return old.error();
    const auto stat = files_.stat(aside(layout_, name));
    if (!stat)
      return stat.error();
    // With the old one in its place, the new one may not be whole. Without it, it is.
    auto ended = *old || stat->size == 0 ? files_.remove(aside(layout_, name)) : replace(name, false);
    if (!ended)
      return ended;
  }
  return names.empty() ? Result<void>{} : files_.sync(layout_.rejected());
}

}  // namespace usherd
