#include "tests/flow/world/audit.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <map>
#include <set>
#include <string_view>

namespace usherd::flow {
namespace {

namespace json = boost::json;

enum class End : std::uint8_t { imported, rejected, unknown };

/// What the API knows of a user.
struct Stored {
  std::uint64_t seq = 0;
  std::set<std::uint64_t> updates;
};

std::uint64_t seq_of(const json::object& record) {
  return record.at("properties").as_object().at("seq").to_number<std::uint64_t>();
}

class Auditor {
 public:
  Auditor(World& world, const std::vector<PlannedFile>& files, const Allowed& allowed)
      : world_(world), files_(files), allowed_(allowed) {}

  Audit run() {
    world_.finish_server();
    read_users();
    for (const auto& file : files_)
      look_at(file);
    look_at_users();
    look_at_server();
    look_at_leftovers();
    return audit_;
  }

 private:
  template <class... Values>
  void problem(fmt::format_string<Values...> words, Values&&... values) {
    audit_.problems.push_back(fmt::format(words, std::forward<Values>(values)...));
  }

  void read_users() {
    const auto& store = world_.server.organisation.users;
    for (sandbox::UserStore::Number number = 0; number < store.end(); ++number) {
      const auto& user = store.at(number);
      Stored stored;
      const auto properties = json::parse(user.properties);
      for (const auto& member : properties.as_object()) {
        const std::string_view name(member.key().data(), member.key().size());
        if (name == "seq")
          stored.seq = member.value().to_number<std::uint64_t>();
        else if (const auto update = update_of(name))
          stored.updates.insert(update);
      }
      if (user.uid.empty())
        anonymous_.push_back(std::move(stored));
      else
        users_.emplace(user.uid, std::move(stored));
    }
  }

  void look_at(const PlannedFile& file) {
    const auto& disk = world_.disk;
    const auto& spool = world_.config.spool.directory;
    if (file.damaged) {
      if (!disk.exists(spool + "/rejected/" + file.name + ".error.json") ||
          disk.content(spool + "/rejected/" + file.name) != file.bytes)
        problem("{} is damaged, and was not refused whole", file.name);
      return;
    }
    if (disk.content(spool + "/done/" + file.name) != file.bytes)
      problem("{} does not stand in done/ as it was dropped", file.name);
    const auto ends = read_rejects(file, disk.content(spool + "/rejected/" + file.name + ".rejects.ndjson"));
    const auto text = disk.content(spool + "/done/" + file.name + ".receipt.json");
    boost::system::error_code failure;
    const auto receipt = json::parse(text, failure);
    if (failure || !receipt.is_object()) {
      problem("{} has no readable receipt: {}", file.name, text);
      return;
    }
    compare(file, receipt.as_object(), ends);
  }

  std::map<std::uint64_t, End> read_rejects(const PlannedFile& file, std::string_view text) {
    std::map<std::uint64_t, End> ends;
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto value = json::parse(text.substr(0, end));
      const auto& line = value.as_object();
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      const auto number = line.at("line").to_number<std::uint64_t>();
      const bool unknown = line.at("stage").as_string() == "unknown";
      if (!ends.emplace(number, unknown ? End::unknown : End::rejected).second)
        problem("{} has two outcomes for line {}", file.name, number);
      const auto planned = file.lines.find(number);
      if (planned == file.lines.end()) {
        problem("{} has an outcome for line {}, which it does not have", file.name, number);
        continue;
      }
      const auto* record = line.if_contains("record");
      if (record == nullptr || seq_of(record->as_object()) != planned->second.seq)
        problem("{}: the reject line of line {} shows another record", file.name, number);
    }
    return ends;
  }

  void compare(const PlannedFile& file, const json::object& receipt,
               const std::map<std::uint64_t, End>& ends) {
    const auto count = [&](const char* name) { return receipt.at(name).to_number<std::uint64_t>(); };
    std::uint64_t rejected = 0;
    std::uint64_t unknown = 0;
    for (const auto& [line, planned] : file.lines) {
      const auto found = ends.find(line);
      const auto end = found == ends.end() ? End::imported : found->second;
      rejected += end == End::rejected ? 1 : 0;
      unknown += end == End::unknown ? 1 : 0;
      judge(file, line, planned, end);
    }
    const auto sum = count("imported") + count("merged") + count("rejected") + count("unknown");
    if (count("records") != file.lines.size() || sum != file.lines.size())
      problem("{} holds {} records, its receipt says {}, outcomes add up to {}", file.name, file.lines.size(),
              count("records"), sum);
    if (count("rejected") != rejected || count("unknown") != unknown)
      problem("{}: the receipt says {} rejected and {} unknown, the lines are {} and {}", file.name,
              count("rejected"), count("unknown"), rejected, unknown);
    audit_.imported += count("imported");
    audit_.merged += count("merged");
    audit_.rejected += count("rejected");
    audit_.unknown += count("unknown");
    audit_.rekeyed += count("rekeyed");
  }

