#include "src/sandbox/api.hpp"
#include "src/sandbox/page_token.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace usherd::sandbox {

ApiAnswer Api::page(const ApiRequest& request, std::uint64_t list, std::size_t size, const Item& item,
                    WallTime now) {
  const Settings& settings = org_.settings;
  std::uint64_t offset = 0;
  const auto text = request.target.parameter("page_token");
  if (text && !text->empty()) {
    const auto token = decode_page_token(*text);
    if (!token || token->list != list || token->offset > size)
      return error_answer(400, "invalid_argument", "The page token is not valid");
    if (settings.token_life.count() > 0 && now - token->issued >= settings.token_life)
      return error_answer(400, "invalid_argument", "The page token has expired");
    offset = token->offset;
  }
  const std::uint64_t end = std::min<std::uint64_t>(size, offset + settings.page_size);
  std::string results = "[";
  for (std::uint64_t index = offset; index < end; ++index) {
    if (index > offset)
      results += ',';
    item(results, index);
  }
  results += ']';
  JsonFields out = fields();
  out.json("results", std::move(results));
  const std::int64_t total = static_cast<std::int64_t>(size) + settings.total_records_off;
  out.text("total_records", fmt::format("{}", std::max<std::int64_t>(0, total)));
  PageToken next;
  next.list = list;
  next.offset = end;
  next.issued = now;
  if (end < size) {
    out.text("next_page_token", encode(next));
  } else if (settings.page_loop && text && !text->empty()) {
    out.text("next_page_token", *text);
  } else if (settings.last_token == LastToken::empty) {
    out.text("next_page_token", "");
  } else {
    out.nothing("next_page_token");
  }
  ApiAnswer answer;
  answer.body = out.str();
  return answer;
}

}  // namespace usherd::sandbox
