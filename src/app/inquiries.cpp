#include "src/app/inquiries.hpp"

#include "src/app/reject_order.hpp"
#include "usherd/core/timestamp.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace usherd {
namespace {

unsigned status_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid:
      return 400;
    case Errc::corrupt:
      return 500;  // waiting does not help
    case Errc::no_space:
      return 507;  // the service is there: only what was asked for cannot be written
    default:
      return 503;
  }
}

}  // namespace

std::string retry_name(WallTime now) {
  auto stamp = format_rfc3339(now).substr(0, 19);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return "retry-" + stamp + "Z.ndjson";
}

void Inquiries::add_to(Router& router) {
  router.local("/api/trace", [this](AdminRequest request) { return trace(std::move(request)); });
  router.action("/api/trace", [this](AdminRequest request) { return trace_all(std::move(request)); });
  router.action("/api/rejects/retry", [this](AdminRequest request) { return retry(std::move(request)); });
  router.action("/api/rejects/drop", [this](AdminRequest request) { return drop(std::move(request)); });
}

Inquiries::Answer Inquiries::ask(Question question) {
  if (turn_.waiting() >= kMostWaiting)
    co_return AdminReply::error(503, "many trace and rejects commands wait in line: try again later");
  co_await turn_.acquire();
  const SemaphorePlace turn(turn_);
  auto work = [this, question = std::move(question)]() -> Result<std::string> {
    auto inquiry = Inquiry::open(state_directory_, disk_, parts_.layout);
    if (!inquiry)
      return inquiry.error();
    return question(**inquiry);
  };
  auto answer = co_await parts_.workers.run(std::move(work));
  if (!answer)
    co_return AdminReply::error(status_of(answer.error()), answer.error().message);
  AdminReply reply;
  reply.body = std::move(*answer);
  co_return reply;
}

Inquiries::Answer Inquiries::trace(AdminRequest request) {
  if (request.value("user").empty())
    co_return AdminReply::error(400, "name a user: ?user=UID");
  Question question = [user = std::string(request.value("user"))](Inquiry& inquiry) {
    return inquiry.trace({&user, 1});
  };
  co_return co_await ask(std::move(question));
}

Inquiries::Answer Inquiries::trace_all(AdminRequest request) {
  std::vector<std::string> users;
  std::set<std::string> distinct;
  std::istringstream lines(std::move(request.body));
  for (std::string user; std::getline(lines, user);) {
    if (user.empty() || !distinct.insert(user).second)
      co_return AdminReply::error(400, "name users, one a line and none twice");
    users.push_back(std::move(user));
  }
  if (users.empty())
    co_return AdminReply::error(400, "name users, one a line");
  Question question = [users = std::move(users)](Inquiry& inquiry) { return inquiry.trace(users); };
  co_return co_await ask(std::move(question));
}

Inquiries::Answer Inquiries::retry(AdminRequest request) {
  auto order = order_of(request);
  if (!order)
    co_return AdminReply::error(400, order.error().message);
  Question question = [order = std::move(*order), name = retry_name(parts_.timers.now().wall)](
                          Inquiry& inquiry) { return inquiry.retry(order, name); };
  co_return co_await ask(std::move(question));
}

Inquiries::Answer Inquiries::drop(AdminRequest request) {
  auto order = order_of(request);
  if (!order)
    co_return AdminReply::error(400, order.error().message);
  Question question = [order = std::move(*order)](Inquiry& inquiry) { return inquiry.drop(order); };
  co_return co_await ask(std::move(question));
}

}  // namespace usherd
