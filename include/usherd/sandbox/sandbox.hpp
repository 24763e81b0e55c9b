#pragma once

#include "usherd/core/result.hpp"
#include "usherd/core/units.hpp"
#include "usherd/sandbox/oracle.hpp"
#include "usherd/sandbox/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// How a sandbox is started. Ports of 0 are any free ones; an empty key is made up; an empty certificate
/// directory is a fresh one under TMPDIR, removed at the end.
struct SandboxOptions {
  std::uint16_t port = 0;
  std::uint16_t control_port = 0;
  std::string certificate_dir;
  std::string key;
  Settings settings;
  std::uint64_t seed = 1;
  bool plain = false;         ///< the API without TLS
  bool frozen_clock = false;  ///< the server's time moves by advance_clock() only
};

/// The FullStory stand-in, listening on 127.0.0.1 from start() on. It owns a thread on which all of it runs;
/// its calls may be made from any other thread, wait for that one, and see all that came before them.
/// Destroying it closes every connection. It never touches the network beyond loopback.
class Sandbox {
 public:
  /// Errors: a port that is taken, a directory that cannot be written.
  [[nodiscard]] static Result<std::unique_ptr<Sandbox>> start(const SandboxOptions& options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t control_port() const;
  /// "https://localhost:PORT", or "http://127.0.0.1:PORT" when plain.
  [[nodiscard]] std::string api_url() const;
  [[nodiscard]] std::string control_url() const;
  /// PEM file of the authority that signed the server's certificate.
  [[nodiscard]] const std::string& ca_file() const;
  /// The API key it was started with.
  [[nodiscard]] const std::string& key() const;

  [[nodiscard]] Oracle oracle();
  /// One user's final state, as a JSON object {"uid","id","display_name","email","properties","updates"}.
  [[nodiscard]] std::optional<std::string> user(std::string_view uid);
  /// All users, one JSON object a line, by uid.
  [[nodiscard]] std::string users();
  /// JSON arrays, as the control port answers them.
  [[nodiscard]] std::string jobs();
  [[nodiscard]] std::string keys();

  [[nodiscard]] Settings settings();
  /// Replaces one setting. An error leaves all as it was.
  [[nodiscard]] Result<void> set(std::string_view name, std::string_view value);
  /// Adds fault rules; the form is in docs/sandbox.md.
  [[nodiscard]] Result<void> add_faults(std::string_view json);
  void clear_faults();

  void advance_clock(Milliseconds by);
  void revoke_key();
  void accept_key(std::string key);
  /// Other traffic of the organisation, which takes that much of the in-progress budget.
  void set_neighbour(std::uint64_t batches, std::uint64_t operations);
  /// Ends all unfinished jobs, or the one of that id, at once; returns how many.
  std::size_t finish_jobs(std::string_view id = {});
  /// Forgets users, jobs, keys and counts. Settings, faults and the API key stay.
  void reset();

 private:
  struct State;
  explicit Sandbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace usherd::sandbox
