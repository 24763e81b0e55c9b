#include "usherd/batch/body_paths.hpp"

#include <algorithm>

namespace usherd {

std::vector<PathTable::Item>::const_iterator PathTable::place_of(FileNumber number) const {
  return std::lower_bound(items_.begin(), items_.end(), number,
                          [](const Item& item, FileNumber wanted) { return item.number < wanted; });
}

void PathTable::put(FileNumber number, std::string_view path) {
  if (items_.empty())
    folder_ = path.substr(0, path.rfind('/') + 1);
  const bool is_in_folder = path.starts_with(folder_) && path.find('/', folder_.size()) == path.npos;
  const Item item{number, static_cast<std::uint32_t>(names_.size()), !is_in_folder};
  names_ += is_in_folder ? path.substr(folder_.size()) : path;
  names_ += '\0';
  const auto place = items_.begin() + (place_of(number) - items_.cbegin());
  if (place != items_.end() && place->number == number)
    *place = item;
  else
    items_.insert(place, item);
}

std::optional<std::string> PathTable::find(FileNumber number) const {
  const auto item = place_of(number);
  if (item == items_.end() || item->number != number)
    return std::nullopt;
  const char* name = names_.data() + item->begin;
  return item->is_whole ? std::string(name) : folder_ + name;
}

}  // namespace usherd
