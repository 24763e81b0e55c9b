#include "usherd/validate/record_columns.hpp"

#include <algorithm>

namespace usherd {
namespace {

template <class Value>
void append_part(std::vector<Value>& to, const std::vector<Value>& from, std::size_t first,
                 std::size_t count) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
  to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

Record RecordColumns::at(std::size_t position) const {
  return {users[position], second(position), 0, 0, sums[position], lengths[position], flags[position]};
}

void RecordColumns::set_last_second(std::uint64_t second) {
  seconds.resize(users.size());
  seconds.back() = second;
}

void RecordColumns::append(const RecordColumns& from, std::size_t first, std::size_t count) {
  if (first < from.seconds.size()) {
    seconds.resize(users.size());
    append_part(seconds, from.seconds, first, std::min(count, from.seconds.size() - first));
  }
  append_part(users, from.users, first, count);
  append_part(lengths, from.lengths, first, count);
  append_part(sums, from.sums, first, count);
  append_part(flags, from.flags, first, count);
}

void RecordColumns::clear() {
  users.clear();
  seconds.clear();
  lengths.clear();
  sums.clear();
  flags.clear();
}

void RecordColumns::reserve(std::size_t records) {
  users.reserve(records);
  lengths.reserve(records);
  sums.reserve(records);
  flags.reserve(records);
}

}  // namespace usherd
