#include "src/app/file_story.hpp"

#include "src/app/stuck.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kMostCause = 300;

struct Story {
  SpoolFile file;
  Ledger::FileEnd end;
  Outcomes so_far;               ///< of its batches that ended
  std::optional<BatchId> stuck;  ///< of those that wait for the disk, one that holds records of it
};

bool holds(const Manifest& manifest, FileNumber file) {
  const auto is_of = [file](const Run& run) { return run.file == file; };
  return std::any_of(manifest.runs.begin(), manifest.runs.end(), is_of) ||
         std::any_of(manifest.literals.begin(), manifest.literals.end(), [&](const Literal& literal) {
           return std::any_of(literal.sources.begin(), literal.sources.end(), is_of);
         });
}

std::optional<BatchId> first_that_holds(Ledger& ledger, const std::vector<BatchId>& batches,
                                        FileNumber file) {
  for (const auto batch : batches) {
    // One that is yet to be frozen has none.
    const auto manifest = ledger.manifest(batch);
    if (manifest && holds(*manifest, file))
      return batch;
  }
  return std::nullopt;
}

std::string_view word_of(FileState state) {
  switch (state) {
    case FileState::accepted:
      return "accepted";
    case FileState::ready:
      return "ready";
    case FileState::refused:
      return "refused";
    case FileState::settled:
      break;
  }
  return "settled";
}

Result<std::optional<Story>> read_story(Ledger& ledger, std::string_view name,
                                        const std::vector<BatchId>& stuck) {
  auto end = ledger.file_end(name);
  if (end && !*end) {
    const auto kept = ledger.kept_name_of(name);
    if (!kept)
      return kept.error();
    if (*kept)
      end = ledger.file_end(**kept);
  }
  if (!end)
    return end.error();
  if (!*end)
    return std::optional<Story>{};
  Story story;
  story.end = **end;
  auto file = ledger.file(story.end.number);
  if (!file)
    return file.error();
  if (!*file)
    return std::optional<Story>{};
  story.file = std::move(**file);
  if (story.file.state == FileState::settled) {
    story.so_far = story.end.outcomes;
    return std::optional(std::move(story));
  }
  auto outcomes = ledger.outcomes(story.end.number);
  if (!outcomes)
    return outcomes.error();
  story.so_far = *outcomes;
  story.stuck = first_that_holds(ledger, stuck, story.end.number);
  return std::optional(std::move(story));
}

/// While nothing gets through to it, or it told everybody to wait.
std::optional<std::string> what_the_api_does(DaemonParts& parts) {
  const auto rounded = [](BootClock::duration time) {
    return format_duration(std::chrono::floor<Milliseconds>(time));
  };
  if (const auto outage = parts.api.outage()) {
    const auto& so_far = outage->so_far;
    return fmt::format(
        "the API: {} in a row came to nothing within {}, the last one because: {}; it is tried again",
        counted(so_far.requests, "request", "requests"), rounded(so_far.lasted),
        printable(outage->why, kMostCause));
  }
  const auto held = parts.gate.held_until() - parts.timers.now().boot;
  if (held > BootClock::duration::zero())
    return fmt::format("the API's rate limit (429): nothing is sent for {}", rounded(held));
  return std::nullopt;
}

/// What stands between the file and its end, in a sentence.
std::string waits_for(DaemonParts& parts, const Story& story, const OpenFiles::Entry* entry,
                      std::uint64_t pending) {
  const auto& file = story.file;
  if (file.state == FileState::settled)
    return "nothing: it is settled";
  // Neither its turn nor the end of a park would help it.
  if (auto why = entry != nullptr ? why_stuck(parts, *entry) : why_stuck(parts, file))
    return std::move(*why);
  if (auto why = story.stuck ? why_batch_stuck(parts, *story.stuck) : std::nullopt)
    return std::move(*why);
  if (const auto reason = parts.gate.parking().first())
    return fmt::format("parked ({})", to_string(*reason));
  if (file.number > parts.feed.begun() && file.number == parts.feed.next())
    return "its records are being converted";
  const auto& stalled = parts.recorder.stalled();
  if (const auto own = stalled.find(printable(file.name)); own != stalled.end())
    return fmt::format("the disk, which does not give or take what it needs; it is tried again: {}",
                       own->second.why);
  if (file.number > parts.feed.begun() && !stalled.empty())
    return fmt::format("files that were accepted before it are read first, and {} waits for the disk: {}",
                       stalled.begin()->first, stalled.begin()->second.why);
  const bool is_behind = file.number > parts.feed.begun();
  const bool is_over = !is_behind && (entry == nullptr || (entry->progress.at_end() && pending == 0));
  if (!is_over && file.state != FileState::refused) {
    if (auto why = what_the_api_does(parts))
      return std::move(*why);
  }
  if (is_behind)
    return "files that were accepted before it are read first";
  if (entry == nullptr)
    return "being settled";
  if (!entry->progress.at_end())
    return "its records are being read and packed";
  if (pending > 0)
    return fmt::format("{} of its records are in batches, or wait behind earlier updates of their users",
                       pending);
  return "being settled";
}

