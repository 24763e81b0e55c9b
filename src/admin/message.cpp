#include "usherd/admin/message.hpp"

#include "usherd/core/text.hpp"

namespace usherd {

std::string_view AdminRequest::value(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string_view{} : std::string_view(found->second);
}

AdminReply AdminReply::error(unsigned status, std::string_view message) {
  AdminReply reply;
  reply.status = status;
  reply.body = "{\"error\":";
  append_json_string(reply.body, message);
  reply.body += "}\n";
  return reply;
}

AdminReply AdminReply::text(unsigned status, std::string body) {
  AdminReply reply;
  reply.status = status;
  reply.type = "text/plain; charset=utf-8";
  reply.body = std::move(body);
  return reply;
}

}  // namespace usherd
