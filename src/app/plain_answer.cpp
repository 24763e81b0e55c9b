#include "src/app/plain_answer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace usherd {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::size_t kMostSizeLine = 20;

template <class Number>
bool read_number(std::string_view text, Number& into, int base) {
  const auto* end = text.data() + text.size();
  return !text.empty() && std::from_chars(text.data(), end, into, base).ptr == end;
}

}  // namespace

std::string PlainAnswer::take() {
  return std::exchange(body_, {});
}

bool PlainAnswer::put(std::string_view bytes) {
  pending_.append(bytes);
  if (!head_done_) {
    if (pending_.find("\r\n\r\n") == std::string::npos)
      return pending_.size() <= kMostHead;
    if (!read_head())
      return false;
  }
  return read_body();
}

bool PlainAnswer::read_head() {
  const auto end = pending_.find("\r\n\r\n");
  const auto head = pending_.substr(0, end + 2);
  pending_.erase(0, end + 4);
  if (!head.starts_with("HTTP/1.1 ") || !read_number(std::string_view(head).substr(9, 3), status_, 10))
    return false;
  for (std::string_view rest = head; !rest.empty();) {
    const auto line = rest.substr(0, rest.find(kEndOfLine));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    if (line == "Transfer-Encoding: chunked")
      chunked_ = true;
    constexpr std::string_view kLength = "Content-Length: ";
    if (line.starts_with(kLength) && !read_number(line.substr(kLength.size()), left_, 10))
      return false;
  }
  head_done_ = true;
  return true;
}

bool PlainAnswer::read_chunk_size() {
  const auto end = pending_.find(kEndOfLine);
  if (end == std::string::npos)
    return pending_.size() <= kMostSizeLine;
  if (!read_number(std::string_view(pending_).substr(0, end), left_, 16))
    return false;
  pending_.erase(0, end + 2);
  last_seen_ = left_ == 0;
  in_chunk_ = !last_seen_;
  return true;
}

bool PlainAnswer::read_body() {
  while (!pending_.empty() && !last_seen_) {
    if (chunked_ && !in_chunk_) {
      if (!read_chunk_size())
        return false;
      if (!in_chunk_)
        return true;  // the end, or half a size line
      continue;
    }
    if (left_ > 0) {
      const auto count = std::min<std::uint64_t>(left_, pending_.size());
      body_.append(pending_, 0, count);
      pending_.erase(0, count);
      left_ -= count;
      continue;
    }
    if (!chunked_)
      return false;  // more than was announced
    if (pending_.size() < 2)
      return true;
    if (!pending_.starts_with(kEndOfLine))
      return false;
    pending_.erase(0, 2);
    in_chunk_ = false;
  }
  return true;
}

}  // namespace usherd
