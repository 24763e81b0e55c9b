#include "src/sandbox/key_store.hpp"

namespace usherd::sandbox {

bool KeyStore::keeps(unsigned status, Idempotency wording) {
  switch (wording) {
    case Idempotency::newer:
      return status != 429 && status <= 500;
    case Idempotency::older:
      return true;
    case Idempotency::off:
      break;
  }
  return false;
}

KeyStore::Decision KeyStore::begin(std::string_view key, std::uint64_t digest, WallTime now,
                                   const Settings& settings) {
  Decision decision;
  if (settings.idempotency == Idempotency::off)
    return decision;
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end())
    return decision;
  const Entry& entry = found->second;
  if (now - entry.made >= settings.idempotency_life || (!entry.kept && now >= entry.answered)) {
    entries_.erase(found);
    return decision;
  }
  if (entry.digest != digest) {
    decision.verdict = KeyVerdict::other_body;
  } else if (now < entry.answered) {
    decision.verdict = KeyVerdict::in_use;
  } else {
    decision.verdict = KeyVerdict::replay;
    decision.answer = entry.answer;
  }
  return decision;
}

void KeyStore::finish(std::string_view key, std::uint64_t digest, KeptAnswer answer, WallTime now,
                      WallTime answered, const Settings& settings) {
  const bool kept = keeps(answer.status, settings.idempotency);
  if (settings.idempotency == Idempotency::off || (!kept && answered <= now))
    return;
  Entry entry;
  entry.digest = digest;
  entry.made = now;
  entry.answered = answered;
  entry.kept = kept;
  entry.answer = std::move(answer);
  entries_.insert_or_assign(std::string(key), std::move(entry));
}

}  // namespace usherd::sandbox
