#include "src/app/spool_question.hpp"

#include "src/app/daemon_parts.hpp"
#include "src/app/spool_owner.hpp"
#include "usherd/adapters/posix_files.hpp"
#include "usherd/settle/published_end.hpp"
#include "usherd/spool/folders.hpp"
#include "usherd/spool/spool_lock.hpp"

#include <fmt/format.h>

#include <optional>

namespace usherd {
namespace {

/// A retry looks through the ledger and the backlog.
constexpr Milliseconds kPatience{600'000};

Answered failed(const Error& error) {
  return {error.code == Errc::unavailable ? ExitCode::unavailable : ExitCode::failure, error.message};
}

/// As a start holds them against each other, and in its words: what the one knows says nothing of the other,
/// and waiting would not help. Call it under the spool's lock.
std::optional<Answered> no_pair(const Config& config, Files& files, const SpoolLayout& layout) {
  const auto ledger = Ledger::open(config.state.directory);
  auto matched = ledger ? match_spool(files, layout, **ledger) : Result<void>(ledger.error());
  if (matched)
    matched = refuse_older_state(files, layout, **ledger);
  if (matched)
    return std::nullopt;
  const auto fault = ledger_fault(matched.error());
  return Answered{fault.exit, fault.error.message};
}

}  // namespace

Answered SpoolQuestion::ask(std::string_view target, const Question& question) const {
  return answered(AdminClient(config_.admin.socket, kPatience).get(target), false, question);
}

Answered SpoolQuestion::ask(std::string_view target, std::string_view body, const Question& question) const {
  return answered(AdminClient(config_.admin.socket, kPatience).post(target, body), false, question);
}

Answered SpoolQuestion::change(std::string_view target, std::string_view body,
                               const Question& question) const {
  AdminClient client(config_.admin.socket, kPatience);
  const auto answer = client.post(target, body);
  // What may have been done is not done over.
  if (client.unanswered())
    return {ExitCode::unavailable, answer.error().message, true};
  return answered(answer, true, question);
}

Answered SpoolQuestion::answered(const Result<AdminAnswer>& answer, bool changes,
                                 const Question& question) const {
  if (!answer && answer.error().code == Errc::unavailable)
    return alone(answer.error(), changes, question);
  if (!answer)
    return failed(answer.error());
  if (answer->status != 200)
    return {answer->status == 503 ? ExitCode::unavailable : ExitCode::failure, answer->error()};
  return {ExitCode::ok, answer->body};
}

Answered SpoolQuestion::alone(const Error& unreachable, bool changes, const Question& question) const {
  const SpoolLayout layout(config_.spool.directory);
  if (auto become = become_owner_of(layout.rejected()); !become)
    return failed(become.error());
  std::optional<SpoolLock> lock;
  MadePlaces made;
  if (changes) {
    auto taken = SpoolLock::take(config_.spool.directory, config_.state.directory, &made);
    // Somebody holds the spool, or it is not ours: then what the socket said is the nearer word.
    if (!taken) {
      made.remove();
      return {ExitCode::unavailable, fmt::format("{}; nor can the spool be used without the service: {}",
                                                 unreachable.message, taken.error().message)};
    }
    lock.emplace(std::move(*taken));
  }
  PosixFiles files;
  auto inquiry = Inquiry::open(config_.state.directory, files, layout);
  if (!inquiry) {
    // A directory that no usherd ever used is left as it was.
    made.remove();
    return {ExitCode::unavailable, fmt::format("{}; nor can the ledger be read without the service: {}",
                                               unreachable.message, inquiry.error().message)};
  }
  if (changes) {
    if (auto strangers = no_pair(config_, files, layout))
      return *strangers;
  }
  auto answer = question(**inquiry);
  if (!answer)
    return failed(answer.error());
  return {ExitCode::ok, std::move(*answer)};
}

}  // namespace usherd
