#include "src/app/inquiry.hpp"

#include "src/app/daemon_parts.hpp"
#include "usherd/core/text.hpp"
#include "usherd/core/timestamp.hpp"
#include "usherd/settle/user_history.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd {
namespace {

void add_text(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format("\"{}\":", name);
  if (text.empty())
    out += "null";
  else
    append_json_string(out, text);
}

void add_number(std::string& out, std::string_view name, std::optional<std::uint64_t> number) {
  out += number ? fmt::format("\"{}\":{}", name, *number) : fmt::format("\"{}\":null", name);
}

void add_time(std::string& out, std::string_view name, const std::optional<WallTime>& time) {
  add_text(out, name, time ? format_rfc3339(*time) : std::string{});
}

std::optional<std::uint64_t> unless_zero(std::uint64_t number) {
  return number == 0 ? std::nullopt : std::optional(number);
}

std::string update_json(const TracedUpdate& update) {
  std::string out = "{";
  add_text(out, "file", update.file);
  out += ',';
  add_number(out, "sequence", unless_zero(update.sequence));
  out += ',';
  add_number(out, "line", update.line);
  out += ',';
  add_number(out, "record", unless_zero(update.record));
  out += ',';
  add_text(out, "outcome", name_of(update.state));
  out += ',';
  add_text(out, "code", update.code);
  out += ',';
  add_text(out, "retried_as", update.retried_as);
  out += ',';
  add_number(out, "batch", unless_zero(update.batch));
  out += ',';
  add_text(out, "job", update.job);
  out += ',';
  add_time(out, "accepted", update.accepted);
  out += ',';
  add_time(out, "submitted", update.submitted);
  out += ',';
  add_time(out, "finished", update.finished);
  return out + '}';
}

/// The members that each user of an answer has alike.
std::string unsearched_json(const Unsearched& unsearched, const BadLines& bad) {
  std::string out = fmt::format("\"unsearched_files\":{},\"unsearched\":[", unsearched.count());
  for (const auto& name : unsearched.names()) {
    if (out.back() != '[')
      out += ',';
    append_json_string(out, name);
  }
  out += "],\"unsearched_why\":[";
  for (const auto why : unsearched.reasons())
    out += fmt::format("{}\"{}\"", out.back() == '[' ? "" : ",", word_of(why));
  out += fmt::format("],\"bad_reject_lines\":{},\"bad_rejects\":[", bad.count);
  for (const auto& what : bad.told) {
    if (out.back() != '[')
      out += ',';
    append_json_string(out, what);
  }
  return out + ']';
}

void add_story(std::string& out, std::string_view user, const UserHistory::Story& story,
               std::string_view unsearched) {
  out += '{';
  add_text(out, "user", user);
  out += ",\"updates\":[";
  for (const auto& update : story.updates) {
    if (out.back() != '[')
      out += ',';
    out += update_json(update);
  }
  out += fmt::format("],\"cut\":{},{}}}\n", story.cut, unsearched);
}

std::string report_json(const ReplayReport& report, std::string_view done, bool dry_run) {
  std::string out =
      fmt::format("{{\"dry_run\":{},\"matched\":{},\"{}\":{},\"already_retried\":{},\"refused\":{},", dry_run,
                  report.matched, done, report.done, report.already, report.refused);
  add_text(out, "file", report.file);
  out += ",\"refusals\":[";
  for (const auto& refusal : report.refusals) {
    if (out.back() != '[')
      out += ',';
    out += '{';
    add_text(out, "file", refusal.file);
    out += ',';
    add_number(out, "line", refusal.line);
    out += ',';
    add_text(out, "reason", name_of(refusal.reason));
    out += ',';
    add_text(out, "detail", refusal.detail);
    out += '}';
  }
  return out + "]}\n";
}

}  // namespace

Result<std::unique_ptr<Inquiry>> Inquiry::open(const std::string& state_directory, Files& files,
                                               const SpoolLayout& layout) {
  auto ledger = LedgerReader::open(state_directory);
  if (!ledger)
    return ledger.error();
  std::unique_ptr<Inquiry> inquiry(new Inquiry(std::move(*ledger), files, layout));
  const auto secret = inquiry->ledger_->fact(kUserKeySecret);
  if (!secret)
    return secret.error();
  auto keys = *secret
                  ? user_keys_from(**secret)
                  : Result<std::unique_ptr<UserKeys>>(Error{
                        Errc::corrupt, "the ledger has no secret of user keys: nothing was accepted yet"});
  if (!keys)
    return keys.error();
  inquiry->keys_ = std::move(*keys);
  return inquiry;
}

Result<std::string> Inquiry::trace(std::span<const std::string> users) {
  UserHistory history(*ledger_, files_, layout_, *keys_);
  const auto stories = history.of(users);
  if (!stories)
    return stories.error();
  const auto unsearched = unsearched_json(history.unsearched(), history.bad_lines());
  std::string out;
  for (std::size_t i = 0; i < stories->size(); ++i)
    add_story(out, users[i], (*stories)[i], unsearched);
  return out;
}

Result<std::string> Inquiry::retry(const ReplayOrder& order, const std::string& name) {
  auto report = Replay(*ledger_, files_, layout_, *keys_).retry(order, name);
  if (!report)
    return report.error();
  return report_json(*report, "retried", order.dry_run);
}

Result<std::string> Inquiry::drop(const ReplayOrder& order) {
  auto report = Replay(*ledger_, files_, layout_, *keys_).drop(order);
  if (!report)
    return report.error();
  return report_json(*report, "dropped", order.dry_run);
}

}  // namespace usherd
