#include "src/app/declare_rejects.hpp"

#include "usherd/core/text.hpp"
#include "usherd/settle/reject_line.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace usherd {
namespace {

using Action = RejectsArguments::Action;

constexpr std::string_view kRejectsEnding = ".rejects.ndjson";

struct Verb {
  Action action;
  const char* name;
  const char* help;
  const char* json;
};

constexpr std::array<Verb, 5> kVerbs{{
    {Action::list, "list", "A line for each: file, line, stage, code, user, message",
     "The lines as they are kept, NDJSON"},
    {Action::show, "show", "All that is kept of each, the record too", "The lines as they are kept, NDJSON"},
    {Action::retry, "retry", "Send them again as a new file; never over newer data of the same user",
     "As JSON; docs/status.md is its page"},
    {Action::drop, "drop", "Forget them; the receipts stay", "As JSON; docs/status.md is its page"},
    {Action::export_records, "export",
     "The records alone to stdout, to be corrected and submitted; not those that were retried", nullptr},
}};

void declare_filter(CLI::App& command, RejectsArguments& rejects) {
  command.add_option("--code", rejects.code, "Only with this code")->type_name("CODE");
  command.add_option("--stage", rejects.stage, "Only of this stage: local, api or unknown")
      ->type_name("STAGE");
  command.add_option("--file", rejects.file, "Only of this file, by the name in rejected/")
      ->type_name("NAME");
  command.add_option("--uid", rejects.uid, "Only of this user: its uid, or its id where it has no uid")
      ->type_name("UID");
}

}  // namespace

void declare_trace(CLI::App& app, TraceArguments& trace) {
  auto* command = app.add_subcommand("trace", "Where a user's updates are, or how they ended");
  command->add_option("UID", trace.user, "Its uid or id; - reads them from standard input, one a line")
      ->type_name("")
      ->required();
  command->add_flag("--json", trace.json, "As JSON, a line for each user; docs/status.md is its page");
  command->footer("Exit codes: 0 found, 1 nothing is known of a user, 69 neither service nor spool answer.");
}

void declare_rejects(CLI::App& app, RejectsArguments& rejects) {
  auto* command = app.add_subcommand("rejects", "Rejected and unknown records: look, correct, send again");
  for (const auto& verb : kVerbs) {
    auto* part = command->add_subcommand(verb.name, verb.help);
    part->group("Actions");
    declare_filter(*part, rejects);
    if (verb.json != nullptr)
      part->add_flag("--json", rejects.json, verb.json);
    const bool changes = verb.action == Action::retry || verb.action == Action::drop;
    part->add_flag("--dry-run", rejects.dry_run,
                   changes ? "Say what would be done, do nothing" : "Nothing is changed, as without it");
    if (verb.action == Action::retry)
      part->add_flag(
          "--force", rejects.force,
          "Also where newer data of the user cannot be ruled out any more, as it is forgotten, and "
          "unknown records without uid and id");
  }
  command->require_subcommand(0, 1);
  command->footer("Exit codes: 0 done, 2 retry refused some, 69 the service does not answer.");
}

std::optional<std::string> take_rejects(const CLI::App& command, RejectsArguments& rejects) {
  const auto chosen = command.get_subcommands();
  if (chosen.empty())
    return "say what to do: list, show, retry, drop or export";
  for (const auto& verb : kVerbs) {
    if (chosen.front()->get_name() == verb.name)
      rejects.action = verb.action;
  }
  // Who completes a name in rejected/ has that of the rejects themselves.
  if (rejects.file && rejects.file->ends_with(kRejectsEnding))
    rejects.file->resize(rejects.file->size() - kRejectsEnding.size());
  if (rejects.stage && !stage_named(*rejects.stage))
    return fmt::format("--stage {}: it is local, api or unknown", printable(*rejects.stage, 60));
  return std::nullopt;
}

}  // namespace usherd
