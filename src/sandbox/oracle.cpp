#include "usherd/sandbox/oracle.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace usherd::sandbox {

std::string to_json(const Oracle& oracle) {
  namespace json = boost::json;
  json::object out;
  out["posts"] = oracle.posts;
  out["jobs_created"] = oracle.jobs_created;
  out["records_received"] = oracle.records_received;
  out["records_applied"] = oracle.records_applied;
  out["records_failed"] = oracle.records_failed;
  out["applied_twice"] = oracle.applied_twice;
  out["bodies_applied_twice"] = oracle.bodies_applied_twice;
  json::object posts_by_key;
  posts_by_key["max"] = oracle.most_posts_by_key;
  posts_by_key["keys"] = oracle.keys;
  out["posts_by_key"] = std::move(posts_by_key);
  out["keys_with_two_bodies"] = oracle.keys_with_two_bodies;
  out["peak_in_progress_batches"] = oracle.peak_in_progress_batches;
  out["peak_in_progress_operations"] = oracle.peak_in_progress_operations;
  out["answered_429"] = oracle.answered_429;
  out["early_after_retry_after"] = oracle.early_after_retry_after;
  out["users_in_two_jobs"] = oracle.users_in_two_jobs;
  out["users"] = oracle.users;
  out["sessions"] = oracle.sessions;
  out["max_sessions"] = oracle.max_sessions;
  json::object requests;
  for (std::size_t i = 0; i < kCallNames.size(); ++i)
    requests[kCallNames[i]] = oracle.requests[i];
  out["requests"] = std::move(requests);
  json::object codes;
  for (const auto& [call, counts] : oracle.codes) {
    json::object by_code;
    for (const auto& [code, count] : counts)
      by_code[fmt::format("{}", code)] = count;
    codes[call] = std::move(by_code);
  }
  out["codes"] = std::move(codes);
  return json::serialize(out);
}

}  // namespace usherd::sandbox
