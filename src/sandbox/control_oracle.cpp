#include "src/sandbox/control.hpp"
#include "src/sandbox/user_json.hpp"
#include "usherd/core/timestamp.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace usherd::sandbox {
namespace json = boost::json;
namespace {

std::string_view state_word(const Job& job) {
  if (job.gone)
    return "forgotten";
  if (job.state != JobState::done)
    return job.state == JobState::waiting ? "waiting" : "running";
  if (job.fate == JobFate::failed || !job.errors.empty())
    return "failed";
  return "completed";
}

std::string_view fate_word(JobFate fate) {
  switch (fate) {
    case JobFate::ordinary:
      return "ordinary";
    case JobFate::stuck:
      return "stuck";
    case JobFate::vanished:
      return "vanished";
    case JobFate::vanished_applied:
      return "vanished_applied";
    case JobFate::failed:
      return "failed";
  }
  return "";
}

json::value time_or_null(bool known, WallTime time) {
  return known ? json::value(format_rfc3339(time)) : json::value(nullptr);
}

}  // namespace

std::string Control::jobs_json() {
  json::array out;
  for (const Job& job : org_.jobs.all()) {
    json::object entry;
    entry["id"] = job.id;
    entry["key"] = job.key;
    entry["body"] = fmt::format("{:016x}", job.digest);
    entry["records"] = job.records;
    entry["imports"] = job.imports.size();
    entry["errors"] = job.errors.size();
    entry["status"] = state_word(job);
    entry["fate"] = fate_word(job.fate);
    entry["created"] = format_rfc3339(job.created);
    entry["started"] = time_or_null(job.started != WallTime{}, job.started);
    entry["finished"] = time_or_null(job.state == JobState::done, job.finished);
    out.push_back(std::move(entry));
  }
  return json::serialize(out);
}

std::string Control::keys_json() {
  json::array out;
  for (const auto& [key, known] : org_.book.keys()) {
    json::object entry;
    entry["key"] = key;
    entry["posts"] = known.posts;
    json::array bodies;
    for (const std::uint64_t digest : known.bodies)
      bodies.push_back(json::value(fmt::format("{:016x}", digest)));
    entry["bodies"] = std::move(bodies);
    json::array jobs;
    for (const std::string& job : known.jobs)
      jobs.push_back(json::value(job));
    entry["jobs"] = std::move(jobs);
    entry["applied"] = known.applied;
    out.push_back(std::move(entry));
  }
  return json::serialize(out);
}

std::optional<std::string> Control::user_json(std::string_view uid) {
  const auto user = org_.users.find_uid(uid);
  return user ? std::optional<std::string>(oracle_user_json(org_.users, *user)) : std::nullopt;
}

}  // namespace usherd::sandbox