  void judge(const PlannedFile& file, std::uint64_t line, const Planned& planned, End end) {
    const bool is_bad = planned.kind == Kind::bad_local || planned.kind == Kind::bad_api;
    if (end == End::unknown && !allowed_.unknown)
      problem("{}:{} (seq {}) ended unknown", file.name, line, planned.seq);
    if (end == End::rejected && !is_bad && !allowed_.good_rejected)
      problem("{}:{} (seq {}) is good and was rejected", file.name, line, planned.seq);
    if (end == End::imported && is_bad)
      problem("{}:{} (seq {}) is bad and counts as imported", file.name, line, planned.seq);
    if (planned.kind == Kind::anonymous) {
      std::size_t made = 0;
      for (const auto& user : anonymous_)
        made += user.updates.contains(planned.seq) ? 1 : 0;
      if (made > 1 || (end == End::imported && made != 1) || (end == End::rejected && made != 0))
        problem("{}:{} (seq {}) is anonymous and made {} users", file.name, line, planned.seq, made);
      return;
    }
    const auto user = users_.find(planned.user);
    const bool there = user != users_.end() && user->second.updates.contains(planned.seq);
    if (end == End::imported && !there)
      problem("{}:{} (seq {}) counts as imported, but user {} does not show it", file.name, line, planned.seq,
              planned.user);
    if (end == End::rejected && there)
      problem("{}:{} (seq {}) counts as rejected, but user {} shows it", file.name, line, planned.seq,
              planned.user);
  }

  void look_at_users() {
    for (const auto& [uid, user] : users_) {
      if (!user.updates.empty() && user.seq != *user.updates.rbegin())
        problem("user {} ends with update {}, though {} was applied", uid, user.seq, *user.updates.rbegin());
    }
  }

  void look_at_server() {
    const auto oracle = world_.server.organisation.oracle();
    const auto& limits = world_.config.limits;
    if (oracle.keys_with_two_bodies != 0)
      problem("{} keys went out with two bodies", oracle.keys_with_two_bodies);
    if (oracle.applied_twice != 0)
      problem("{} records were applied twice under one key", oracle.applied_twice);
    if (world_.server.out_of_order() != 0)
      problem("{} updates came after newer ones of their user", world_.server.out_of_order());
    const auto most_repeated = allowed_.rekeys ? audit_.rekeyed + (allowed_.unknown ? audit_.unknown : 0) : 0;
    if (world_.server.repeated() > most_repeated)
      problem("{} updates ran twice, {} were rekeyed", world_.server.repeated(), audit_.rekeyed);
    if (oracle.users_in_two_jobs > 0 && world_.server.repeated() == 0 && !allowed_.job_given_up)
      problem("{} users stood in two unfinished jobs", oracle.users_in_two_jobs);
    if (oracle.peak_in_progress_batches > limits.in_progress_batches && !allowed_.job_given_up)
      problem("{} batches were in progress, the budget is {}", oracle.peak_in_progress_batches,
              limits.in_progress_batches);
    if (oracle.peak_in_progress_operations > limits.in_progress_operations && !allowed_.job_given_up)
      problem("{} operations were in progress, the budget is {}", oracle.peak_in_progress_operations,
              limits.in_progress_operations);
    if (!allowed_.rekeys && audit_.rekeyed > 0)
      problem("{} records were rekeyed", audit_.rekeyed);
  }

  void look_at_leftovers() {
    for (const auto* folder : {"/incoming", "/working"}) {
      for (const auto& name : world_.disk.names(world_.config.spool.directory + folder))
        problem("{} is left in {}", name, folder);
    }
  }

  World& world_;
  const std::vector<PlannedFile>& files_;
  const Allowed& allowed_;
  Audit audit_;
  std::map<std::string, Stored, std::less<>> users_;
  std::vector<Stored> anonymous_;
};

}  // namespace

Audit audit(World& world, const std::vector<PlannedFile>& files, const Allowed& allowed) {
  return Auditor(world, files, allowed).run();
}

}  // namespace usherd::flow
