#include "src/sandbox/property_merge.hpp"

#include "src/sandbox/json_text.hpp"
#include "src/sandbox/record_rules.hpp"

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

/// Finds members by name, the last one where a name repeats.
std::optional<dom::element> last_of(dom::object object, std::string_view name) {
  std::optional<dom::element> found;
  for (const dom::key_value_pair member : object) {
    if (member.key == name)
      found = member.value;
  }
  return found;
}

class MergeWriter {
 public:
  MergeWriter(const MergeRules& rules, const Overwritten& overwritten)
      : rules_(rules), overwritten_(overwritten) {}

  void object(const std::optional<dom::object>& stored, dom::object fresh, const std::string& prefix) {
    out_ += '{';
    if (stored) {
      for (const dom::key_value_pair member : *stored)
        kept_or_new(member.key, member.value, last_of(fresh, member.key), prefix);
    }
    // Each name once: at its first place, with its last value.
    std::size_t place = 0;
    for (const dom::key_value_pair member : fresh) {
      if (!is_repeat(fresh, member.key, place++) && !(stored && last_of(*stored, member.key)))
        added(member.key, *last_of(fresh, member.key));
    }
    out_ += '}';
  }

  std::string take() { return std::move(out_); }

 private:
  static bool is_repeat(dom::object object, std::string_view name, std::size_t place) {
    for (const dom::key_value_pair member : object) {
      if (place-- == 0)
        return false;
      if (member.key == name)
        return true;
    }
    return false;
  }

  void name(std::string_view key) {
    if (out_.back() != '{')
      out_ += ',';
    append_quoted(out_, key);
    out_ += ':';
  }

  static bool is_dropped(dom::element value) {
    return !value.is_object() && value_bytes(value) > kMostValueBytes;
  }

  void kept_or_new(std::string_view key, dom::element stored, const std::optional<dom::element>& fresh,
                   const std::string& prefix) {
    if (fresh && fresh->is_null() && rules_.nulls == Nulls::clear)
      return;
    name(key);
    if (!fresh || fresh->is_null() || is_dropped(*fresh)) {
      append_json(out_, stored);
      return;
    }
    const std::string path = prefix + std::string(key);
    if (overwritten_ && !stored.is_object() && !fresh->is_object())
      overwritten_(path, stored, *fresh);
    value(*fresh, stored, path + ".");
  }

  void added(std::string_view key, dom::element fresh) {
    if (fresh.is_null() || is_dropped(fresh))
      return;
    name(key);
    value(fresh, std::nullopt, {});
  }

  void value(dom::element fresh, const std::optional<dom::element>& stored, const std::string& prefix) {
    if (!fresh.is_object()) {
      append_json(out_, fresh);
      return;
    }
    std::optional<dom::object> under;
    if (rules_.merge == Merge::deep && stored && stored->is_object())
      under = stored->get_object().value_unsafe();
    object(under, fresh.get_object().value_unsafe(), prefix);
  }

  const MergeRules& rules_;
  const Overwritten& overwritten_;
  std::string out_;
};

}  // namespace

std::string merge_properties(std::optional<dom::object> stored, dom::object fresh, const MergeRules& rules,
                             const Overwritten& overwritten) {
  MergeWriter writer(rules, overwritten);
  writer.object(stored, fresh, {});
  return writer.take();
}

}  // namespace usherd::sandbox