/// Files in incoming/ are not in the ledger yet.
AdminReply tell_of_incoming(DaemonParts& parts, const std::string& name) {
  for (const auto& left : parts.intake.left()) {
    if (left.name != name)
      continue;
    AdminReply reply;
    reply.body = "{\"file\":";
    append_json_string(reply.body, name);
    reply.body += ",\"state\":\"left\",\"waits_for\":";
    append_json_string(reply.body, left.detail);
    reply.body += "}\n";
    return reply;
  }
  return AdminReply::error(404,
                           fmt::format("no accepted file is named '{}'; it may be in incoming/ still, or "
                                       "long expired",
                                       printable(name)));
}

void add_text(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format(",\"{}\":", name);
  if (text.empty())
    out += "null";
  else
    append_json_string(out, text);
}

std::string story_json(DaemonParts& parts, const Story& story) {
  const auto* entry = parts.files.find(story.file.number);
  const auto* progress = entry == nullptr ? nullptr : &entry->progress;
  const auto& mark = progress == nullptr ? story.file.mark : progress->read();
  const bool settled = story.file.state == FileState::settled;
  auto sum = story.so_far;
  if (!settled) {
    sum.rejected += mark.local_rejected;
    sum.unknown += mark.local_unknown;
  }
  const auto counts = settled ? FileCounts{story.end.records, 0} : count_records(mark.records, sum);
  std::string out = "{\"file\":";
  append_json_string(out, story.file.name);
  add_text(out, "dropped_as", story.file.original == story.file.name ? "" : printable(story.file.original));
  out += fmt::format(
      ",\"sequence\":{},\"state\":\"{}\",\"accepted\":\"{}\",\"bytes\":{},\"bytes_to_read\":{},\"bytes_"
      "read\":{},"
      "\"records\":{},\"pending\":{},\"imported\":{},\"rejected\":{},\"merged\":{},\"unknown\":{},"
      "\"rekeyed\":{}",
      story.file.number, word_of(story.file.state), format_rfc3339(story.file.accepted), story.file.size,
      story.file.read_size, settled ? story.file.read_size : mark.offset, counts.records, counts.pending,
      sum.imported, sum.rejected, sum.merged, sum.unknown, sum.rekeyed);
  out += ",\"finished\":";
  if (story.end.finished)
    append_json_string(out, format_rfc3339(*story.end.finished));
  else
    out += "null";
  add_text(out, "refusal", story.file.refusal_code);
  add_text(out, "refusal_message", story.file.refusal_message);
  out += ",\"waits_for\":";
  append_json_string(out, waits_for(parts, story, entry, counts.pending));
  out += "}\n";
  return out;
}

}  // namespace

FileCounts count_records(std::uint64_t read, const Outcomes& ended) {
  const auto records = std::max(read, ended.ended());
  return {records, records - ended.ended()};
}

boost::asio::awaitable<AdminReply> tell_of_file(DaemonParts& parts, std::string name) {
  auto question = [name, stuck = stuck_batches(parts)](Ledger& ledger) {
    return read_story(ledger, name, stuck);
  };
  const auto story = co_await parts.ledger.ask(std::move(question));
  if (!story)
    co_return AdminReply::error(503, story.error().message);
  if (!*story)
    co_return tell_of_incoming(parts, name);
  AdminReply reply;
  reply.body = story_json(parts, **story);
  co_return reply;
}

}  // namespace usherd
