#include "src/app/check_files.hpp"

#include "src/app/daemon_parts.hpp"
#include "src/app/file_plan.hpp"
#include "src/app/standard_output.hpp"
#include "usherd/app/environment.hpp"
#include "usherd/app/identity.hpp"
#include "usherd/app/key_holder.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/convert.hpp"
#include "usherd/spool/file_name.hpp"
#include "usherd/submit/api_answer.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <string_view>

namespace usherd {
namespace {

/// Faults shown of one file; the rest is counted.
constexpr std::uint64_t kShown = 20;

void show(const std::string& path, const Rejection& rejection) {
  fmt::print("{}:{}: {}: {}\n", printable(path), rejection.line, rejection.code, rejection.message);
}

ExitCode refuse_whole(const std::string& path, std::string_view code, std::string_view message) {
  fmt::print("{}: refused whole: {}: {}\n", printable(path), code, message);
  return ExitCode::with_rejects;
}

ExitCode check_one(Files& files, const Config& config, const std::string& path, FilePlan& plan) {
  // Whatever its name: a word that is no file was most likely not meant as one.
  if (const auto found = files.stat(path); !found) {
    tell("{}: {}\n", printable(path), found.error().message);
    return ExitCode::failure;
  }
  const auto name = std::filesystem::path(path).filename().string();
  const auto format = format_of(name);
  if (!format)
    return refuse_whole(path, "unknown_format", fmt::format("the name ends in none of {}", known_endings()));
  // As `submit` does: which file it is, is the caller's own choice.
  std::error_code failed;
  const auto file = std::filesystem::canonical(path, failed);
  const auto checked = check_records(files, config, failed ? path : file.string(), *format,
                                     [&](const Rejection& rejection, std::uint64_t count) {
                                       if (count <= kShown)
                                         show(path, rejection);
                                     });
  if (!checked) {
    tell("{}: {}\n", printable(path), checked.error().message);
    return ExitCode::failure;
  }
  if (checked->refusal)
    return refuse_whole(path, checked->refusal->code, checked->refusal->message);
  if (checked->rejected > kShown)
    fmt::print("{}: {} refused\n", printable(path),
               counted(checked->rejected - kShown, "more record", "more records"));
  fmt::print("{}: {}, {} good, {} refused\n", printable(path), counted(checked->records, "record", "records"),
             checked->records - checked->rejected, checked->rejected);
  plan.add(*checked);
  return checked->rejected == 0 ? ExitCode::ok : ExitCode::with_rejects;
}

/// Why an answer is no word about the key, with what to look at.
void tell_of_no_word(unsigned status, const std::string& base_url) {
  const bool astray = status == 404 || status / 100 == 3;
  tell("GET /me: {}: no word about the key{}\n", status,
       astray ? fmt::format("; look at api.base_url first: {}", printable(base_url)) : "");
}

boost::asio::awaitable<ExitCode> ask_me(HttpsTransport& transport, const KeyHolder& key,
                                        std::string base_url) {
  const auto connection = transport.connection();
  Request request;
  request.target = "/me";
  request.headers.push_back(Header{"Authorization", key.authorization()});
  request.headers.push_back(Header{"Accept", "application/json"});
  const auto answer = co_await connection->exchange(std::move(request));
  if (answer.failure) {
    tell("GET /me: {}\n", answer.failure->message);
    co_return ExitCode::unavailable;
  }
  if (answer.status == 401 || answer.status == 403) {
    tell("GET /me: {}: the API does not accept the key; put a good one into api.key_file\n", answer.status);
    co_return ExitCode::failure;
  }
  if (answer.status != 200) {
    tell_of_no_word(answer.status, base_url);
    co_return ExitCode::unavailable;
  }
  const auto me = parse_me(answer.body);
  if (!me) {
    // A login page under 200 says nothing of the key.
    tell("GET /me: 200, but not as the API answers: no word about the key\n");
    co_return ExitCode::unavailable;
  }
  fmt::print("the key is good: organisation {}, role {}\n", printable(me->org_id), printable(me->role));
  if (!role_reads_errors(me->role))
    tell(
        "its role cannot read why records fail: batches with errors will end unknown; take a key of an "
        "Admin or Architect\n");
  co_return ExitCode::ok;
}

}  // namespace

ExitCode check_files(Files& files, const Config& config, const std::vector<std::string>& paths) {
  FilePlan plan(config);
  auto exit = ExitCode::ok;
  for (const auto& path : paths) {
    const auto one = check_one(files, config, std::filesystem::absolute(path).string(), plan);
    if (exit != ExitCode::failure && one != ExitCode::ok)
      exit = one;
  }
  fmt::print("{}", plan.text());
  return exit;
}

ExitCode check_online(const Config& config) {
  auto log = make_silent_log();
  KeyHolder key(config.api.key_file, process_environment(), *log);
  if (auto read = key.read(); !read) {
    tell("{}\n", read.error().message);
    return ExitCode::config;
  }
  const auto options = https_options(config, process_environment());
  if (!options) {
    tell("{}\n", options.error().message);
    return ExitCode::config;
  }
  boost::asio::io_context loop(1);
  auto transport = HttpsTransport::make(loop.get_executor(), *options);
  if (!transport) {
    tell("{}\n", transport.error().message);
    return ExitCode::config;
  }
  auto exit = ExitCode::failure;
  const auto ended = [&exit](const std::exception_ptr& failure, ExitCode code) {
    if (!failure)
      exit = code;
  };
  boost::asio::co_spawn(loop, ask_me(**transport, key, config.api.base_url), ended);
  loop.run();
  return exit;
}

}  // namespace usherd
