#include "tests/flow/world/server.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace usherd::flow {
namespace {

bool is_effective(sandbox::JobFate fate) {
  return fate == sandbox::JobFate::ordinary || fate == sandbox::JobFate::vanished_applied ||
         fate == sandbox::JobFate::stuck;
}

}  // namespace

std::uint64_t update_of(std::string_view property) {
  std::uint64_t seq = 0;
  if (property.size() < 2 || property.front() != 'p')
    return 0;
  const auto* end = property.data() + property.size();
  const auto read = std::from_chars(property.data() + 1, end, seq);
  return read.ptr == end ? seq : 0;
}

ApiServer::ApiServer(sandbox::Settings settings, std::uint64_t seed)
    : organisation(std::move(settings), "na1.flow/key", seed), api(organisation) {}

sandbox::ApiAnswer ApiServer::answer(sandbox::ApiRequest& request, WallTime now) {
  const auto before = organisation.jobs.all().size();
  auto answer = api.answer(request, now);
  if (organisation.jobs.all().size() > before)
    look_at(organisation.jobs.all().back());
  return answer;
}

void ApiServer::look_at(const sandbox::Job& job) {
  if (!is_effective(job.fate))
    return;
  auto body = job.body;
  const auto document = parser_.parse(body);
  if (!document)
    return;
  const auto requests = sandbox::requests_of(*document);
  if (!requests)
    return;
  std::uint32_t index = 0;
  for (const simdjson::dom::element record : *requests) {
    if (!std::binary_search(job.bad.begin(), job.bad.end(), index))
      look_at_record(record.get_object().value_unsafe(), job.created);
    ++index;
  }
}

void ApiServer::look_at_record(simdjson::dom::object record, WallTime now) {
  std::string_view uid;
  simdjson::dom::object properties;
  std::uint64_t seq = 0;
  if (record["uid"].get(uid) != simdjson::SUCCESS ||
      record["properties"].get(properties) != simdjson::SUCCESS ||
      properties["seq"].get(seq) != simdjson::SUCCESS)
    return;
  ++records_;
  auto found = users_.find(uid);
  if (found == users_.end())
    found = users_.emplace(std::string(uid), Seen()).first;
  auto& user = found->second;
  out_of_order_ += seq < user.last ? 1 : 0;
  user.last = std::max(user.last, seq);
  user.latest = now;
  for (const simdjson::dom::key_value_pair member : properties) {
    const auto update = update_of(member.key);
    if (update != 0 && !user.updates.insert(update).second)
      ++repeated_;
  }
}

}  // namespace usherd::flow
