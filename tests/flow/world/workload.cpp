#include "tests/flow/world/workload.hpp"

#include <fmt/format.h>

#include <utility>

namespace usherd::flow {

std::string Workload::record(Planned& planned, const Mix& mix) {
  const auto chance = random_.unit();
  planned.seq = ++seq_;
  const auto user = mix.users == 0 ? 0 : random_.up_to(mix.users - 1);
  planned.user = random_.unit() < mix.hot ? "hot" : fmt::format("u{}", user);
  auto rest = chance;
  if ((rest -= mix.bad_local) < 0) {
    planned.kind = Kind::bad_local;
    return fmt::format(R"({{"uid":"","properties":{{"seq":{}}}}})", planned.seq);
  }
  std::string head = fmt::format(R"("uid":"{}",)", planned.user);
  if ((rest -= mix.bad_api) < 0) {
    planned.kind = Kind::bad_api;
    planned.user = fmt::format("{}{}", kBadUid, user);
    head = fmt::format(R"("uid":"{}",)", planned.user);
  } else if ((rest -= mix.anonymous) < 0) {
    planned.kind = Kind::anonymous;
    planned.user.clear();
    head.clear();
  }
  std::string tail;
  if (random_.unit() < mix.unmergeable)
    tail += R"(,"nothing":null)";
  if (mix.padding > 0)
    tail += fmt::format(R"(,"pad":"{}")", std::string(random_.up_to(mix.padding), 'x'));
  return fmt::format(R"({{{}"properties":{{"seq":{},"p{}":1{}}}}})", head, planned.seq, planned.seq, tail);
}

const PlannedFile& Workload::add(const Mix& mix) {
  PlannedFile file;
  file.name = fmt::format("f{}.{}", files_.size() + 1, mix.json ? "json" : "ndjson");
  file.damaged = mix.damaged;
  std::uint64_t line = 1;
  if (mix.json)
    file.bytes = "[";
  for (std::uint64_t i = 0; i < mix.records; ++i) {
    Planned planned;
    const auto text = record(planned, mix);
    if (mix.json && i > 0)
      file.bytes += ",\n";
    file.bytes += text;
    if (!mix.json)
      file.bytes += '\n';
    file.lines.emplace(line++, planned);
  }
  if (mix.json)
    file.bytes += mix.damaged ? "\n{" : "]\n";
  files_.push_back(std::move(file));
  return files_.back();
}

}  // namespace usherd::flow
