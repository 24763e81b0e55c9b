#include "src/sandbox/record_view.hpp"

namespace usherd::sandbox {
namespace {

namespace dom = simdjson::dom;

template <class T>
void take(std::optional<T>& into, RecordView& view, const dom::key_value_pair& member) {
  into.reset();
  if (member.value.is_null())
    return;
  T value;
  if (member.value.get(value) != simdjson::SUCCESS) {
    view.wrong_type = member.key;
    return;
  }
  into = value;
}

}  // namespace

RecordView view_record(dom::object record) {
  RecordView view;
  for (const dom::key_value_pair member : record) {
    if (member.key == "uid") {
      take(view.uid, view, member);
    } else if (member.key == "id") {
      take(view.id, view, member);
    } else if (member.key == "display_name") {
      take(view.display_name, view, member);
    } else if (member.key == "email") {
      take(view.email, view, member);
    } else if (member.key == "properties") {
      take(view.properties, view, member);
    } else if (member.key == "schema") {
      take(view.schema, view, member);
    } else {
      view.unknown = member.key;
    }
  }
  return view;
}

}  // namespace usherd::sandbox
