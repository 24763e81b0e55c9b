#include "src/sandbox/http_head.hpp"

#include "src/sandbox/retry_after.hpp"

#include <fmt/format.h>
#include <boost/beast/http/status.hpp>

#include <iterator>

namespace usherd::sandbox {

std::string http_head(const ApiAnswer& answer, std::uint64_t length, bool keep_alive, WallTime now) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(answer.status));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Length: {}\r\n", answer.status,
                                 std::string_view(reason.data(), reason.size()), http_date(now), length);
  if (length > 0)
    fmt::format_to(std::back_inserter(head), "Content-Type: {}\r\n", answer.content_type);
  for (const auto& [name, value] : answer.headers)
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  if (!keep_alive)
    head += "Connection: close\r\n";
  head += "\r\n";
  return head;
}

}  // namespace usherd::sandbox
