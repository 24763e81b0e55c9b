#include "src/admin/reply_head.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

}  // namespace

std::string reply_head(const AdminReply& reply) {
  const auto length = reply.next ? std::string("Transfer-Encoding: chunked")
                                 : fmt::format("Content-Length: {}", reply.body.size());
  return fmt::format(
      "HTTP/1.1 {} {}\r\n"
      "Content-Type: {}\r\n"
      "{}\r\n"
      "Connection: close\r\n"
      "Cache-Control: no-store\r\n"
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
      "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "{}\r\n",
      reply.status, reason_of(reply.status), reply.type, length,
      reply.status == 405 ? fmt::format("Allow: {}\r\n", reply.allow) : "");
}

std::string chunk_of(std::string_view bytes) {
  return bytes.empty() ? std::string() : fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

AdminReply refusal_of(RequestParser::State state) {
  switch (state) {
    case RequestParser::State::too_large:
      return AdminReply::error(413, "the request is too large");
    case RequestParser::State::head_too_large:
      return AdminReply::error(431, fmt::format("the head of the request is too large: {} KiB at most",
                                                RequestParser::kMostHead / 1024));
    case RequestParser::State::unknown:
      return AdminReply::error(405, "only GET, HEAD and, through the admin socket, POST are answered");
    case RequestParser::State::more:
    case RequestParser::State::done:
    case RequestParser::State::bad:
      break;
  }
  return AdminReply::error(400, "this is not a request that usherd understands");
}

}  // namespace usherd
