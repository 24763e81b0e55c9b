#include "src/sandbox/control_session.hpp"

#include "src/sandbox/http_head.hpp"
#include "src/sandbox/user_json.hpp"

#include <limits>

namespace usherd::sandbox {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kMostControlBody = 1ULL << 20;
constexpr Milliseconds kPatience{60'000};

}  // namespace

asio::awaitable<void> ControlSession::run() {
  bool goes_on = true;
  while (goes_on)
    goes_on = co_await exchange();
}

asio::awaitable<bool> ControlSession::exchange() {
  if (co_await reader_.read_header(kPatience) != ReadEnd::whole)
    co_return false;
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  const ReadEnd end = co_await reader_.read_body(kMostControlBody, kAll, kPatience);
  if (end == ReadEnd::bad || end == ReadEnd::closed)
    co_return false;
  const Target target = parse_target(reader_.target());
  if (Control::is_user_stream(reader_.method(), target)) {
    co_await stream_users();
    co_await channel_.finish();
    co_return false;
  }
  const bool whole = end == ReadEnd::whole;
  ApiAnswer answer;
  if (whole) {
    answer = control_.answer(reader_.method(), target, reader_.take_body());
  } else {
    answer = error_answer(413, "payload_too_large", "a control body is at most 1 MiB");
  }
  answer.body += '\n';
  const bool keep_alive = whole && reader_.keep_alive();
  std::string text = http_head(answer, answer.body.size(), keep_alive, clock_.now());
  text += answer.body;
  const bool sent = co_await channel_.write(text);
  if (sent && !keep_alive)
    co_await channel_.finish();
  co_return sent&& keep_alive;
}

asio::awaitable<void> ControlSession::stream_users() {
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n";
  if (!co_await channel_.write(head))
    co_return;
  org_.tick(clock_.now());
  const std::vector<UserStore::Number> users = org_.users.sorted();
  constexpr std::size_t kPiece = 64UL * 1024;
  std::string piece;
  for (const UserStore::Number user : users) {
    // A reset while this runs leaves numbers that name nobody any more.
    if (user >= org_.users.end() || org_.users.at(user).deleted)
      continue;
    piece += oracle_user_json(org_.users, user);
    piece += '\n';
    if (piece.size() >= kPiece) {
      if (!co_await channel_.write(piece))
        co_return;
      piece.clear();
    }
  }
  co_await channel_.write(piece);
}

}  // namespace usherd::sandbox
