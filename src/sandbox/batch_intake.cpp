#include "src/sandbox/batch_intake.hpp"

#include "src/sandbox/json_text.hpp"
#include "src/sandbox/record_rules.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

/// A user's key as one number; those known by id only are kept apart from uids of the same text.
std::uint64_t user_hash(const RecordView& view) {
  const std::string_view key = view.key();
  return XXH3_64bits_withSeed(key.data(), key.size(), view.uid ? 0 : 1);
}

std::optional<RecordFault> judged(const RecordView& view, const Settings& settings, Random& random) {
  if (auto wrong = check_record(view, settings))
    return wrong;
  if (settings.record_error_probability > 0 && random.unit() < settings.record_error_probability)
    return RecordFault{settings.record_error_code, "The record failed by chance"};
  return std::nullopt;
}

RecordError listed(const RecordFault& fault, dom::element record) {
  RecordError error;
  error.code = std::string(fault.code);
  error.message = fault.message;
  append_json(error.user, record);
  return error;
}

}  // namespace

Intake take_in(dom::array requests, const Settings& settings, Random& random) {
  Intake intake;
  std::uint32_t index = 0;
  for (const dom::element record : requests) {
    if (intake.records == settings.max_items) {
      intake.refused =
          error_answer(400, "invalid_argument", fmt::format("More than {} requests", settings.max_items));
      return intake;
    }
    if (!record.is_object()) {
      intake.refused =
          error_answer(400, "invalid_argument", fmt::format("requests[{}] is not an object", index));
      return intake;
    }
    const RecordView view = view_record(record.get_object().value_unsafe());
    if (auto wrong = judged(view, settings, random)) {
      if (settings.bad_records == BadRecords::strict) {
        intake.refused = error_answer(400, wrong->code, wrong->message);
        return intake;
      }
      intake.bad.push_back(index);
      intake.errors.push_back(listed(*wrong, record));
    }
    if (view.uid || view.id)
      intake.users.push_back(user_hash(view));
    ++intake.records;
    ++index;
  }
  if (intake.records == 0 && settings.empty_batch == EmptyBatch::reject)
    intake.refused = error_answer(400, "invalid_argument", "requests is empty");
  return intake;
}

}  // namespace usherd::sandbox
