#pragma once

#include "src/sandbox/api_answer.hpp"
#include "src/sandbox/organisation.hpp"
#include "src/sandbox/virtual_clock.hpp"
#include "usherd/core/result.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usherd::sandbox {

/// The control port's calls: the oracle, and what changes the sandbox while it runs. No I/O. What it is made
/// of must outlive it.
class Control {
 public:
  /// `changed` is called after whatever may have moved jobs, the clock or the listener.
  Control(Organisation& organisation, VirtualClock& clock, std::function<void()> changed);

  [[nodiscard]] ApiAnswer answer(std::string_view method, const Target& target, const std::string& body);
  /// Whether a request asks for the stream of all users.
  [[nodiscard]] static bool is_user_stream(std::string_view method, const Target& target);

  [[nodiscard]] Result<void> set(Result<Settings> settings);
  [[nodiscard]] Result<void> add_faults(std::string_view json, bool replace);
  void advance(Milliseconds by);
  [[nodiscard]] std::size_t finish_jobs(std::string_view id);
  void set_neighbour(Neighbour neighbour);
  void reset();
  [[nodiscard]] std::string jobs_json();
  [[nodiscard]] std::string keys_json();
  [[nodiscard]] std::optional<std::string> user_json(std::string_view uid);

 private:
  using Handler = ApiAnswer (Control::*)(std::string_view method, const Target& target,
                                         const std::string& body);

  [[nodiscard]] ApiAnswer oracle_call(std::string_view method, const Target& target, const std::string& body);
  [[nodiscard]] ApiAnswer settings_call(std::string_view method, const Target& target,
                                        const std::string& body);
  [[nodiscard]] ApiAnswer faults_call(std::string_view method, const Target& target, const std::string& body);
  [[nodiscard]] ApiAnswer clock_call(std::string_view method, const Target& target, const std::string& body);
  [[nodiscard]] ApiAnswer key_call(std::string_view method, const Target& target, const std::string& body);
  [[nodiscard]] ApiAnswer neighbour_call(std::string_view method, const Target& target,
                                         const std::string& body);
  [[nodiscard]] ApiAnswer reset_call(std::string_view method, const Target& target, const std::string& body);
  [[nodiscard]] ApiAnswer finish_call(std::string_view method, const Target& target, const std::string& body);

  Organisation& org_;
  VirtualClock& clock_;
  std::function<void()> changed_;
};

}  // namespace usherd::sandbox
