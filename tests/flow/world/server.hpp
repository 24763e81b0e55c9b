#pragma once

#include "src/sandbox/api.hpp"
#include "src/sandbox/organisation.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace usherd::flow {

/// The seq in the name of a property that stands for an update ("p17"); 0: it is another one.
[[nodiscard]] std::uint64_t update_of(std::string_view property);

/// The API side of a world: the sandbox's own organisation, and a witness who looks at each job that is
/// made. A record of these tests names its place in a user's updates in the property `seq` and sets a
/// property of its own, `p` and its seq; so a merged one shows what it is made of.
class ApiServer {
 public:
  ApiServer(sandbox::Settings settings, std::uint64_t seed);

  [[nodiscard]] sandbox::ApiAnswer answer(sandbox::ApiRequest& request, WallTime now);

  sandbox::Organisation organisation;
  sandbox::Api api;

  /// What the witness saw of one user: updates of jobs that were or will be applied, in the order of their
  /// jobs.
  struct Seen {
    std::uint64_t last = 0;  ///< the newest seq so far
    std::set<std::uint64_t> updates;
    WallTime latest{};  ///< when the last of these jobs was made
  };
  [[nodiscard]] const std::map<std::string, Seen, std::less<>>& users() const { return users_; }
  /// Updates that came after a newer one of their user.
  [[nodiscard]] std::uint64_t out_of_order() const { return out_of_order_; }
  /// Updates that were in an effective job before.
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }
  /// Records in the effective jobs so far.
  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  void look_at(const sandbox::Job& job);
  void look_at_record(simdjson::dom::object record, WallTime now);

  std::map<std::string, Seen, std::less<>> users_;
  sandbox::BodyParser parser_;
  std::uint64_t out_of_order_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace usherd::flow
